/* SPDX-License-Identifier: Apache-2.0 */
/* gssapi: the mechanism GSSAPI (RFC 38): both sides prove by Kerberos who they are, and
 * all frames are sealed with the key that they share then, or go as they are
 * (GSSAPI_PLAINTEXT).
 *
 * A client knows its server's principal; the server gets to know the client's, and asks
 * ZAP whether it is a good one; without a handler everybody is who has a ticket.
 *
 * Config:  fmq__secrets with a gss table; the principals.
 * Errors:  as mech.h; EINVAL from init: no gss.
 */
#ifndef FMQ_SECURITY_GSSAPI_H
#define FMQ_SECURITY_GSSAPI_H

#include "wire/mech.h"

extern const fmq__mech_ops fmq__mech_gssapi_client;
extern const fmq__mech_ops fmq__mech_gssapi_server;

#endif
