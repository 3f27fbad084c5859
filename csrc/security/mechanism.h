/* SPDX-License-Identifier: Apache-2.0 */
/* mechanism: which one a socket's secrets choose.
 */
#ifndef FMQ_SECURITY_MECHANISM_H
#define FMQ_SECURITY_MECHANISM_H

#include "security/secrets.h"
#include "wire/mech.h"

/* The table of it, whose config are the secrets (but of NULL, which has its own). */
const fmq__mech_ops *fmq__mechanism_of(const fmq__secrets *s);

#endif
