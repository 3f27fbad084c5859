/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/command.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

enum { TTL_LEN = 2, TTL_UNIT_MS = 100 };

static const struct {
    const char *name;
    enum fmq__command_kind kind;
} kinds[] = {
    {"PING", FMQ__COMMAND_PING},           {"PONG", FMQ__COMMAND_PONG},
    {"SUBSCRIBE", FMQ__COMMAND_SUBSCRIBE}, {"CANCEL", FMQ__COMMAND_CANCEL},
    {"JOIN", FMQ__COMMAND_JOIN},           {"LEAVE", FMQ__COMMAND_LEAVE},
};

int
fmq__command_parse(const uint8_t *body, size_t len, fmq__command *command)
{
    size_t name_len;

    if (len == 0) {
        return EPROTO;
    }
    name_len = body[0];
    if (name_len > len - 1) {
        return EPROTO;
    }
    command->name = body + 1;
    command->name_len = name_len;
    command->data = body + 1 + name_len;
    command->data_len = len - 1 - name_len;
    return 0;
}

bool
fmq__command_is(const fmq__command *command, const char *name)
{
    size_t len = strlen(name);

    return command->name_len == len && memcmp(command->name, name, len) == 0;
}

enum fmq__command_kind
fmq__command_classify(const uint8_t *body, size_t len, fmq__command *command)
{
    fmq__command found;

    if (fmq__command_parse(body, len, &found) != 0) {
        return FMQ__COMMAND_OTHER;
    }
    *command = found;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (fmq__command_is(&found, kinds[i].name)) {
            return kinds[i].kind;
        }
    }
    return FMQ__COMMAND_OTHER;
}

static size_t
min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

int
fmq__command_parse_ping(const fmq__command *command, fmq__ping *ping)
{
    if (command->data_len < TTL_LEN) {
        return EPROTO;
    }
    ping->ttl_ms = (uint32_t)fmq__get_u16(command->data) * TTL_UNIT_MS;
    ping->context = command->data + TTL_LEN;
    ping->context_len = min_size(command->data_len - TTL_LEN, FMQ__PING_CONTEXT_MAX);
    return 0;
}

int
fmq__command_parse_error(const fmq__command *command, unsigned *status)
{
    const uint8_t *reason = command->data + 1;

    if (command->data_len == 0 || command->data[0] > command->data_len - 1) {
        return EPROTO;
    }
    *status = 0;
    if (command->data[0] == 3 && reason[0] >= '3' && reason[0] <= '5' &&
        reason[1] == '0' && reason[2] == '0') {
        *status = (unsigned)(reason[0] - '0') * 100;
    }
    return 0;
}

size_t
fmq__command_put_name(uint8_t *p, const char *name)
{
    size_t len = strlen(name);

    p[0] = (uint8_t)len;
    memcpy(p + 1, name, len);
    return 1 + len;
}

/* Writes as much of a context as may be sent; returns how much. */
static size_t
put_context(uint8_t *p, const void *context, size_t len)
{
    len = min_size(len, FMQ__PING_CONTEXT_MAX);
    if (len != 0) {
        memcpy(p, context, len);
    }
    return len;
}

size_t
fmq__command_put_ping(uint8_t *p, uint64_t ttl_ms, const void *context,
                      size_t context_len)
{
    size_t at = fmq__command_put_name(p, "PING");
    uint64_t ttl = ttl_ms / TTL_UNIT_MS + (ttl_ms % TTL_UNIT_MS != 0);

    fmq__put_u16(p + at, (uint16_t)(ttl < UINT16_MAX ? ttl : UINT16_MAX));
    at += TTL_LEN;
    return at + put_context(p + at, context, context_len);
}

size_t
fmq__command_put_pong(uint8_t *p, const void *context, size_t context_len)
{
    size_t at = fmq__command_put_name(p, "PONG");

    return at + put_context(p + at, context, context_len);
}
