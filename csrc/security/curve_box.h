/* SPDX-License-Identifier: Apache-2.0 */
/* curve_box: what both roles of CURVE are made of: the sizes of the commands, and boxes
 * with a nonce that is partly a name and partly on the wire (RFC 26).
 *
 * Errors: false: not sealed by who it should be, or a key with which no secret can be
 *         shared.
 */
#ifndef FMQ_SECURITY_CURVE_BOX_H
#define FMQ_SECURITY_CURVE_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "security/crypto.h"

/* Where things lie in the commands, behind their names; SEAL: FMQ__CRYPTO_SEAL_LEN. */
enum {
    FMQ__CURVE_KEY = 32,
    FMQ__CURVE_SHORT = 8, /* of a nonce, on the wire: a counter */
    FMQ__CURVE_LONG = 16, /* the same: random */
    FMQ__CURVE_SEAL = 16,
    FMQ__CURVE_COOKIE = 96, /* nonce, and the sealed C', s' */
    FMQ__CURVE_VOUCH = 80,  /* the sealed C', S */

    FMQ__CURVE_HELLO_LEN = 200,
    FMQ__CURVE_HELLO_KEY = 80,
    FMQ__CURVE_HELLO_NONCE = 112,
    FMQ__CURVE_HELLO_BOX = 120,
    FMQ__CURVE_HELLO_PLAIN = 64, /* zeros */

    FMQ__CURVE_WELCOME_LEN = 168,
    FMQ__CURVE_WELCOME_NONCE = 8,
    FMQ__CURVE_WELCOME_BOX = 24,
    FMQ__CURVE_WELCOME_PLAIN = 128, /* S', cookie */

    FMQ__CURVE_INITIATE_MIN = 257,
    FMQ__CURVE_INITIATE_COOKIE = 9,
    FMQ__CURVE_INITIATE_NONCE = 105,
    FMQ__CURVE_INITIATE_BOX = 113,
    FMQ__CURVE_INITIATE_PLAIN = 128, /* C, vouch nonce, vouch; then metadata */

    FMQ__CURVE_READY_MIN = 30,
    FMQ__CURVE_READY_NONCE = 6,
    FMQ__CURVE_READY_BOX = 14
};

/* A nonce: `prefix` of 16 characters and 8 bytes, or of 8 and 16. */
typedef struct fmq__curve_nonce {
    uint8_t bytes[24];
} fmq__curve_nonce;

void fmq__curve_nonce_short(fmq__curve_nonce *n, const char *prefix,
                            const uint8_t part[8]);
void fmq__curve_nonce_long(fmq__curve_nonce *n, const char *prefix,
                           const uint8_t part[16]);

void fmq__curve_seal(const fmq__crypto *c, uint8_t *sealed, const uint8_t *text,
                     size_t len, const fmq__curve_nonce *n, const uint8_t key[32]);
bool fmq__curve_open(const fmq__crypto *c, uint8_t *text, const uint8_t *sealed,
                     size_t len, const fmq__curve_nonce *n, const uint8_t key[32]);

/* A pair of keys. */
void fmq__curve_keypair(const fmq__crypto *c, uint8_t public_key[32],
                        uint8_t secret_key[32]);

#endif
