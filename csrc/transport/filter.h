/* SPDX-License-Identifier: Apache-2.0 */
/* filter: which peers a listener takes: by network (TCP_ACCEPT_FILTER), or by process,
 * user or group (IPC_FILTER_*).
 *
 * A peer is taken if its kind of connection has no entry, or one entry that it matches.
 *
 * Owner:   values; a list is the caller's.
 * Threads: any.
 * Errors:  errno values.
 */
#ifndef FMQ_TRANSPORT_FILTER_H
#define FMQ_TRANSPORT_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum fmq__filter_kind {
    FMQ__FILTER_NETWORK,
    FMQ__FILTER_PID,
    FMQ__FILTER_UID,
    FMQ__FILTER_GID
};

typedef struct fmq__filter {
    enum fmq__filter_kind kind;
    int64_t id;      /* of a process, user or group */
    uint8_t net[16]; /* an IPv4 network as the IPv6 one that it is mapped to */
    uint8_t n_bits;  /* of `net` */
} fmq__filter;

/* "address" or "address/bits", numeric; EINVAL. */
int fmq__filter_parse(const char *text, size_t len, fmq__filter *f);

/* Whether `f` is of the network that `peer` (AF_INET, AF_INET6) is in. */
bool fmq__filter_covers(const fmq__filter *f, const struct sockaddr_storage *peer);

/* Whether a connection that was accepted as `fd` may stay. `list`: `n` of them, at any
 * address. */
bool fmq__filter_admits(const uint8_t *list, size_t n, int fd);

#endif
