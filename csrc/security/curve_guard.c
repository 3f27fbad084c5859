/* SPDX-License-Identifier: Apache-2.0 */
/* A nonce is 16 letters, the same for all messages of a direction, and a number of 8
 * bytes. So the half of the work that depends on the letters alone is done once, and
 * what is kept here is its result.
 *
 * The two directions share nothing but the table and are a cache line apart, because
 * two threads may be at work, one at each.
 */
#include "security/curve_guard.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "msg/msg.h"
#include "wire/protocol_error.h"

static const char name[] = "\7MESSAGE";

enum {
    NAME_LEN = sizeof(name) - 1,
    NONCE_AT = NAME_LEN,
    BOX_AT = NONCE_AT + FMQ__CRYPTO_COUNT_LEN,
    BODY_AT = BOX_AT + FMQ__CRYPTO_SEAL_LEN + 1,
    FLAG_MORE = 1,
    FLAG_COMMAND = 2,
    CACHE_LINE = 64
};

_Static_assert((int)BODY_AT == (int)FMQ__CURVE_MESSAGE_EXTRA,
               "flags are the first byte of what is sealed");

/* One direction. */
typedef struct lane {
    uint8_t derived[FMQ__CRYPTO_KEY_LEN];
    uint64_t last; /* the number used last */
    uint8_t pad[CACHE_LINE];
} lane;

typedef struct curve_guard {
    fmq__guard base;
    const fmq__crypto *crypto;
    uint8_t pad[CACHE_LINE];
    lane out;
    lane in;
} curve_guard;

static curve_guard *
from_base(fmq__guard *g)
{
    return (curve_guard *)(void *)((char *)g - offsetof(curve_guard, base));
}

static size_t
sealed_max(const fmq__guard *g, size_t len)
{
    (void)g;
    return len + FMQ__CURVE_MESSAGE_EXTRA;
}

static int
seal(fmq__guard *base, unsigned flags, const uint8_t *body, size_t len, uint8_t *sealed,
     size_t *sealed_len)
{
    curve_guard *g = from_base(base);
    uint8_t inner = (uint8_t)(((flags & FMQ__MORE) != 0 ? FLAG_MORE : 0) |
                              ((flags & FMQ__COMMAND) != 0 ? FLAG_COMMAND : 0));

    if (g->out.last == UINT64_MAX) {
        return EPROTO; /* never twice */
    }
    memcpy(sealed, name, NAME_LEN);
    fmq__put_u64(sealed + NONCE_AT, ++g->out.last);
    g->crypto->seal(sealed + BOX_AT, &inner, body, len, sealed + NONCE_AT,
                    g->out.derived);
    *sealed_len = len + FMQ__CURVE_MESSAGE_EXTRA;
    return 0;
}

static int
fail(fmq__opened *opened, unsigned error)
{
    opened->error = error;
    return EPROTO;
}

/* What is no MESSAGE: another command, or none. */
static unsigned
name_stranger(const uint8_t *sealed, size_t len)
{
    return len <= 1 || len <= sealed[0] ? FMQ__ZMTP_MALFORMED_COMMAND
                                        : FMQ__ZMTP_UNEXPECTED_COMMAND;
}

static int
open_sealed(fmq__guard *base, uint8_t *sealed, size_t len, fmq__opened *opened)
{
    curve_guard *g = from_base(base);
    uint64_t number;
    uint8_t inner;

    if (len < NAME_LEN || memcmp(sealed, name, NAME_LEN) != 0) {
        return fail(opened, name_stranger(sealed, len));
    }
    if (len < FMQ__CURVE_MESSAGE_EXTRA) {
        return fail(opened, FMQ__ZMTP_MALFORMED_MESSAGE);
    }
    number = fmq__get_u64(sealed + NONCE_AT);
    if (number <= g->in.last) {
        return fail(opened, FMQ__ZMTP_INVALID_SEQUENCE);
    }
    g->in.last = number;
    if (!g->crypto->open(sealed + BODY_AT - 1, sealed + BOX_AT, len - BOX_AT,
                         sealed + NONCE_AT, g->in.derived)) {
        return fail(opened, FMQ__ZMTP_CRYPTOGRAPHIC);
    }
    inner = sealed[BODY_AT - 1];
    opened->flags = ((inner & FLAG_MORE) != 0 ? (unsigned)FMQ__MORE : 0U) |
                    ((inner & FLAG_COMMAND) != 0 ? (unsigned)FMQ__COMMAND : 0U);
    opened->body = sealed + BODY_AT;
    opened->len = len - FMQ__CURVE_MESSAGE_EXTRA;
    return 0;
}

static void
guard_free(fmq__guard *base)
{
    curve_guard *g = from_base(base);

    fmq__wipe(g, sizeof(*g));
    fmq__free(g);
}

static const fmq__guard_ops ops = {
    .sealed_max = sealed_max,
    .seal = seal,
    .open = open_sealed,
    .free = guard_free,
};

int
fmq__curve_guard_new(const fmq__crypto *crypto, bool is_server, const uint8_t key[32],
                     uint64_t n_said, uint64_t n_heard, fmq__guard **guard)
{
    static const char *const domain[] = {"CurveZMQMESSAGEC", "CurveZMQMESSAGES"};
    curve_guard *g = fmq__calloc(1, sizeof(*g));

    if (g == NULL) {
        return ENOMEM;
    }
    g->base.ops = &ops;
    g->crypto = crypto;
    crypto->derive(g->out.derived, key, (const uint8_t *)domain[is_server]);
    crypto->derive(g->in.derived, key, (const uint8_t *)domain[!is_server]);
    g->out.last = n_said;
    g->in.last = n_heard;
    *guard = &g->base;
    return 0;
}
