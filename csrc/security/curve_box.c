/* SPDX-License-Identifier: Apache-2.0 */
#include "security/curve_box.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

void
fmq__curve_nonce_short(fmq__curve_nonce *n, const char *prefix, const uint8_t part[8])
{
    assert(strlen(prefix) == 16);
    memcpy(n->bytes, prefix, 16);
    memcpy(n->bytes + 16, part, 8);
}

void
fmq__curve_nonce_long(fmq__curve_nonce *n, const char *prefix, const uint8_t part[16])
{
    assert(strlen(prefix) == 8);
    memcpy(n->bytes, prefix, 8);
    memcpy(n->bytes + 8, part, 16);
}

void
fmq__curve_seal(const fmq__crypto *c, uint8_t *sealed, const uint8_t *text, size_t len,
                const fmq__curve_nonce *n, const uint8_t key[32])
{
    uint8_t derived[FMQ__CRYPTO_KEY_LEN];

    c->derive(derived, key, n->bytes);
    c->seal(sealed, NULL, text, len, n->bytes + FMQ__CRYPTO_DOMAIN_LEN, derived);
    fmq__wipe(derived, sizeof(derived));
}

bool
fmq__curve_open(const fmq__crypto *c, uint8_t *text, const uint8_t *sealed, size_t len,
                const fmq__curve_nonce *n, const uint8_t key[32])
{
    uint8_t derived[FMQ__CRYPTO_KEY_LEN];
    bool is_good;

    c->derive(derived, key, n->bytes);
    is_good = c->open(text, sealed, len, n->bytes + FMQ__CRYPTO_DOMAIN_LEN, derived);
    fmq__wipe(derived, sizeof(derived));
    return is_good;
}

void
fmq__curve_keypair(const fmq__crypto *c, uint8_t public_key[32], uint8_t secret_key[32])
{
    c->random(secret_key, FMQ__CRYPTO_KEY_LEN);
    c->public_of(public_key, secret_key);
}
