/* SPDX-License-Identifier: Apache-2.0 */
/* tcp_addr: the text of tcp endpoints, and the addresses behind it.
 *
 * Opens no connection. Numeric addresses and interface names are told at once; only
 * other names are put to the system's resolver, which may block.
 *
 * Threads: any.
 */
#ifndef FMQ_TRANSPORT_TCP_ADDR_H
#define FMQ_TRANSPORT_TCP_ADDR_H

#include "transport/transport.h"

/* As in fmq__transport. */
int fmq__tcp_parse(const char *text, int purpose, fmq__addr *addr);
int fmq__tcp_resolve(const fmq__addr *addr, int purpose, const fmq__stream_opts *opts,
                     fmq__sockaddr *out, int max, int *n);

/* Where a connection of `family` shall come from, if addr->source_host is set. ENODEV:
 * no such interface or number, EADDRNOTAVAIL: not of this family. */
int fmq__tcp_resolve_source(const fmq__addr *addr, int family, fmq__sockaddr *out);

/* The same address for IPv4: false if it is an IPv6 one that has no such form. */
bool fmq__tcp_to_v4(fmq__sockaddr *sa);

#endif
