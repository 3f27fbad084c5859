/* SPDX-License-Identifier: Apache-2.0 */
/* zmq_poll and zmq_ppoll: fmq_poll with handles in the place of sockets. */
#include "base/alloc.h"
#include "base/clock.h"
#include "capi/zmq_result.h"
#include "socket/poll.h"

_Static_assert(ZMQ_POLLIN == FMQ_POLLIN && ZMQ_POLLOUT == FMQ_POLLOUT &&
                   ZMQ_POLLERR == FMQ_POLLERR && ZMQ_POLLPRI == FMQ_POLLPRI,
               "one set of poll flags");

enum { ITEMS_ON_STACK = 16 };

/* ENOTSOCK: one of them is neither a socket nor a descriptor. */
static int
translate(const zmq_pollitem_t *items, size_t n, fmq_pollitem *to)
{
    for (size_t i = 0; i < n; i++) {
        const zmq_pollitem_t *item = &items[i];

        to[i] =
            (fmq_pollitem){fmq__zmq_socket(item->socket), item->fd, item->events, 0};
        if (item->socket != NULL && to[i].socket == 0) {
            return ENOTSOCK;
        }
    }
    return 0;
}

static int
poll_items(zmq_pollitem_t *items, size_t n, uint64_t deadline_ns, const sigset_t *mask,
           size_t *n_ready)
{
    fmq_pollitem on_stack[ITEMS_ON_STACK];
    fmq_pollitem *mine = n > ITEMS_ON_STACK ? fmq__calloc(n, sizeof(*mine)) : on_stack;
    int err = mine != NULL ? translate(items, n, mine) : ENOMEM;

    if (err == 0) {
        err = fmq__poll_wait_masked(mine, n, deadline_ns, mask, n_ready);
    }
    for (size_t i = 0; i < n && err == 0; i++) {
        items[i].revents = mine[i].revents;
    }
    if (mine != on_stack) {
        fmq__free(mine);
    }
    return err;
}

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
    err = poll_items(items, (size_t)n, deadline_ns, mask, &n_ready);
    return fmq__zmq_count(err, n_ready);
}

int
zmq_poll(zmq_pollitem_t *items, int n, long timeout)
{
    return zmq_ppoll(items, n, timeout, NULL);
}
