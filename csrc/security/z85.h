/* SPDX-License-Identifier: Apache-2.0 */
/* z85: bytes as printable text, four as five characters (RFC 32).
 *
 * Threads: any.
 */
#ifndef FMQ_SECURITY_Z85_H
#define FMQ_SECURITY_Z85_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FMQ__Z85_BYTES = 4, FMQ__Z85_CHARS = 5 };

/* Writes 5 `n` / 4 characters and a NUL; `n` is a multiple of 4. */
void fmq__z85_encode(char *to, const uint8_t *data, size_t n);

/* Writes 4 `len` / 5 bytes; false: it is no such text (then what is written is
 * undefined, but not more). */
bool fmq__z85_decode(uint8_t *to, const char *text, size_t len);

#endif
