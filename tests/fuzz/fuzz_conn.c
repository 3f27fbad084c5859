/* SPDX-License-Identifier: Apache-2.0 */
/* A peer says anything: the connection must stay within bounds, and must not care how
 * the bytes were cut. The first byte of the input says in which steps they come. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "security/null.h"
#include "wire/conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome {
    int err;
    unsigned error;
    unsigned version;
    bool is_ready;
    size_t used;
    size_t out_len;
} outcome;

static void
require(bool is_ok)
{
    if (!is_ok) {
        abort();
    }
}

static void
check_ready(fmq__conn *c)
{
    fmq__props *props = fmq__conn_take_props(c);
    const char *type = fmq__props_get(props, "Socket-Type", NULL);

    require(fmq__conn_has_greeted(c));
    require(type == NULL || strcmp(type, "DEALER") == 0 || strcmp(type, "REQ") == 0);
    fmq__props_drop(props);
}

static outcome
run(const uint8_t *data, size_t size, size_t step)
{
    fmq__conn_config config = {
        .socket_type = "ROUTER",
        .peer_types = fmq__conn_type_bit("DEALER", 6) | fmq__conn_type_bit("REQ", 3),
        .identity = (const uint8_t *)"me",
        .identity_len = 2,
        .has_identity = true,
        .mech = &fmq__mech_null,
    };
    outcome o = {0};
    fmq__conn *c;
    const uint8_t *out;

    if (fmq__conn_new(&config, &c) != 0) {
        return o;
    }
    while (o.err == 0 && o.used < size && !fmq__conn_is_ready(c)) {
        size_t len = step < size - o.used ? step : size - o.used;
        uint8_t *exact = malloc(len);
        size_t n = 0;
        size_t sent;

        require(exact != NULL);
        memcpy(exact, data + o.used, len);
        o.err = fmq__conn_input(c, exact, len, &n);
        free(exact);
        require(n <= len);
        require(n == len || o.err != 0 || fmq__conn_is_ready(c));
        o.used += n;
        sent = fmq__conn_output(c, &out);
        fmq__conn_sent(c, sent);
        o.out_len += sent;
    }
    o.is_ready = fmq__conn_is_ready(c);
    o.error = fmq__conn_error(c);
    o.version = fmq__conn_version(c);
    if (o.is_ready) {
        check_ready(c);
    }
    fmq__conn_free(c);
    return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    outcome whole;
    outcome cut;

    if (size < 2) {
        return 0;
    }
    whole = run(data + 1, size - 1, size);
    cut = run(data + 1, size - 1, 1 + (size_t)data[0] % 80);
    require(whole.err == cut.err && whole.error == cut.error);
    require(whole.version == cut.version && whole.is_ready == cut.is_ready);
    require(whole.used == cut.used && whole.out_len == cut.out_len);
    return 0;
}
