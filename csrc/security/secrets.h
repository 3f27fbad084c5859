/* SPDX-License-Identifier: Apache-2.0 */
/* secrets: what a socket was told of who it is: the mechanism, the role, and the names
 * and keys of each.
 *
 * Once shared it does not change: who wants another one makes a copy. This is what the
 * mechanisms of this folder get as their config.
 *
 * Owner:   shared by count; the last drop wipes it.
 * Threads: hold and drop any; change only what nobody else holds.
 * Errors:  ENOMEM.
 */
#ifndef FMQ_SECURITY_SECRETS_H
#define FMQ_SECURITY_SECRETS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "security/crypto.h"
#include "security/gss.h"

/* As libzmq numbers them (MECHANISM). */
enum fmq__mechanism {
    FMQ__MECHANISM_NULL = 0,
    FMQ__MECHANISM_PLAIN = 1,
    FMQ__MECHANISM_CURVE = 2,
    FMQ__MECHANISM_GSSAPI = 3
};

enum { FMQ__PLAIN_MAX = 255, FMQ__KEY_LEN = 32 };

/* A user name or a password; any bytes. */
typedef struct fmq__plain_text {
    uint8_t len;
    uint8_t data[FMQ__PLAIN_MAX];
} fmq__plain_text;

typedef struct fmq__secrets {
    _Atomic uint32_t refs;
    enum fmq__mechanism mechanism;
    bool is_server;
    fmq__plain_text user;
    fmq__plain_text password;
    const fmq__crypto *crypto; /* of CURVE */
    uint8_t public_key[FMQ__KEY_LEN];
    uint8_t secret_key[FMQ__KEY_LEN];
    uint8_t server_key[FMQ__KEY_LEN];
    const fmq__gss *gss; /* of GSSAPI */
    fmq__gss_name principal;
    fmq__gss_name service;
    bool is_plaintext;
} fmq__secrets;

/* A copy of `from` (NULL: of none, which is NULL's) that is the caller's alone. */
int fmq__secrets_copy(const fmq__secrets *from, fmq__secrets **copy);

/* Both do nothing with NULL. */
void fmq__secrets_hold(fmq__secrets *s);
void fmq__secrets_drop(fmq__secrets *s);

static inline enum fmq__mechanism
fmq__secrets_mechanism(const fmq__secrets *s)
{
    return s != NULL ? s->mechanism : FMQ__MECHANISM_NULL;
}

#endif
