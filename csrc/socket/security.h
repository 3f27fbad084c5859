/* SPDX-License-Identifier: Apache-2.0 */
/* security: the socket options that choose a mechanism and tell who we are.
 *
 * The one that was set last chooses: a name or password makes a client of PLAIN, a key
 * one of CURVE, a principal or a role a side of GSSAPI; a role of 0 of the others, or
 * no name at all (NULL), goes back to the mechanism NULL. What was set before stays,
 * for whoever chooses that mechanism again.
 *
 * Owner:   the secrets are the caller's; a change makes others of them.
 * Threads: under L.
 * Errors:  EINVAL: none of these, or a bad value; ENOMEM. Then nothing has changed.
 */
#ifndef FMQ_SOCKET_SECURITY_H
#define FMQ_SOCKET_SECURITY_H

#include <stddef.h>

#include "security/secrets.h"

int fmq__security_set(fmq__secrets **secrets, int option, const void *value,
                      size_t len);

/* As fmq__options_get. */
int fmq__security_get(const fmq__secrets *secrets, int option, void *value,
                      size_t *len);

#endif
