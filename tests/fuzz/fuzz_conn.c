/* SPDX-License-Identifier: Apache-2.0 */
/* A peer says anything: the connection must stay within bounds, and must not care how
 * the bytes were cut. The first byte of the input says in which steps they come, and
 * who we are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "security/null.h"
#include "wire/conn.h"

typedef struct outcome {
    int err;
    unsigned error;
    unsigned version;
    bool is_ready;
    size_t used;
    size_t out_len;
} outcome;

/* Of today's versions and of old ones: no name, a short and the longest one. */
static const struct us {
    const char *type;
    const char *peer[2];
    const char *identity;
    bool has_identity;
    bool is_server;
} us[] = {
    {"ROUTER", {"DEALER", "REQ"}, "me", true, false},
    {"SUB", {"PUB", "XPUB"}, "", false, false},
    {"PULL", {"PUSH", "PUSH"}, "x", false, true},
    {"DEALER",
     {"REP", "ROUTER"},
     "a name of 255 bytes, as long as one may be: 0123456789012345678901234567890123456"
     "789012345678901234567890123456789012345678901234567890123456789012345678901234567"
     "8"
     "901234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "01"
     "2345678",
     true,
     true},
};

/* What is never more than 255 bytes of a name; ZMTP 1.0 and 2.0 tell no type. */
static void
check_ready(const struct us *u, fmq__conn *c)
{
    fmq__props *props = fmq__conn_take_props(c);
    const char *type = fmq__props_get(props, "Socket-Type", NULL);
    unsigned version = fmq__conn_version(c);
    size_t len = 0;

    require(fmq__conn_has_greeted(c));
    require(version == 0x0100 || version == 0x0200 || version == 0x0300 ||
            version == 0x0301);
    require(type == NULL || strcmp(type, u->peer[0]) == 0 ||
            strcmp(type, u->peer[1]) == 0);
    if (version < 0x0300) {
        require(type == NULL);
        require(fmq__props_get(props, "Identity", &len) != NULL && len <= 255);
    }
    fmq__props_drop(props);
}

static outcome
run(const struct us *u, const uint8_t *data, size_t size, size_t step)
{
    fmq__conn_config config = {
        .socket_type = u->type,
        .peer_types = fmq__conn_type_bit(u->peer[0], strlen(u->peer[0])) |
                      fmq__conn_type_bit(u->peer[1], strlen(u->peer[1])),
        .identity = (const uint8_t *)u->identity,
        .identity_len = strlen(u->identity),
        .has_identity = u->has_identity,
        .is_server = u->is_server,
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
        check_ready(u, c);
    }
    fmq__conn_free(c);
    return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct us *u;
    outcome whole;
    outcome cut;

    if (size < 2) {
        return 0;
    }
    u = &us[data[0] / 80 % 4];
    whole = run(u, data + 1, size - 1, size);
    cut = run(u, data + 1, size - 1, 1 + (size_t)data[0] % 80);
    require(whole.err == cut.err && whole.error == cut.error);
    require(whole.version == cut.version && whole.is_ready == cut.is_ready);
    require(whole.used == cut.used && whole.out_len == cut.out_len);
    return 0;
}
