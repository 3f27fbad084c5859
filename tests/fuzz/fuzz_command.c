/* SPDX-License-Identifier: Apache-2.0 */
/* A command's body as a peer sends it, in traffic and in the handshake. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wire/command.h"

static void
check_ping(const fmq__command *c)
{
    uint8_t pong[FMQ__PONG_MAX];
    uint8_t again[FMQ__PING_MAX];
    fmq__ping ping;
    size_t len;

    if (fmq__command_parse_ping(c, &ping) != 0) {
        require(c->data_len < 2);
        return;
    }
    require(ping.context_len <= FMQ__PING_CONTEXT_MAX);
    len = fmq__command_put_pong(pong, ping.context, ping.context_len);
    require(len == 5 + ping.context_len);
    require(memcmp(pong + 5, c->data + 2, ping.context_len) == 0);
    len = fmq__command_put_ping(again, ping.ttl_ms, ping.context, ping.context_len);
    require(len == 7 + ping.context_len);
    require(memcmp(again + 5, c->data, 2 + ping.context_len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fmq__command c = {.name_len = 1000};
    fmq__command traffic = {.name_len = 1000};
    enum fmq__command_kind kind = fmq__command_classify(data, size, &traffic);
    unsigned status = 1;

    if (fmq__command_parse(data, size, &c) != 0) {
        require(kind == FMQ__COMMAND_OTHER);
        require(c.name_len == 1000 && traffic.name_len == 1000);
        return 0;
    }
    require(c.name == data + 1 && c.name + c.name_len == c.data);
    require(c.data + c.data_len == data + size);
    require(memcmp(&c, &traffic, sizeof(c)) == 0);
    require((kind == FMQ__COMMAND_PING) == fmq__command_is(&c, "PING"));
    check_ping(&c);
    if (fmq__command_parse_error(&c, &status) == 0) {
        require(status == 0 || status == 300 || status == 400 || status == 500);
    } else {
        require(status == 1);
    }
    return 0;
}
