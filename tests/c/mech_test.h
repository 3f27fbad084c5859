/* SPDX-License-Identifier: Apache-2.0 */
/* mech_test: a mechanism in a test, called as a connection does. */
#ifndef FMQ_TESTS_MECH_TEST_H
#define FMQ_TESTS_MECH_TEST_H

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "wire/mech.h"

static inline void *
mech_open(const fmq__mech_ops *ops, const void *config, bool is_server,
          const void *metadata, size_t metadata_len)
{
    fmq__mech_args args = {.config = config,
                           .is_server = is_server,
                           .metadata = metadata,
                           .metadata_len = metadata_len};
    void *state = calloc(1, ops->state_size);

    REQUIRE(state != NULL && ops->init(state, &args) == 0);
    return state;
}

static inline void
mech_close(const fmq__mech_ops *ops, void *state)
{
    ops->fini(state);
    free(state);
}

/* The next command, in a block of its own length; `*len` of it. The caller frees it. */
static inline uint8_t *
mech_next(const fmq__mech_ops *ops, void *state, size_t *len)
{
    uint8_t *body;

    REQUIRE((ops->want(state) & FMQ__MECH_SEND) != 0);
    *len = ops->next_len(state);
    body = malloc(*len);
    REQUIRE(body != NULL && ops->next(state, body) == 0);
    return body;
}

static inline void
mech_expect_next(const fmq__mech_ops *ops, void *state, const uint8_t *body, size_t len)
{
    size_t got_len;
    uint8_t *got = mech_next(ops, state, &got_len);

    if (CHECK_EQ(got_len, len)) {
        CHECK_MEM(got, body, len);
    }
    free(got);
}

static inline void
mech_skip_sends(const fmq__mech_ops *ops, void *state)
{
    while ((ops->want(state) & FMQ__MECH_SEND) != 0) {
        size_t len;

        free(mech_next(ops, state, &len));
    }
}

/* Feeds a command from a block of its own length, so that a sanitizer sees a read
 * beyond; what the result lends is gone, but for its being there. */
static inline int
mech_feed(const fmq__mech_ops *ops, void *state, const void *body, size_t len,
          fmq__mech_result *result)
{
    uint8_t *exact = malloc(len != 0 ? len : 1);
    int err;

    REQUIRE(exact != NULL);
    memcpy(exact, body, len);
    err = ops->input(state, exact, len, result);
    free(exact);
    return err;
}

#endif
