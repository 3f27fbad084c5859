# SPDX-License-Identifier: Apache-2.0
# Many messages a call. What is given to the core and what comes from it lies on the
# stack, AT_ONCE messages a time.

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

    cdef void release(self) noexcept:
        cdef int i
        for i in range(self.n):
            PyBuffer_Release(&self.view[i])
        self.n = 0


cdef int check_max(Py_ssize_t max_messages) except -1:
    if max_messages < 1:
        raise ValueError(f"max_messages={max_messages}: at least 1")
    return 0


cdef int send_pieces(
    fmq_socket s, fmq_piece *pieces, size_t n, timeout, size_t *n_sent
) except -1:
    """Send ``n`` messages; ``n_sent`` counts on, also when this raises."""
    cdef size_t done = 0
    cdef uint64_t deadline
    cdef int err = fmq_send_many(s, pieces, n, FMQ_TRY, &done)
    n_sent[0] += done
    if not has_to_wait(err, 0):
        return check(err)
    deadline = deadline_for(s, SNDTIMEO, timeout)
    while True:
        pieces += done
        n -= done
        with nogil:
            err = fmq_send_many_until(s, pieces, n, &done, deadline)
        n_sent[0] += done
        if not go_on(err):
            return 0


cdef Py_ssize_t send_list(fmq_socket s, list messages, timeout) except -1:
    """Send messages of one part each; what is raised tells how many went."""
    cdef fmq_piece pieces[AT_ONCE]
    cdef _Lent lent = _Lent.__new__(_Lent)
    cdef size_t n_sent = 0
    cdef size_t n = 0
    cdef Py_ssize_t i
    cdef Py_buffer *view
    try:
        for i in range(len(messages)):
            message = messages[i]
            if PyBytes_CheckExact(message):
                if PyBytes_GET_SIZE(message) >= LENT:
                    if n != 0:
                        send_pieces(s, pieces, n, timeout, &n_sent)
                        lent.release()
                        n = 0
                    send_long(s, message, timeout)
                    n_sent += 1
                    continue
                pieces[n].data = PyBytes_AS_STRING(message)
                pieces[n].len = <size_t>PyBytes_GET_SIZE(message)
            elif isinstance(message, Frame) and is_addressed(message):
                send_pieces(s, pieces, n, timeout, &n_sent)
                lent.release()
                n = 0
                send_one_frame(s, message, timeout)
                n_sent += 1
                continue
            else:
                view = &lent.view[lent.n]
                get_buffer(message, view)
                lent.n += 1
                pieces[n].data = view.buf
                pieces[n].len = <size_t>view.len
            n += 1
            if n == AT_ONCE:
                send_pieces(s, pieces, n, timeout, &n_sent)
                lent.release()
                n = 0
        if n != 0:
            send_pieces(s, pieces, n, timeout, &n_sent)
    except BaseException as error:
        error.n_sent = n_sent
        raise
    return <Py_ssize_t>n_sent


cdef int recv_batch(
    fmq_socket s, list found, list more, size_t max_parts, timeout, bint is_first
) except -1:
    """Append parts that are there to a list; 0 if there are none any more.

    ``more``, if it is not None, gets for each whether others of its message follow.
    """
    cdef char buf[BATCH_ROOM]
    cdef fmq_msg m[AT_ONCE]
    cdef fmq_part part[AT_ONCE]
    cdef size_t n = 0
    cdef size_t i
    cdef char *next_body = buf
    cdef uint64_t deadline
    cdef int err
    if max_parts > AT_ONCE:
        max_parts = AT_ONCE
    memset(m, 0, max_parts * sizeof(fmq_msg))
    err = fmq_recv_many(
        s, buf, BATCH_ROOM, m, part, max_parts, &n, FMQ_TRY | FMQ_DONTWAIT)
    if err == FMQ_EBUSY_TRY or (err == EAGAIN and is_first and timeout != 0):
        deadline = deadline_for(s, RCVTIMEO, timeout) if is_first else 0
        while True:
            with nogil:
                err = fmq_recv_many_until(
                    s, buf, BATCH_ROOM, m, part, max_parts, &n, deadline)
            if err != EINTR:
                break
            PyErr_CheckSignals()
        drain()
    if err == EAGAIN and not is_first:
        return 0
    check(err)
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
    return n == max_parts


cdef int send_within(fmq_socket s, fmq_msg *parts, size_t n, timeout) except -1:
    """Send the parts of a message within ``timeout`` ms, or what SNDTIMEO says."""
    cdef int err = fmq_sendv(s, parts, n, FMQ_TRY)
    if err == 0:
        return 0
    if not has_to_wait(err, 0):
        fail(err)
    return send_until(s, parts, n, 0, deadline_for(s, SNDTIMEO, timeout))


cdef int send_out(fmq_socket s, _Outgoing out, timeout) except -1:
    """Send what was prepared, as send_within."""
    if out.n == 0:
        raise IndexError("a message has at least one part")
    return send_within(s, out.parts, out.n, timeout)


cdef bint is_addressed(Frame frame):
    return (
        fmq_msg_routing_id(&frame._msg) != 0 or fmq_msg_group(&frame._msg)[0] != 0)


cdef int send_one_frame(fmq_socket s, Frame frame, timeout) except -1:
    """Send a frame as one part, as send_within."""
    cdef fmq_msg m
    fmq_msg_init(&m)
    check(fmq_msg_copy(&m, &frame._msg))
    try:
        send_within(s, &m, 1, timeout)
    finally:
        fmq_msg_close(&m)
    return 0


cdef int send_long(fmq_socket s, bytes data, timeout) except -1:
    """Send a long bytes object as one part, as send_within."""
    cdef fmq_msg m
    lend_bytes(&m, data)
    try:
        return send_within(s, &m, 1, timeout)
    finally:
        fmq_msg_close(&m)
