/* SPDX-License-Identifier: Apache-2.0 */
/* curve_test: CURVE with numbers that are known: a crypto table whose random bytes can
 * be counted, and secrets made of one byte value, as in tests/vectors/curve_*.hex.
 *
 * Threads: one.
 */
#ifndef FMQ_TESTS_CURVE_TEST_H
#define FMQ_TESTS_CURVE_TEST_H

#include <string.h>

#include "check.h"
#include "security/crypto.h"
#include "security/curve.h"
#include "security/secrets.h"

enum { CURVE_CLIENT = 0x31, CURVE_SERVER = 0x32 };

/* What the next request for random bytes gets, in every byte. */
static uint8_t curve_next_random;

static void
curve_random(void *p, size_t n)
{
    memset(p, curve_next_random++, n);
}

/* The library's table with that source. */
static inline const fmq__crypto *
curve_crypto(void)
{
    static fmq__crypto counted;

    counted = *fmq__crypto_get();
    counted.random = curve_random;
    return &counted;
}

/* The pair whose secret key is `who` in every byte. */
static inline void
curve_pair(uint8_t who, uint8_t public_key[32], uint8_t secret_key[32])
{
    memset(secret_key, who, FMQ__KEY_LEN);
    fmq__crypto_get()->public_of(public_key, secret_key);
}

/* Secrets of `who`, who is a server, or a client of `server`. */
static inline fmq__secrets *
curve_secrets(const fmq__crypto *crypto, uint8_t who, uint8_t server)
{
    uint8_t unused[FMQ__KEY_LEN];
    fmq__secrets *s = NULL;

    REQUIRE(fmq__secrets_copy(NULL, &s) == 0);
    s->mechanism = FMQ__MECHANISM_CURVE;
    s->crypto = crypto;
    s->is_server = server == 0;
    curve_pair(who, s->public_key, s->secret_key);
    if (server != 0) {
        curve_pair(server, s->server_key, unused);
    }
    return s;
}

#endif
