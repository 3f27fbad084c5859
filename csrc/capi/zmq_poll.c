/* SPDX-License-Identifier: Apache-2.0 */
/* zmq_poll and zmq_ppoll. The items are fmq_poll's own. */
#include "base/clock.h"
#include "capi/zmq_result.h"
#include "socket/poll.h"

_Static_assert(sizeof(zmq_pollitem_t) == sizeof(fmq_pollitem) &&
                   offsetof(zmq_pollitem_t, socket) == offsetof(fmq_pollitem, socket) &&
                   offsetof(zmq_pollitem_t, fd) == offsetof(fmq_pollitem, fd) &&
                   offsetof(zmq_pollitem_t, events) == offsetof(fmq_pollitem, events) &&
                   offsetof(zmq_pollitem_t, revents) == offsetof(fmq_pollitem, revents),
               "one layout of poll items");
_Static_assert(ZMQ_POLLIN == FMQ_POLLIN && ZMQ_POLLOUT == FMQ_POLLOUT &&
                   ZMQ_POLLERR == FMQ_POLLERR && ZMQ_POLLPRI == FMQ_POLLPRI,
               "one set of poll flags");

int
zmq_ppoll(zmq_pollitem_t *items, int n, long timeout, const sigset_t *mask)
{
    uint64_t deadline_ns = timeout == 0 ? 0 : fmq__deadline_ns(timeout);
    size_t n_ready = 0;
    int err;

    if (n < 0) {
        return fmq__zmq_result(EINVAL);
    }
    if (items == NULL && n != 0) {
        return fmq__zmq_result(EFAULT);
    }
    err = fmq__poll_wait_masked((fmq_pollitem *)(void *)items, (size_t)n, deadline_ns,
                                mask, &n_ready);
    return fmq__zmq_count(err, n_ready);
}

int
zmq_poll(zmq_pollitem_t *items, int n, long timeout)
{
    return zmq_ppoll(items, n, timeout, NULL);
}
