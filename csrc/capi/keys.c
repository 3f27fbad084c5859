/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of CURVE as text. */
#include <string.h>

#include "base/bytes.h"
#include "fastmq.h"
#include "security/crypto.h"
#include "security/z85.h"

enum { KEY_CHARS = FMQ__CRYPTO_KEY_LEN / FMQ__Z85_BYTES * FMQ__Z85_CHARS };

int
fmq_curve_keypair(char public_key[41], char secret_key[41])
{
    const fmq__crypto *crypto = fmq__crypto_get();
    uint8_t public_bytes[FMQ__CRYPTO_KEY_LEN];
    uint8_t secret_bytes[FMQ__CRYPTO_KEY_LEN];

    if (crypto == NULL) {
        return ENOTSUP;
    }
    crypto->random(secret_bytes, sizeof(secret_bytes));
    crypto->public_of(public_bytes, secret_bytes);
    fmq__z85_encode(public_key, public_bytes, sizeof(public_bytes));
    fmq__z85_encode(secret_key, secret_bytes, sizeof(secret_bytes));
    fmq__wipe(secret_bytes, sizeof(secret_bytes));
    return 0;
}

int
fmq_curve_public(char public_key[41], const char *secret_key)
{
    const fmq__crypto *crypto = fmq__crypto_get();
    uint8_t public_bytes[FMQ__CRYPTO_KEY_LEN];
    uint8_t secret_bytes[FMQ__CRYPTO_KEY_LEN];
    bool is_key;

    if (crypto == NULL) {
        return ENOTSUP;
    }
    is_key = strlen(secret_key) == KEY_CHARS &&
             fmq__z85_decode(secret_bytes, secret_key, KEY_CHARS);
    if (is_key) {
        crypto->public_of(public_bytes, secret_bytes);
        fmq__z85_encode(public_key, public_bytes, sizeof(public_bytes));
    }
    fmq__wipe(secret_bytes, sizeof(secret_bytes));
    return is_key ? 0 : EINVAL;
}
