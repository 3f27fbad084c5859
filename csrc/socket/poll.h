/* SPDX-License-Identifier: Apache-2.0 */
/* poll: waits for any mix of sockets and descriptors.
 *
 * Threads: any.
 * Errors:  ENOTSOCK (a socket is closed), FMQ_ETERM, EINTR, ENOMEM, EMFILE.
 */
#ifndef FMQ_SOCKET_POLL_H
#define FMQ_SOCKET_POLL_H

#include <signal.h>

#include "fastmq.h"

int fmq__poll_wait(fmq_pollitem *items, size_t n, uint64_t deadline_ns,
                   size_t *n_ready);

/* The same with another signal mask (NULL: as it is) while it sleeps. */
int fmq__poll_wait_masked(fmq_pollitem *items, size_t n, uint64_t deadline_ns,
                          const sigset_t *mask, size_t *n_ready);

#endif
