# SPDX-License-Identifier: Apache-2.0
"""``send(data)`` and ``recv()`` without the making and checking of six arguments.

A method that takes keywords spends more instructions on its arguments than on a short
message. So the C functions of these two are put behind one that looks whether there is
nothing but what nearly every call has.
"""

cdef extern from *:
    """
    /* What METH_FASTCALL | METH_KEYWORDS calls. */
    typedef PyObject *const *fastmq_args;
    typedef PyObject *(*fastmq_method)(PyObject *, fastmq_args, Py_ssize_t, PyObject *);
    """
    ctypedef PyObject **fastmq_args
    ctypedef object (*fastmq_method)(object, fastmq_args, Py_ssize_t, PyObject *)


cdef extern from "Python.h":
    ctypedef struct PyMethodDef:
        void *ml_meth
        int ml_flags

    ctypedef struct PyMethodDescrObject:
        PyMethodDef *d_method

    int METH_FASTCALL
    int METH_KEYWORDS


cdef fastmq_method whole_send = NULL
cdef fastmq_method whole_recv = NULL


cdef object quick_send(
    object socket, fastmq_args args, Py_ssize_t n, PyObject *names
):
    if n == 1 and names == NULL and PyBytes_CheckExact(<object>args[0]):
        send_bytes((<Socket>socket)._live(), <bytes>args[0], 0)
        return None
    return whole_send(socket, args, n, names)


cdef object quick_recv(
    object socket, fastmq_args args, Py_ssize_t n, PyObject *names
):
    if n == 0 and names == NULL:
        return recv_bytes((<Socket>socket)._live(), 0, &(<Socket>socket)._expected)
    return whole_recv(socket, args, n, names)


cdef fastmq_method put_before(object method, fastmq_method quick) except? NULL:
    """Have a function called instead of the one of a method, which is returned."""
    if type(method) is not type(str.join):
        return NULL
    cdef PyMethodDef *entry = (<PyMethodDescrObject *>method).d_method
    if entry.ml_flags != (METH_FASTCALL | METH_KEYWORDS):
        return NULL
    cdef fastmq_method whole = <fastmq_method>entry.ml_meth
    entry.ml_meth = <void *>quick
    return whole


if whole_send == NULL:
    whole_send = put_before(Socket.__dict__["send"], quick_send)
    whole_recv = put_before(Socket.__dict__["recv"], quick_recv)
