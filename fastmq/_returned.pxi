# SPDX-License-Identifier: Apache-2.0
# Receiving for futures, and what cancelled ones have given back.


cdef class ReturningSocket(LoopSocket):
    """A socket that takes messages back which it has given out."""

    # Messages that cancelled calls have given back, part by part, the next one last:
    # (number, body, whether more parts follow).
    cdef list _returned
    cdef uint64_t _n_received
    # RCVMORE of what was received from them; -1: the core knows it.
    cdef int _more

    def __cinit__(self, *args, **kwargs):
        self._returned = []
        self._more = -1

    cdef object _events(self):
        events = get_option(self._live(), EVENTS)
        return events | POLLIN if self._returned else events

    cdef bint _try_recv(self, Future f) except -1:
        """Whether a message came, or can't."""
        try:
            if f._waits_for >= TO_RECV_MANY:
                return self._try_recv_many(f)
            if self._returned:
                self._take_returned(f)
                return True
            if f._waits_for == TO_RECV_PARTS:
                f._value = parts_now(
                    self._live(), f._copy, f._track, &self._expected, True)
                if self._expected.size != 0:
                    self._next_look = 0
            elif f._copy:
                f._value = bytes_now(self._live(), f, &self._expected)
            else:
                f._value = frame_now(self._live(), f)
        except Exception as error:
            f._error = error
            return True
        if f._value is None:
            return False
        self._note_new(f)
        return True

    cdef int _note_new(self, Future f) except -1:
        """Note that a future has got what no other one had before."""
        self._more = -1
        self._n_received += 1
        f._number = self._n_received
        return 0

    cdef bint _try_recv_many(self, Future f) except -1:
        """Whether there are no more messages, or as many came as may.

        If it takes too long the future keeps what has come, and is under way.
        """
        cdef list found = f._value if f._is_under_way else []
        cdef bint is_returned = bool(self._returned)
        cdef bint is_more = True
        cdef Py_ssize_t n
        if not f._is_under_way:
            f._mores = []
        f._is_under_way = False
        self._is_late()
        while is_more:
            n = min(self._n_a_step, f._max - len(found))
            if is_returned:
                is_more = self._take_returned_many(f, found, n)
            else:
                is_more = self._take_new_many(f, found, n)
            if found:
                f._value = found
            is_more = is_more and len(found) < f._max
            if is_more and self._is_late_after(n):
                f._is_under_way = True
                f._stop_timer()
                return False
        return bool(found)

    cdef bint _take_new_many(self, Future f, list found, Py_ssize_t n) except -1:
        """Append at most ``n`` messages, and return whether there may be more."""
        cdef fmq_socket s = self._live()
        cdef bint is_first = not found
        cdef bint is_more = True
        cdef int err
        if f._waits_for == TO_RECV_MANY:
            err = recv_batch(s, found, f._mores, <size_t>n, False, None)
            if err != 0 and err != EAGAIN and not found:
                fail(err)
            is_more = err == 0
        while is_more and n > 0 and f._waits_for != TO_RECV_MANY:
            parts = parts_now(s, f._copy, f._track, &self._expected, not found)
            is_more = parts is not None
            if is_more:
                found.append(parts)
            n -= 1
        if is_first and found:
            self._note_new(f)
        return is_more

    cdef int _take_returned(self, Future f) except -1:
        number, body, more = self._returned.pop()
        f._number = number
        f._more = more
        self._more = more
        if f._waits_for == TO_RECV:
            f._value = as_wanted(body, more, f)
            return 0
        f._value = self._rest_of(f, body, more)
        return 0

    cdef bint _take_returned_many(self, Future f, list found, Py_ssize_t n) except -1:
        """As ``_take_new_many``, of what was given back."""
        if not found:
            f._number = self._returned[len(self._returned) - 1][0]
        while self._returned and n > 0:
            n -= 1
            _, body, more = self._returned.pop()
            self._more = more
            if f._waits_for == TO_RECV_MANY:
                found.append(as_wanted(body, more, f))
                f._mores.append(more)
            else:
                found.append(self._rest_of(f, body, more))
        return bool(self._returned)

    cdef list _rest_of(self, Future f, body, more):
        """Return the parts of a message whose first was given back."""
        parts = [as_wanted(body, more, f)]
        while more and self._returned:
            _, body, more = self._returned.pop()
            parts.append(as_wanted(body, more, f))
        if more:
            # Whoever gave back a part had only taken that; the others are there.
            parts += recv_parts(
                self._live(), FMQ_DONTWAIT, f._copy, f._track, &self._expected)
        self._more = 0
        return parts

    cdef int _give_back(self, Future f) except -1:
        """Take a message that nobody has seen to the head of the queue."""
        cdef list given = []
        if self.closed:
            return 0
        if f._waits_for == TO_RECV:
            given.append((f._number, f._value, f._more))
        elif f._waits_for == TO_RECV_MANY:
            for body, more in zip(f._value, f._mores):
                given.append((f._number, body, more))
        else:
            for parts in [f._value] if f._waits_for == TO_RECV_PARTS else f._value:
                last = len(parts) - 1
                for i, part in enumerate(parts):
                    given.append((f._number, part, i < last))
        given.reverse()
        at = len(self._returned)
        while at > 0 and self._returned[at - 1][0] < f._number:
            at -= 1
        self._returned[at:at] = given
        self._cut_batch()
        if self._has_waiting():
            self._schedule(self._loop)
        return 0

    cdef int _cut_batch(self) except -1:
        """End a batch that is under way, as it would not have what comes next."""
        cdef Future f
        if self._recv_futures:
            f = self._recv_futures[0]
            if f._is_under_way:
                self._recv_futures.popleft()
                f._end(FINISHED)
                self._keep()
        return 0


cdef object as_wanted(body, bint more, Future f):
    """Return a part that was given back as the next one wants it."""
    if f._copy:
        return body.bytes if isinstance(body, Frame) else body
    if isinstance(body, Frame):
        return body
    frame = frame_class(body, track=f._track)
    frame.more = more
    return frame


cdef object bytes_now(fmq_socket s, Future f, outlook *expected):
    """Return a part, or None if there is none."""
    cdef char buf[SMALL]
    cdef fmq_msg m
    cdef fmq_part part
    memset(&m, 0, sizeof(m))
    cdef lent *entry = make_offer(expected.size)
    open_offer(entry)
    cdef int err = fmq_recv(s, buf, SMALL, &m, &part, FMQ_DONTWAIT | FMQ_TRY)
    while err == FMQ_EBUSY_TRY or err == EINTR:
        with nogil:
            err = fmq_recv_until(s, buf, SMALL, &m, &part, 0)
    drop_offer(end_offer(entry))
    if err == EAGAIN:
        return None
    check(err)
    f._more = part.more
    if not part.is_in_buf:
        f._socket._next_look = 0
    return body_of(buf, &m, &part, expected)


cdef object frame_now(fmq_socket s, Future f):
    """Return a part as a frame, or None if there is none."""
    cdef fmq_msg m
    memset(&m, 0, sizeof(m))
    cdef int err = fmq_msg_recv(s, &m, FMQ_DONTWAIT | FMQ_TRY)
    while err == FMQ_EBUSY_TRY or err == EINTR:
        with nogil:
            err = fmq_msg_recv_until(s, &m, 0)
    if err == EAGAIN:
        return None
    check(err)
    f._more = fmq_msg_more(&m)
    return received(&m, f._track)
