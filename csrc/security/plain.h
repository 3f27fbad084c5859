/* SPDX-License-Identifier: Apache-2.0 */
/* plain: the mechanism PLAIN (RFC 24): the client says a name and a password, as they
 * are, and the server asks ZAP whether they are good.
 *
 * Hides nothing: who sees the bytes sees the password. A server always asks; whoever
 * answers decides what to say where there is no handler.
 *
 * Config: fmq__secrets; a client's name and password.
 */
#ifndef FMQ_SECURITY_PLAIN_H
#define FMQ_SECURITY_PLAIN_H

#include "wire/mech.h"

extern const fmq__mech_ops fmq__mech_plain;

#endif
