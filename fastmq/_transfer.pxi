# SPDX-License-Identifier: Apache-2.0
# Sending and receiving by handle: first with FMQ_TRY and the GIL, then, where that says
# that it takes waiting, without the GIL until a deadline that signals do not move.

cimport cython
from libc.stdlib cimport calloc, free


cdef bint has_to_wait(int err, int flags) noexcept:
    """Whether a failed try is worth a call that may wait."""
    return err == FMQ_EBUSY_TRY or (err == EAGAIN and not flags & FMQ_DONTWAIT)


cdef int send_parts(fmq_socket s, fmq_msg *parts, size_t n, int flags) except -1:
    """Take the parts and send them as one message, or raise and leave them."""
    return send_rest(s, parts, n, flags, fmq_sendv(s, parts, n, flags | FMQ_TRY))


cdef int send_rest(
    fmq_socket s, fmq_msg *parts, size_t n, int flags, int err
) except -1:
    """Send the parts as one message, or raise, after a try that ended in ``err``."""
    if err == 0:
        return 0
    if not has_to_wait(err, flags):
        fail(err)
    return send_until(
        s, parts, n, flags, 0 if flags & FMQ_DONTWAIT else deadline_of(s, SNDTIMEO))


cdef int send_until(
    fmq_socket s, fmq_msg *parts, size_t n, int flags, uint64_t deadline
) except -1:
    """Send the parts as one message before a deadline, whatever signals come."""
    cdef int err
    while True:
        with nogil:
            err = fmq_send_until(s, parts, n, flags, deadline)
        if not go_on(err):
            return 0


cdef int try_short(fmq_socket s, parts, int flags) noexcept:
    """Try to send a list of a few short bytes objects, from where they are.

    Returns an error number, or NOT_SHORT if it is a message of other things. No Python
    runs meanwhile, so nobody changes the list.
    """
    cdef fmq_piece pieces[FEW_PIECES]
    cdef PyObject **part
    cdef Py_ssize_t i
    cdef Py_ssize_t n
    if not (PyList_CheckExact(parts) or PyTuple_CheckExact(parts)):
        return NOT_SHORT
    n = PySequence_Fast_GET_SIZE(parts)
    if n == 0 or n > FEW_PIECES or flags & FMQ_SNDMORE:
        return NOT_SHORT
    part = PySequence_Fast_ITEMS(parts)
    for i in range(n):
        if not is_short(<object>part[i]):
            return NOT_SHORT
        set_piece(&pieces[i], <object>part[i])
    return fmq_send_pieces(s, pieces, <size_t>n, flags | FMQ_TRY)


cdef int send_copy(fmq_socket s, const void *data, size_t size, int flags) except -1:
    """Send a copy of the bytes as one part, whatever it takes."""
    cdef fmq_msg m
    cdef int err
    if size < LARGE:
        err = fmq_send(s, data, size, flags | FMQ_TRY)
        if err == 0:
            return 0
        if not has_to_wait(err, flags):
            fail(err)
    copy_in(&m, data, size)
    try:
        return send_parts(s, &m, 1, flags)
    finally:
        fmq_msg_close(&m)


cdef int recv_slow(
    fmq_socket s, char *buf, fmq_msg *m, fmq_part *part, int flags, int err,
    lent **offered
) except -1:
    """Receive a part after a try that ended in ``err``."""
    cdef lent *entry = offered[0]
    cdef uint64_t deadline
    if not has_to_wait(err, flags):
        fail(err)
    drain()
    deadline = 0 if flags & FMQ_DONTWAIT else deadline_of(s, RCVTIMEO)
    while True:
        with nogil:
            open_offer(entry)
            err = fmq_recv_until(s, buf, SMALL, m, part, deadline)
            entry = end_offer(entry)
        offered[0] = entry
        if not receives_on(err):
            return 0


cdef bytes recv_bytes(fmq_socket s, int flags, outlook *expected):
    """Receive a part, which may be as long as ``expected``, and note how long it is."""
    cdef char buf[SMALL]
    cdef fmq_msg m
    cdef fmq_part part
    memset(&m, 0, sizeof(m))
    cdef lent *entry = make_offer(expected.size)
    open_offer(entry)
    cdef int err = fmq_recv(s, buf, SMALL, &m, &part, flags | FMQ_TRY)
    entry = end_offer(entry)
    if err != 0:
        try:
            recv_slow(s, buf, &m, &part, flags, err, &entry)
        except BaseException:
            drop_offer(entry)
            raise
    drop_offer(entry)
    return body_of(buf, &m, &part, expected)


cdef inline bytes body_of(char *buf, fmq_msg *m, fmq_part *part, outlook *expected):
    """Return the body of a part that was received; ends its message."""
    if part.is_in_buf:
        if expected.size != 0:
            expect(expected, part.len)
        return PyBytes_FromStringAndSize(buf, <Py_ssize_t>part.len)
    expect(expected, part.len)
    try:
        return bytes_of(m)
    finally:
        fmq_msg_close(m)


cdef size_t recv_to(fmq_socket s, void *to, size_t room, int flags) except? 0:
    """Receive a part, keep ``room`` bytes of it, and return how long it was."""
    cdef char buf[SMALL]
    cdef fmq_msg m
    cdef fmq_part part
    memset(&m, 0, sizeof(m))
    cdef int err = fmq_recv(s, buf, SMALL, &m, &part, flags | FMQ_TRY)
    cdef lent *none = NULL
    if err != 0:
        recv_slow(s, buf, &m, &part, flags, err, &none)
    cdef size_t size = part.len if part.len < room else room
    if part.is_in_buf:
        memcpy(to, buf, size)
        return part.len
    if size < LARGE:
        memcpy(to, fmq_msg_data(&m), size)
    else:
        with nogil:
            memcpy(to, fmq_msg_data(&m), size)
    fmq_msg_close(&m)
    return part.len


cdef Frame recv_frame(fmq_socket s, int flags, bint track):
    cdef fmq_msg m
    cdef uint64_t deadline
    memset(&m, 0, sizeof(m))
    cdef int err = fmq_msg_recv(s, &m, flags | FMQ_TRY)
    if err != 0:
        if not has_to_wait(err, flags):
            fail(err)
        drain()
        deadline = 0 if flags & FMQ_DONTWAIT else deadline_of(s, RCVTIMEO)
        while True:
            with nogil:
                err = fmq_msg_recv_until(s, &m, deadline)
            if not receives_on(err):
                break
    return received(&m, track)


cdef list parts_now(
    fmq_socket s, bint copy, bint track, outlook *expected, bint is_first
):
    """Return a message, or None if there is none; ``expected`` as in recv_bytes.

    Unless it is the first of a call, an error is for the next one to tell of.
    """
    cdef fmq_parts parts
    cdef lent *entry = make_offer(expected.size if copy else 0)
    open_offer(entry)
    cdef int err = fmq_recv_parts(s, &parts, FMQ_DONTWAIT | FMQ_TRY)
    while err == FMQ_EBUSY_TRY or err == EINTR:
        with nogil:
            err = fmq_recv_parts_until(s, &parts, 0)
    drop_offer(end_offer(entry))
    if err == EAGAIN or (err != 0 and not is_first):
        return None
    check(err)
    return parts_of(&parts, copy, track, expected)


cdef int recv_parts_slow(
    fmq_socket s, fmq_parts *parts, int flags, timeout, int err, lent **offered
) except -1:
    """Receive a message after a try that ended in ``err``."""
    cdef lent *entry = offered[0]
    cdef uint64_t deadline
    if not has_to_wait(err, flags):
        fail(err)
    drain()
    deadline = 0 if flags & FMQ_DONTWAIT else deadline_for(s, RCVTIMEO, timeout)
    while True:
        with nogil:
            open_offer(entry)
            err = fmq_recv_parts_until(s, parts, deadline)
            entry = end_offer(entry)
        offered[0] = entry
        if not receives_on(err):
            return 0


cdef list recv_parts(
    fmq_socket s, int flags, bint copy, bint track, outlook *expected, timeout=None
):
    """Receive a message within ``timeout`` ms, or what RCVTIMEO says.

    ``expected`` is as in recv_bytes, for the longest part.
    """
    cdef fmq_parts parts
    cdef lent *entry = make_offer(expected.size if copy else 0)
    open_offer(entry)
    cdef int err = fmq_recv_parts(s, &parts, flags | FMQ_TRY)
    entry = end_offer(entry)
    if err != 0:
        try:
            recv_parts_slow(s, &parts, flags, timeout, err, &entry)
        except BaseException:
            drop_offer(entry)
            raise
    drop_offer(entry)
    return parts_of(&parts, copy, track, expected)


cdef list parts_of(fmq_parts *parts, bint copy, bint track, outlook *expected):
    """Return a received message, whose parts are closed."""
    cdef fmq_msg *part = parts.part
    cdef list found = []
    cdef size_t longest = 0
    cdef size_t i
    try:
        for i in range(parts.n):
            longest = max(longest, fmq_msg_size(&part[i]))
            if copy:
                found.append(bytes_of(&part[i]))
            else:
                fmq_msg_settle(&part[i])
                found.append(received(&part[i], track))
    finally:
        fmq_parts_close(parts)
    expect(expected, longest)
    return found


@cython.freelist(4)
cdef class _Outgoing:
    """The parts of one message on their way to the core; what is left is closed."""

    # New objects are all zeros, and so are empty messages.

    cdef fmq_msg few[FEW]
    cdef fmq_msg *parts
    cdef size_t n
    cdef Py_ssize_t room

    def __cinit__(self, Py_ssize_t n):
        self.parts = self.few
        self.room = n
        if n > FEW:
            self.parts = <fmq_msg *>calloc(<size_t>n, sizeof(fmq_msg))
            if self.parts is NULL:
                raise MemoryError

    def __dealloc__(self):
        cdef size_t i
        for i in range(self.n):
            fmq_msg_close(&self.parts[i])
        if self.parts is not self.few:
            free(self.parts)
