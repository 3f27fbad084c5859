/* SPDX-License-Identifier: Apache-2.0 */
/* The table over libsodium, from its parts rather than from crypto_box: so the first
 * half of a nonce is paid for once, and a byte before a text needs no copy of that.
 *
 * XSalsa20-Poly1305: the first 32 bytes of the key stream are the key of the
 * authenticator, the rest is what the text is sealed with. So the first block of 64 is
 * made by itself, with half a block of text in it.
 */
#include "security/crypto.h"

#if FMQ_HAVE_SODIUM

#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

enum { BLOCK = 64, HALF = 32 };

_Static_assert(crypto_scalarmult_BYTES == FMQ__CRYPTO_KEY_LEN &&
                   crypto_core_hsalsa20_INPUTBYTES == FMQ__CRYPTO_DOMAIN_LEN &&
                   crypto_stream_salsa20_NONCEBYTES == FMQ__CRYPTO_COUNT_LEN &&
                   crypto_onetimeauth_BYTES == FMQ__CRYPTO_SEAL_LEN,
               "sizes are the algorithms' own");

static void
public_of(uint8_t public_key[32], const uint8_t secret_key[32])
{
    (void)crypto_scalarmult_base(public_key, secret_key);
}

static void
derive(uint8_t derived[32], const uint8_t key[32], const uint8_t domain[16])
{
    (void)crypto_core_hsalsa20(derived, domain, key, NULL);
}

static bool
agree(uint8_t shared[32], const uint8_t public_key[32], const uint8_t secret_key[32])
{
    static const uint8_t zeros[FMQ__CRYPTO_DOMAIN_LEN];
    uint8_t point[FMQ__CRYPTO_KEY_LEN];
    bool is_good = crypto_scalarmult(point, secret_key, public_key) == 0;

    if (is_good) {
        derive(shared, point, zeros);
    }
    fmq__wipe(point, sizeof(point));
    return is_good;
}

static void
seal(uint8_t *sealed, const uint8_t *head, const uint8_t *text, size_t len,
     const uint8_t count[8], const uint8_t derived[32])
{
    uint8_t block[BLOCK] = {0};
    uint8_t *out = sealed + FMQ__CRYPTO_SEAL_LEN;
    size_t n_head = head != NULL ? 1 : 0;
    size_t first = len < HALF - n_head ? len : HALF - n_head;

    if (head != NULL) {
        block[HALF] = *head;
    }
    if (first != 0) {
        memcpy(block + HALF + n_head, text, first);
    }
    (void)crypto_stream_salsa20_xor(block, block, sizeof(block), count, derived);
    memcpy(out, block + HALF, n_head + first);
    if (first < len) {
        (void)crypto_stream_salsa20_xor_ic(out + HALF, text + first, len - first, count,
                                           1, derived);
    }
    (void)crypto_onetimeauth(sealed, out, n_head + len, block);
    fmq__wipe(block, sizeof(block));
}

static bool
open_sealed(uint8_t *text, const uint8_t *sealed, size_t len, const uint8_t count[8],
            const uint8_t derived[32])
{
    uint8_t block[BLOCK];
    const uint8_t *in = sealed + FMQ__CRYPTO_SEAL_LEN;
    size_t n = len - FMQ__CRYPTO_SEAL_LEN;
    size_t first = n < HALF ? n : HALF;
    bool is_good;

    (void)crypto_stream_salsa20(block, sizeof(block), count, derived);
    is_good = crypto_onetimeauth_verify(sealed, in, n, block) == 0;
    if (is_good) {
        if (n > HALF) {
            (void)crypto_stream_salsa20_xor_ic(text + HALF, in + HALF, n - HALF, count,
                                               1, derived);
        }
        for (size_t i = 0; i < first; i++) {
            text[i] = in[i] ^ block[HALF + i];
        }
    }
    fmq__wipe(block, sizeof(block));
    return is_good;
}

static const fmq__crypto table = {
    .name = "libsodium",
    .random = randombytes_buf,
    .public_of = public_of,
    .agree = agree,
    .derive = derive,
    .seal = seal,
    .open = open_sealed,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_ready;

static void
begin(void)
{
    is_ready = sodium_init() >= 0;
}

const fmq__crypto *
fmq__crypto_get(void)
{
    (void)pthread_once(&once, begin);
    return is_ready ? &table : NULL;
}

#else

const fmq__crypto *
fmq__crypto_get(void)
{
    return NULL;
}

#endif
