# SPDX-License-Identifier: Apache-2.0
# Many messages a call. What is given to the core and what comes from it lies on the
# stack, AT_ONCE messages a time.

cdef extern from "Python.h":
    bint PyList_CheckExact(object)
    bint PyTuple_CheckExact(object)
    PyObject *PyList_GET_ITEM(PyObject *, Py_ssize_t)
    # Of exact lists and tuples.
    Py_ssize_t PySequence_Fast_GET_SIZE(object)
    PyObject **PySequence_Fast_ITEMS(object)

cdef enum:
    AT_ONCE = 128
    # Short bodies of that many messages, received.
    BATCH_ROOM = 16384


cdef class _Lent:
    """The buffers of messages to be sent, for as long as the core copies from them."""

    cdef Py_buffer view[AT_ONCE]
    cdef int n

    def __dealloc__(self):
        self.release()

    cdef int add(self, message, fmq_piece *piece) except -1:
        cdef Py_buffer *view = &self.view[self.n]
        get_buffer(message, view)
        self.n += 1
        piece.data = view.buf
        piece.len = <size_t>view.len
        return 0

    cdef void release(self) noexcept:
        cdef int i
        for i in range(self.n):
            PyBuffer_Release(&self.view[i])
        self.n = 0


# A call that sends many messages, and how far it has come.
cdef struct sending:
    fmq_socket s
    # Milliseconds, or None; the caller's.
    PyObject *timeout
    # When the call has to end; 0 as long as it did not have to wait.
    uint64_t deadline
    size_t n_sent


cdef int check_max(Py_ssize_t max_messages) except -1:
    if max_messages < 1:
        raise ValueError(f"max_messages={max_messages}: at least 1")
    return 0


cdef tuple next_of(source, list broken):
    """Return the next messages of an iterator; ``broken`` gets what it raises."""
    cdef list found = []
    try:
        for message in source:
            found.append(message)
            if len(found) == AT_ONCE:
                break
    except BaseException as error:
        broken.append(error)
    return tuple(found)


cdef tuple all_of(messages):
    """Return all that an iterable gives; what it raises has what it gave before."""
    cdef list found = []
    try:
        for message in messages:
            found.append(message)
    except BaseException as error:
        error.n_sent = 0
        error.unsent = found
        raise
    return tuple(found)


cdef uint64_t end_of_wait(sending *call) except? 0:
    """Return when a call has to end that has to wait now."""
    if call.deadline == 0:
        call.deadline = deadline_for(call.s, SNDTIMEO, <object>call.timeout)
    return call.deadline


cdef int send_pieces(sending *call, fmq_piece *pieces, size_t n) except -1:
    """Send ``n`` messages; those that went are counted, also when this raises."""
    cdef size_t done = 0
    cdef uint64_t deadline
    cdef int err = fmq_send_many(call.s, pieces, n, FMQ_TRY, &done)
    call.n_sent += done
    if not has_to_wait(err, 0):
        return check(err)
    deadline = end_of_wait(call)
    while True:
        pieces += done
        n -= done
        with nogil:
            err = fmq_send_many_until(call.s, pieces, n, &done, deadline)
        call.n_sent += done
        if not go_on(err):
            return 0


cdef int send_before(sending *call, fmq_piece *pieces, size_t n) except -1:
    """Send what came before a message that is wrong: that is what to tell of."""
    try:
        send_pieces(call, pieces, n)
    except Exception:
        pass  # n_sent says how many went
    return 0


cdef inline bint is_short(message) noexcept:
    """Whether a message is a bytes object that is copied when it is sent."""
    return PyBytes_CheckExact(message) and PyBytes_GET_SIZE(message) < LENT


cdef inline void set_piece(fmq_piece *piece, message) noexcept:
    piece.data = PyBytes_AS_STRING(message)
    piece.len = <size_t>PyBytes_GET_SIZE(message)


cdef void send_at_once(sending *call, list messages) noexcept:
    """Send the first messages of a list: those that are short, while there is room.

    The GIL is held and no Python runs, so nobody takes them out of the list meanwhile.
    """
    cdef fmq_piece pieces[AT_ONCE]
    cdef Py_ssize_t n_messages = len(messages)
    cdef Py_ssize_t i
    cdef PyObject *message
    cdef size_t n
    cdef size_t done
    cdef int err = 0
    while err == 0:
        n = 0
        i = <Py_ssize_t>call.n_sent
        while i < n_messages and n < AT_ONCE:
            message = PyList_GET_ITEM(<PyObject *>messages, i)
            if not is_short(<object>message):
                break
            set_piece(&pieces[n], <object>message)
            i += 1
            n += 1
        if n == 0:
            break
        err = fmq_send_many(call.s, pieces, n, FMQ_TRY, &done)
        call.n_sent += done


cdef int send_run(sending *call, tuple messages, Py_ssize_t end) except -1:
    """Send messages of one part each: those up to ``end`` that did not go yet.

    The tuple keeps them, whatever becomes of the list that they were given in.
    """
    cdef fmq_piece pieces[AT_ONCE]
    cdef _Lent lent = None
    cdef size_t n = 0
    cdef Py_ssize_t i
    for i in range(<Py_ssize_t>call.n_sent, end):
        message = messages[i]
        if is_short(message):
            set_piece(&pieces[n], message)
        elif goes_alone(message):
            send_pieces(call, pieces, n)
            n = 0
            if lent is not None:
                lent.release()
            send_alone(call, message)
            continue
        else:
            if lent is None:
                lent = _Lent.__new__(_Lent)
            try:
                lent.add(message, &pieces[n])
            except Exception:
                send_before(call, pieces, n)
                raise
        n += 1
        if n == AT_ONCE:
            send_pieces(call, pieces, n)
            n = 0
            if lent is not None:
                lent.release()
    if n != 0:
        send_pieces(call, pieces, n)
    return 0


cdef bint goes_alone(message):
    """Whether a message is lent, or says whom it is for."""
    if isinstance(message, Frame):
        return (
            fmq_msg_routing_id(&(<Frame>message)._msg) != 0
            or fmq_msg_group(&(<Frame>message)._msg)[0] != 0)
    return PyBytes_CheckExact(message)


cdef int send_alone(sending *call, message) except -1:
    """Send a frame or a long bytes object as one part."""
    cdef fmq_msg m
    fmq_msg_init(&m)
    if isinstance(message, Frame):
        check(fmq_msg_copy(&m, &(<Frame>message)._msg))
    else:
        lend_bytes(&m, message)
    try:
        return send_within(call, &m, 1)
    finally:
        fmq_msg_close(&m)


cdef int send_within(sending *call, fmq_msg *parts, size_t n) except -1:
    """Send the parts of a message, and count it."""
    cdef int err = fmq_sendv(call.s, parts, n, FMQ_TRY)
    if err != 0:
        if not has_to_wait(err, 0):
            fail(err)
        send_until(call.s, parts, n, 0, end_of_wait(call))
    call.n_sent += 1
    return 0


cdef int recv_batch(
    fmq_socket s, list found, list more, size_t max_parts, bint may_wait, timeout
) except? -1:
    """Append parts that are there to a list.

    Returns the error number of what came behind them, EAGAIN if there are no others; 0
    if there may be. Who has some tells of it the next time. ``more``, if it is not
    None, gets for each part whether others of its message follow.
    """
    cdef char buf[BATCH_ROOM]
    cdef fmq_msg m[AT_ONCE]
    cdef fmq_part part[AT_ONCE]
    cdef size_t n = 0
    cdef size_t i
    cdef char *next_body = buf
    cdef uint64_t deadline = 0
    cdef int err
    if max_parts > AT_ONCE:
        max_parts = AT_ONCE
    err = fmq_recv_many(
        s, buf, BATCH_ROOM, m, part, max_parts, &n, FMQ_TRY | FMQ_DONTWAIT)
    if err == FMQ_EBUSY_TRY or (err == EAGAIN and may_wait):
        if may_wait:
            drain()
            deadline = deadline_for(s, RCVTIMEO, timeout)
        while True:
            with nogil:
                err = fmq_recv_many_until(
                    s, buf, BATCH_ROOM, m, part, max_parts, &n, deadline)
            if err != EINTR:
                break
            if may_wait:
                receives_on(err)
    if err != 0:
        return err
    try:
        for i in range(n):
            if more is not None:
                more.append(bool(part[i].more))
            if part[i].is_in_buf:
                found.append(
                    PyBytes_FromStringAndSize(next_body, <Py_ssize_t>part[i].len))
                next_body += part[i].len
            else:
                found.append(bytes_of(&m[i]))
    finally:
        for i in range(n):
            if not part[i].is_in_buf:
                fmq_msg_close(&m[i])
    return 0 if n == max_parts else EAGAIN
