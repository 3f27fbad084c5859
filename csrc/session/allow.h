/* SPDX-License-Identifier: Apache-2.0 */
/* allow: who may connect to a socket, by lists of its own: keys of CURVE, names and
 * passwords of PLAIN, addresses. No ZAP handler is asked about a peer on such a list,
 * nor about one that is on none.
 *
 * A list is there from its first entry on, also when it has none any more. Once there
 * is a list of keys or of passwords, only a peer that shows what is on one of them
 * passes, by whatever mechanism it came. The list of addresses is a matter of its own.
 *
 * Owner:   shared by count: the socket and what it has bound; the last drop wipes it.
 * Threads: any; what is added counts for every connection that comes after.
 * Errors:  EINVAL (no such key, ...), ENOMEM.
 */
#ifndef FMQ_SESSION_ALLOW_H
#define FMQ_SESSION_ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "wire/mech.h"

typedef struct fmq__allow fmq__allow;

enum fmq__allow_kind { FMQ__ALLOW_KEY, FMQ__ALLOW_PASSWORD, FMQ__ALLOW_ADDRESS };

enum { FMQ__ALLOW_USER_MAX = 255 };

/* What the lists say of somebody. */
enum fmq__allow_verdict {
    FMQ__ALLOW_NO_LIST, /* nothing: there is none */
    FMQ__ALLOW_ADMITTED,
    FMQ__ALLOW_REFUSED
};

/* Who it was: a user's name, or a key as text. */
typedef struct fmq__allow_user {
    uint8_t name[FMQ__ALLOW_USER_MAX];
    size_t len;
} fmq__allow_user;

int fmq__allow_new(fmq__allow **allow);
/* Both do nothing with NULL. */
void fmq__allow_hold(fmq__allow *a);
void fmq__allow_drop(fmq__allow *a);

/* One entry more: a key of 32 bytes or as 40 characters of Z85 (with a NUL or without),
 * "user\0password", or "address" or "address/bits". `len` 0: none, but from now on
 * there is a list. */
int fmq__allow_add(fmq__allow *a, enum fmq__allow_kind kind, const void *value,
                   size_t len);

/* There is no such list any more. */
void fmq__allow_end(fmq__allow *a, enum fmq__allow_kind kind);

/* Whether there is a list that asks for credentials. */
bool fmq__allow_wants_credentials(fmq__allow *a);

/* About what a peer shows by a mechanism; takes as long whoever it is. `*user` is set
 * if it is admitted. */
enum fmq__allow_verdict fmq__allow_judge(fmq__allow *a, const char *mechanism,
                                         const fmq__mech_credential *shown, size_t n,
                                         fmq__allow_user *user);

/* About where it comes from. */
bool fmq__allow_admits(fmq__allow *a, const struct sockaddr_storage *from);

#endif
