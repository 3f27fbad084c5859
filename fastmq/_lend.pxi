# SPDX-License-Identifier: Apache-2.0
# Buffers lent to the core.
#
# A lent buffer stays exported until the core calls c_give_back, on any thread and
# without the GIL. That pushes it on a list and, if the list was empty, asks Python for
# a pending call, so that an idle program gets its buffers back too. The list is
# emptied by whoever holds the GIL next: that pending call, a send that lends, a
# tracker that is asked.
#
#   P1 push: compare-exchange head (release)  ->  T1 take: exchange head (acquire)
#      Who takes the list sees what its entries hold.
#
# At exit is_exiting turns the pending calls off: what is lent then is never given back,
# as no Python would be there to take it.

from cpython.buffer cimport (
    PyBUF_ANY_CONTIGUOUS,
    PyBUF_CONTIG,
    PyBuffer_FillInfo,
    PyBuffer_Release,
    PyObject_GetBuffer,
)
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject

cdef extern from *:
    """
    #include <stdatomic.h>

    typedef struct lent lent;
    struct lent {
        Py_buffer view;
        PyObject *event; /* set() when given back; NULL: none */
        lent *next;
    };

    static _Atomic(lent *) given_back;
    static atomic_int is_exiting;

    /* Returns whether the list was empty. */
    static int push_given_back(lent *entry)
    {
        lent *head = atomic_load_explicit(&given_back, memory_order_relaxed);
        do {
            entry->next = head;
        } while (!atomic_compare_exchange_weak_explicit(
            &given_back, &head, entry, memory_order_release, /* P1 */
            memory_order_relaxed));
        return head == NULL;
    }

    static lent *take_given_back(void)
    {
        if (atomic_load_explicit(&given_back, memory_order_relaxed) == NULL) {
            return NULL;
        }
        return atomic_exchange_explicit(
            &given_back, NULL, memory_order_acquire); /* T1 */
    }

    static int exiting(void)
    {
        return atomic_load_explicit(&is_exiting, memory_order_relaxed);
    }

    static void set_exiting(int value)
    {
        atomic_store_explicit(&is_exiting, value, memory_order_relaxed);
    }
    """
    ctypedef struct lent:
        Py_buffer view
        PyObject *event
        lent *next

    int push_given_back(lent *entry) noexcept nogil
    lent *take_given_back() noexcept nogil
    int exiting() noexcept nogil
    void set_exiting(int value) noexcept nogil

cdef extern from "Python.h":
    int Py_AddPendingCall(int (*func)(void *) noexcept, void *arg) noexcept nogil


cdef int c_drain(void *arg) noexcept:
    drain()
    return 0


cdef void c_give_back(void *data, void *hint) noexcept nogil:
    if push_given_back(<lent *>hint) and not exiting():
        Py_AddPendingCall(c_drain, NULL)


cdef int drain() except -1:
    """Release every buffer the core has given back."""
    cdef lent *entry = take_given_back()
    cdef lent *next_entry
    while entry is not NULL:
        next_entry = entry.next
        PyBuffer_Release(&entry.view)
        if entry.event is not NULL:
            event = <object>entry.event
            Py_DECREF(event)
            event.set()
        PyMem_RawFree(entry)
        entry = next_entry
    return 0


cdef int lend(fmq_msg *m, data, event) except -1:
    """Make ``m`` of the bytes of ``data``, which stay exported; event may be None."""
    cdef lent *entry = <lent *>PyMem_RawMalloc(sizeof(lent))
    if entry is NULL:
        raise MemoryError
    try:
        get_buffer(data, &entry.view)
    except BaseException:
        PyMem_RawFree(entry)
        raise
    entry.event = NULL
    cdef int err = fmq_msg_init_data(
        m, entry.view.buf, <size_t>entry.view.len, c_give_back, entry)
    if err != 0:
        PyBuffer_Release(&entry.view)
        PyMem_RawFree(entry)
        fail(err)
    if event is not None:
        Py_INCREF(event)
        entry.event = <PyObject *>event
    return 0


cdef int get_buffer(data, Py_buffer *view) except -1:
    """Export the bytes of ``data``, of whatever type but str."""
    if isinstance(data, str):
        raise TypeError("unicode not allowed, use send_string")
    PyObject_GetBuffer(data, view, PyBUF_ANY_CONTIGUOUS)
    return 0


def collect() -> None:
    """Release what the core has given back: buffers that were sent without a copy."""
    drain()


def _at_exit() -> None:
    """Stop asking for pending calls: there will be no Python to run them."""
    set_exiting(1)
