/* SPDX-License-Identifier: Apache-2.0 */
/* zmq_result: what every function of zmq.h does with handles and errors.
 *
 * There a context is its handle, a socket the address of its plate (plate.h), and an
 * error is -1 and errno.
 */
#ifndef FMQ_CAPI_ZMQ_RESULT_H
#define FMQ_CAPI_ZMQ_RESULT_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "capi/plate.h"
#include "fastmq.h"

#ifndef ZMQ_BUILD_DRAFT_API
#define ZMQ_BUILD_DRAFT_API /* the library has all of it */
#endif
#include "zmq.h"

/* For functions that return a number of bytes; more than an int can say are INT_MAX. */
static inline int
fmq__zmq_count(int err, size_t n)
{
    if (err != 0) {
        errno = err;
        return -1;
    }
    return n < INT_MAX ? (int)n : INT_MAX;
}

static inline int
fmq__zmq_result(int err)
{
    return fmq__zmq_count(err, 0);
}

static inline fmq_socket
fmq__zmq_socket(const void *socket)
{
    return fmq__plate_read(socket);
}

/* Whether ZMQ_FD is EINVAL: libzmq has no descriptor for types that it calls
 * thread-safe. */
bool fmq__zmq_hides_fd(fmq_socket s);

/* Bits that are not zmq.h's are not passed on. */
static inline int
fmq__zmq_flags(int flags)
{
    return flags & (FMQ_DONTWAIT | FMQ_SNDMORE);
}

#endif
