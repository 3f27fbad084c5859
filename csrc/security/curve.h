/* SPDX-License-Identifier: Apache-2.0 */
/* curve: the mechanism CURVE (RFC 26): keys instead of names, and all frames sealed.
 *
 * A client knows the server's public key; the server gets to know the client's, and
 * asks ZAP whether it is a good one; without a handler every client is. Each connection
 * has keys of its own, which die with it.
 *
 * Config:  fmq__secrets with a crypto table; a client's pair and its server's key, a
 *          server's secret key.
 * Errors:  as mech.h; EINVAL from init: no crypto.
 */
#ifndef FMQ_SECURITY_CURVE_H
#define FMQ_SECURITY_CURVE_H

#include "wire/mech.h"

extern const fmq__mech_ops fmq__mech_curve_client;
extern const fmq__mech_ops fmq__mech_curve_server;

#endif
