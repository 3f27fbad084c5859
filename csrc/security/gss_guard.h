/* SPDX-License-Identifier: Apache-2.0 */
/* gss_guard: the frames of a GSSAPI connection: each is the command MESSAGE with a
 * token that holds flags and body.
 *
 * Owner:   as guard.h.
 * Errors:  ENOMEM from new.
 */
#ifndef FMQ_SECURITY_GSS_GUARD_H
#define FMQ_SECURITY_GSS_GUARD_H

#include "security/gss.h"
#include "wire/guard.h"

/* Takes a context that is done, and sealing. */
int fmq__gss_guard_new(const fmq__gss *gss, fmq__gss_context *context,
                       fmq__guard **guard);

#endif
