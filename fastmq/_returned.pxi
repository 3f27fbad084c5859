# SPDX-License-Identifier: Apache-2.0
# Receiving for futures, and what cancelled ones have given back.


cdef class ReturningSocket(LoopSocket):
    """A socket that takes messages back which it has given out."""

    # Messages that cancelled calls have given back, part by part in the order of their
    # numbers: (number, body, whether more parts follow).
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
            if self._returned:
                self._take_returned(f)
                return True
            if f._waits_for >= TO_RECV_MANY:
                f._value = self._batch_now(f)
            elif f._waits_for == TO_RECV_PARTS:
                f._value = parts_now(
                    self._live(), f._copy, f._track, &self._expected, True)
            elif f._copy:
                f._value = bytes_now(self._live(), f, &self._expected)
            else:
                f._value = frame_now(self._live(), f)
        except Exception as error:
            f._error = error
            return True
        if f._value is None:
            return False
        self._more = -1
        self._n_received += 1
        f._number = self._n_received
        return True

    cdef list _batch_now(self, Future f):
        """Return messages that are there, or None."""
        cdef list found = []
        cdef fmq_socket s = self._live()
        cdef int err
        f._mores = []
        while len(found) < f._max:
            if f._waits_for == TO_RECV_MANY:
                err = recv_batch(
                    s, found, f._mores, <size_t>(f._max - len(found)), False, None)
                if err != 0:
                    if not found and err != EAGAIN:
                        fail(err)
                    break
            else:
                parts = parts_now(s, f._copy, f._track, &self._expected, not found)
                if parts is None:
                    break
                found.append(parts)
        return found or None

    cdef int _take_returned(self, Future f) except -1:
        if f._waits_for >= TO_RECV_MANY:
            return self._take_returned_many(f)
        number, body, more = self._returned.pop(0)
        f._number = number
        f._more = more
        self._more = more
        if f._waits_for == TO_RECV:
            f._value = as_wanted(body, more, f)
            return 0
        f._value = self._rest_of(f, body, more)
        return 0

    cdef int _take_returned_many(self, Future f) except -1:
        cdef list found = []
        f._mores = []
        f._number = self._returned[0][0]
        while self._returned and len(found) < f._max:
            _, body, more = self._returned.pop(0)
            self._more = more
            if f._waits_for == TO_RECV_MANY:
                found.append(as_wanted(body, more, f))
                f._mores.append(more)
            else:
                found.append(self._rest_of(f, body, more))
        f._value = found
        return 0

    cdef list _rest_of(self, Future f, body, more):
        """Return the parts of a message whose first was given back."""
        parts = [as_wanted(body, more, f)]
        while more and self._returned:
            _, body, more = self._returned.pop(0)
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
        at = 0
        while at < len(self._returned) and self._returned[at][0] < f._number:
            at += 1
        self._returned[at:at] = given
        if self._has_waiting():
            self._schedule(get_event_loop())
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


cdef object bytes_now(fmq_socket s, Future f, size_t *expected):
    """Return a part, or None if there is none."""
    cdef char buf[SMALL]
    cdef fmq_msg m
    cdef fmq_part part
    memset(&m, 0, sizeof(m))
    cdef lent *entry = make_offer(expected[0])
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
