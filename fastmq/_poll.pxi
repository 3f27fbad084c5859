# SPDX-License-Identifier: Apache-2.0

cdef class _PollItems:
    """What one poll looks at."""

    cdef fmq_pollitem few[FEW]
    cdef fmq_pollitem *items

    def __cinit__(self, Py_ssize_t n):
        self.items = self.few
        if n > FEW:
            self.items = <fmq_pollitem *>calloc(<size_t>n, sizeof(fmq_pollitem))
            if self.items is NULL:
                raise MemoryError

    def __dealloc__(self):
        if self.items is not self.few:
            free(self.items)


cdef object poll_one(fmq_pollitem *item, thing, int flags):
    """Fill in an item and return what stands for it in the result."""
    item.socket = 0
    item.fd = -1
    item.events = <short>flags
    item.revents = 0
    if isinstance(thing, Socket):
        item.socket = (<Socket>thing)._live()
        if item.socket == 0:
            fail(FMQ_ENOTSOCK)
        return thing
    if not isinstance(thing, int):
        if not hasattr(thing, "fileno"):
            raise TypeError(
                "Socket must be a 0MQ socket, an integer fd or have a fileno() method: "
                f"{thing!r}")
        thing = int(thing.fileno())
    # A negative one is never ready, as for the system's poll.
    item.fd = thing
    return thing


def zmq_poll(sockets, timeout=-1) -> list:
    """Wait until sockets or descriptors are ready; return the ready ones.

    Args:
        sockets: Pairs of a socket, a descriptor or an object with ``fileno()``, and
            the flags to wait for.
        timeout: In milliseconds; negative or None waits for ever.

    Returns:
        Pairs of a socket or descriptor and its flags.
    """
    cdef int64_t timeout_ms = -1
    cdef wait w
    cdef size_t n
    cdef size_t n_ready = 0
    cdef size_t i = 0
    cdef int err
    cdef _PollItems poll
    if timeout is not None and timeout >= 0:
        timeout_ms = int(timeout)
    things = []
    sockets = list(sockets)
    n = <size_t>len(sockets)
    if n == 0:
        return things
    poll = _PollItems(<Py_ssize_t>n)
    for thing, flags in sockets:
        things.append(poll_one(&poll.items[i], thing, flags))
        i += 1
    err = fmq_poll(poll.items, n, 0, &n_ready)
    if timeout_ms != 0 and (err == EINTR or (err == 0 and n_ready == 0)):
        w = wait_until(deadline_in(timeout_ms))
        while True:
            with nogil:
                err = fmq_poll(poll.items, n, nap(&w), &n_ready)
            if err == 0 and n_ready == 0 and is_rested(&w):
                err = EINTR
            if not go_on(err):
                break
    elif go_on(err):
        n_ready = 0
    return [
        (things[i], <int>poll.items[i].revents)
        for i in range(n) if poll.items[i].revents != 0]
