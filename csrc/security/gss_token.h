/* SPDX-License-Identifier: Apache-2.0 */
/* gss_token: tokens of GSSAPI in commands: a name, the length in 4 bytes, the token,
 * and nothing behind it.
 *
 * Errors: EPROTO.
 */
#ifndef FMQ_SECURITY_GSS_TOKEN_H
#define FMQ_SECURITY_GSS_TOKEN_H

#include <stddef.h>
#include <stdint.h>

/* How much of a body comes before the token. */
size_t fmq__gss_token_at(const char *name);

/* Writes what comes before a token of `len` bytes. */
void fmq__gss_token_put_head(uint8_t *body, const char *name, uint32_t len);

/* Whether a body is such a command, whole; else `*error` is what is wrong:
 * `malformed`, if it has the name. */
int fmq__gss_token_check(const uint8_t *body, size_t len, const char *name,
                         unsigned malformed, unsigned *error);

#endif
