# SPDX-License-Identifier: Apache-2.0
# Long bodies without a copy on the way to or from bytes objects.
#
# A bytes object is lent when it is sent: nobody can change it. Whoever receives a long
# body is likely to receive another one of its size, so an object of that size is made
# before the call and offered to the core, which reads into it. If it is not taken it is
# freed after the call, so nothing is kept; and after a few bodies of other kinds, which
# may be headers of long ones, none is made any more. The core sees an object from its
# first byte to its last, and only a message that is whole gives it to Python.
#
# No Python runs while there is an offer, as it is the thread's.


cdef lent *make_offer(size_t expected) except? NULL:
    """Return a bytes object to read into; NULL if no long body is expected."""
    if expected == 0:
        return NULL
    return new_loan(PyBytes_FromStringAndSize(NULL, <Py_ssize_t>expected))


cdef void open_offer(lent *entry) noexcept nogil:
    if entry is not NULL:
        fmq_offer(entry.view.buf, <size_t>entry.view.len, c_give_back, entry)


cdef lent *end_offer(lent *entry) noexcept nogil:
    """Return the object that was offered; NULL if the core has taken it."""
    return entry if entry is not NULL and fmq_offer_end() else NULL


cdef void drop_offer(lent *entry) noexcept:
    if entry is not NULL:
        end_loan(entry)


cdef void expect(outlook *expected, size_t size) noexcept:
    """Note how long the body was that came last."""
    if READ_INTO <= size <= MOST_OFFERED:
        expected.size = size
        expected.n_others = 0
    elif expected.size != 0:
        expected.n_others += 1
        if expected.n_others == OTHERS:
            expected.size = 0


cdef bytes taken(fmq_msg *m):
    """Return the bytes object that a message is made of, or None."""
    cdef lent *entry = <lent *>fmq_msg_lent(m, c_give_back)
    cdef PyObject *obj
    if entry is NULL:
        return None
    obj = <PyObject *>entry.view.obj
    if (
        not PyBytes_CheckExact(<object>obj)
        or PyBytes_AS_STRING(<object>obj) != <char *>fmq_msg_data(m)
        or <size_t>PyBytes_GET_SIZE(<object>obj) != fmq_msg_size(m)
    ):
        return None
    body = <bytes>obj
    if fmq_msg_reclaim(m, c_give_back):
        end_loan(entry)
    return body


cdef bytes bytes_of(fmq_msg *m):
    """Return the body of a message, copied only if it has to be."""
    cdef size_t size = fmq_msg_size(m)
    if size >= LENT:
        body = taken(m)
        if body is not None:
            return body
    return copied(fmq_msg_data(m), size)


cdef int lend_bytes(fmq_msg *m, bytes data) except -1:
    """Make ``m`` of a bytes object, lent if it is long."""
    cdef size_t size = <size_t>PyBytes_GET_SIZE(data)
    if size < LENT:
        return copy_in(m, PyBytes_AS_STRING(data), size)
    return lend(m, data, None)


cdef int send_bytes(fmq_socket s, bytes data, int flags) except -1:
    """Send a bytes object as one part."""
    cdef fmq_msg m
    cdef size_t size = <size_t>PyBytes_GET_SIZE(data)
    if size < LENT:
        return send_copy(s, PyBytes_AS_STRING(data), size, flags)
    lend_bytes(&m, data)
    try:
        return send_parts(s, &m, 1, flags)
    finally:
        fmq_msg_close(&m)
