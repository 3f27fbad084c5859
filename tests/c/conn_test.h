/* SPDX-License-Identifier: Apache-2.0 */
/* conn_test: connections in a test: opened, fed in pieces and drained. */
#ifndef FMQ_TESTS_CONN_TEST_H
#define FMQ_TESTS_CONN_TEST_H

#include "check.h"
#include "security/null.h"
#include "wire/conn.h"
#include "wire_test.h"

static inline uint64_t
conn_bit(const char *type)
{
    return fmq__conn_type_bit(type, strlen(type));
}

/* A connection of `type` that talks to `peer_type` only (NULL: to all). */
static inline fmq__conn_config
conn_config_of(const char *type, const char *peer_type)
{
    fmq__conn_config config = {
        .socket_type = type,
        .peer_types = peer_type != NULL ? conn_bit(peer_type) : UINT64_MAX,
        .mech = &fmq__mech_null,
    };

    return config;
}

static inline fmq__conn *
conn_open(const fmq__conn_config *config)
{
    fmq__conn *c = NULL;

    REQUIRE(fmq__conn_new(config, &c) == 0);
    return c;
}

/* Moves everything that waits to be sent to `b`, `step` bytes at a time. */
static inline void
conn_drain(fmq__conn *c, wire_bytes *b, size_t step)
{
    const uint8_t *data;
    size_t n;

    while ((n = fmq__conn_output(c, &data)) != 0) {
        n = n < step ? n : step;
        wire_add(b, data, n);
        fmq__conn_sent(c, n);
    }
}

/* Feeds bytes from a block of their own size, so that a sanitizer sees a read beyond.
 */
static inline int
conn_feed(fmq__conn *c, const uint8_t *data, size_t len, size_t *used)
{
    uint8_t *exact = malloc(len != 0 ? len : 1);
    int err;

    REQUIRE(exact != NULL);
    if (len != 0) {
        memcpy(exact, data, len);
    }
    err = fmq__conn_input(c, exact, len, used);
    CHECK(*used <= len);
    free(exact);
    return err;
}

/* Feeds `b` cut at `cut` and at each multiple of `step` after it, and stops at an error
 * or when ready, as a session does. `*used` counts all that was used. */
static inline int
conn_feed_cut(fmq__conn *c, const wire_bytes *b, size_t cut, size_t step, size_t *used)
{
    size_t at = 0;
    size_t n = 0;
    int err = 0;

    while (err == 0 && at < b->len && !fmq__conn_is_ready(c)) {
        size_t len = at < cut ? cut - at : step;

        len = len < b->len - at ? len : b->len - at;
        err = conn_feed(c, b->data + at, len, &n);
        at += n;
        CHECK(err != 0 || n == len || fmq__conn_is_ready(c));
    }
    *used = at;
    return err;
}

#endif
