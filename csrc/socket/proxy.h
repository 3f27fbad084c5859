/* SPDX-License-Identifier: Apache-2.0 */
/* proxy: passes messages between two sockets, both ways, until it is told to end.
 *
 * It takes a message only when there is room for it on the other side, and keeps what
 * it has taken over an interruption. Every message also goes to the capture socket, and
 * the control socket may pause and end it and ask how much has passed.
 *
 * Owner:   whoever made it; the sockets are the application's.
 * Threads: one at a time.
 * Errors:  EINTR (run it again), FMQ_ETERM, ENOTSOCK, and whatever a socket says.
 */
#ifndef FMQ_SOCKET_PROXY_H
#define FMQ_SOCKET_PROXY_H

#include "fastmq.h"

/* `frontend` and `backend` may be one socket, which then gets its own back. `capture`,
 * `control`: 0 for none. */
int fmq__proxy_new(fmq_socket frontend, fmq_socket backend, fmq_socket capture,
                   fmq_socket control, fmq_proxy **proxy);

/* Copies for `capture` begin with a frame of their own. Between two ROUTERs the first
 * two frames of a message change places; what has fewer than three is dropped. */
int fmq__proxy_tag(fmq_proxy *p, const fmq_proxy_tags *tags);

/* 0: TERMINATE came. */
int fmq__proxy_run(fmq_proxy *p);

void fmq__proxy_free(fmq_proxy *p);

#endif
