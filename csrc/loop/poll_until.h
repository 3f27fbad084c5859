/* SPDX-License-Identifier: Apache-2.0 */
/* poll_until: poll(2) with a deadline, as fine as the system allows.
 *
 * Threads: any.
 */
#ifndef FMQ_LOOP_POLL_UNTIL_H
#define FMQ_LOOP_POLL_UNTIL_H

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

/* Waits until `deadline_ns` (0: only looks; FMQ__NEVER) for the first that is ready: 0
 * with the number of those that are in `*n_ready`; EINTR, ENOMEM, EINVAL (too many). */
int fmq__poll_until(struct pollfd *fds, size_t n, uint64_t deadline_ns, int *n_ready);

/* The same with another signal mask (NULL: as it is) while it waits. */
int fmq__poll_until_masked(struct pollfd *fds, size_t n, uint64_t deadline_ns,
                           const sigset_t *mask, int *n_ready);

#endif
