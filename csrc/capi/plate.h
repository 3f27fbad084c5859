/* SPDX-License-Identifier: Apache-2.0 */
/* plate: the address that stands for a socket's handle in zmq.h.
 *
 * A void * could hold the handle itself, but for programs that look where it points to:
 * CZMQ reads a tag there, to tell its own objects from sockets. So it is the address of
 * a plate that has the handle on it. Plates are never freed, and a closed socket's is
 * given out again only after all others: what is stale, or no plate, is refused.
 *
 * Owner:   nobody; static.
 * Threads: any.
 */
#ifndef FMQ_CAPI_PLATE_H
#define FMQ_CAPI_PLATE_H

#include "fastmq.h"

/* A plate for the socket: 0, or EMFILE. */
int fmq__plate_give(fmq_socket handle, void **plate);

/* The handle on a plate; 0: there is none, or it is no plate. */
fmq_socket fmq__plate_read(const void *plate);

/* Takes it off; for one caller alone. */
fmq_socket fmq__plate_clear(void *plate);

#endif
