/* SPDX-License-Identifier: Apache-2.0 */
/* stream: the descriptors that all stream transports share the handling of.
 *
 * The one place that knows how a descriptor becomes non-blocking and close-on-exec.
 * Sets no options and knows no scheme.
 *
 * Owner:   descriptors belong to the caller.
 * Threads: any.
 */
#ifndef FMQ_TRANSPORT_STREAM_H
#define FMQ_TRANSPORT_STREAM_H

#include "transport/transport.h"

/* A new stream socket of `family`. */
int fmq__stream_socket(int family, int *fd);

int fmq__stream_bind(int fd, const fmq__sockaddr *sa);
/* Makes a listening descriptor of somebody else's like one of ours: EINVAL if it does
 * not listen, EBADF, ENOTSOCK. */
int fmq__stream_adopt(int fd);

/* As fmq__transport.accept. */
int fmq__stream_accept(int listen_fd, int *fd);

/* Begins to connect: 0, EINPROGRESS, or why not. The descriptor stays the caller's. */
int fmq__stream_connect(int fd, const fmq__sockaddr *sa);

/* How the attempt to connect ended. */
int fmq__stream_dial_result(int fd);

#endif
