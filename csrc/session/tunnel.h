/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel: takes a connected descriptor through a SOCKS5 proxy.
 *
 * Owner:   a dialer, on the I/O thread.
 * Errors:  errno values: ENOMEM, those of wire/socks.h, and of reading and writing.
 */
#ifndef FMQ_SESSION_TUNNEL_H
#define FMQ_SESSION_TUNNEL_H

#include "session/peer.h"
#include "wire/socks.h"

/* The address of the proxy that leads to `to`; nothing is put there if none does. A
 * connection to it comes from where `to` says. */
int fmq__tunnel_find(const fmq__socks_opts *o, const fmq__addr *to, fmq__addr *proxy);

/* Asks the proxy for `to`. */
int fmq__tunnel_open(const fmq__socks_opts *o, const fmq__addr *to, fmq__socks **t);
void fmq__tunnel_close(fmq__socks *t);

/* Writes and reads what can be: 0, all is said and the descriptor leads to the
 * endpoint; EAGAIN: go on when `*events` are ready. */
int fmq__tunnel_run(fmq__socks *t, int fd, unsigned *events);

#endif
