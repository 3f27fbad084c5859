/* SPDX-License-Identifier: Apache-2.0 */
/* crypto: what CURVE needs of a library, as a table: X25519 to agree on a key, and
 * XSalsa20-Poly1305 to seal with it (the "box" and "secretbox" of NaCl).
 *
 * A nonce of 24 bytes is in two halves here: the first 16 go into the key (HSalsa20),
 * so that whoever seals much under the same 16 does that once.
 *
 * Threads: any.
 * Errors:  false; nothing here fails for want of memory.
 */
#ifndef FMQ_SECURITY_CRYPTO_H
#define FMQ_SECURITY_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SEAL_LEN: how much longer what is sealed is than what it was. */
enum {
    FMQ__CRYPTO_KEY_LEN = 32,
    FMQ__CRYPTO_DOMAIN_LEN = 16,
    FMQ__CRYPTO_COUNT_LEN = 8,
    FMQ__CRYPTO_SEAL_LEN = 16
};

typedef struct fmq__crypto {
    const char *name;

    /* Unpredictable bytes; whatever the library takes for them. */
    void (*random)(void *p, size_t n);

    /* The public key of a secret one, which may be any bytes. */
    void (*public_of)(uint8_t public_key[32], const uint8_t secret_key[32]);

    /* The key that two pairs share. False: `public_key` is one of the few with which
     * everybody shares the same. */
    bool (*agree)(uint8_t shared[32], const uint8_t public_key[32],
                  const uint8_t secret_key[32]);

    /* The key for the nonces that begin with `domain`. */
    void (*derive)(uint8_t derived[32], const uint8_t key[32],
                   const uint8_t domain[16]);

    /* Seals `len` bytes of `text` - with `head`, if it is not NULL, one byte before
     * them - under a derived key and the last 8 bytes of the nonce. `text` and `sealed`
     * do not overlap. */
    void (*seal)(uint8_t *sealed, const uint8_t *head, const uint8_t *text, size_t len,
                 const uint8_t count[8], const uint8_t derived[32]);

    /* Opens `len` bytes (SEAL_LEN or more). `text` may be `sealed` + SEAL_LEN. False:
     * it was not sealed with these; `text` is untouched. */
    bool (*open)(uint8_t *text, const uint8_t *sealed, size_t len,
                 const uint8_t count[8], const uint8_t derived[32]);
} fmq__crypto;

/* The library this was built with; NULL: none, or it does not work. */
const fmq__crypto *fmq__crypto_get(void);

#endif
