# SPDX-License-Identifier: Apache-2.0
# Buffers lent to the core.
#
# A lent buffer stays exported until the core calls c_give_back, on any thread and
# without the GIL. That pushes it on a list, which is emptied by whoever holds the GIL
# and comes by: a send that lends, a call that has waited, a tracker that is asked.
#
#   P1 push: compare-exchange head (release)  ->  T1 take: exchange head (acquire)
#      Who takes the list sees what its entries hold.
#
# A program in which nobody comes by - all its threads wait, for a message or for
# anything else - has the collector: a thread that starts with the first loan, sleeps
# until the list is not empty, gives the program a moment to empty it by itself, and
# only then takes the GIL. At exit it ends: what is still lent is never given back,
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
    #include <pthread.h>
    #include <signal.h>
    #include <stdatomic.h>
    #include <time.h>

    typedef struct lent lent;
    struct lent {
        Py_buffer view;
        PyObject *event; /* set() when given back; NULL: none */
        int is_listed;   /* it is in the list of all */
        lent *next;      /* of those given back */
        lent *older;     /* of all, with the GIL */
        lent *newer;
    };

    static _Atomic(lent *) given_back;

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

    static int has_given_back(void)
    {
        return atomic_load_explicit(&given_back, memory_order_relaxed) != NULL;
    }

    static lent *take_given_back(void)
    {
        if (!has_given_back()) {
            return NULL;
        }
        return atomic_exchange_explicit(
            &given_back, NULL, memory_order_acquire); /* T1 */
    }

    /* The collector. `mutex` guards the two flags, and the list's being empty for who
     * sleeps on it. */
    static struct {
        pthread_mutex_t mutex;
        pthread_cond_t has_work;
        pthread_t thread;
        int is_running;
        int is_ending;
    } collector = {
        .mutex = PTHREAD_MUTEX_INITIALIZER,
        .has_work = PTHREAD_COND_INITIALIZER,
    };

    static void collector_ring(void)
    {
        pthread_mutex_lock(&collector.mutex);
        pthread_cond_signal(&collector.has_work);
        pthread_mutex_unlock(&collector.mutex);
    }

    static void *collector_main(void *collect)
    {
        const struct timespec moment = {0, 5000000};

        pthread_mutex_lock(&collector.mutex);
        while (!collector.is_ending) {
            if (!has_given_back()) {
                pthread_cond_wait(&collector.has_work, &collector.mutex);
                continue;
            }
            pthread_mutex_unlock(&collector.mutex);
            nanosleep(&moment, NULL);
            if (has_given_back()) {
                ((void (*)(void))collect)();
            }
            pthread_mutex_lock(&collector.mutex);
        }
        pthread_mutex_unlock(&collector.mutex);
        return NULL;
    }

    /* With the GIL, as all of these. Without a thread for it the list waits for who
     * comes by. */
    static void collector_start(void (*collect)(void))
    {
        sigset_t all, before;

        if (collector.is_running || collector.is_ending) {
            return;
        }
        /* Signals are for threads of the program. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        collector.is_running = pthread_create(&collector.thread, NULL, collector_main,
                                              (void *)collect) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
#ifdef __linux__
        if (collector.is_running) {
            pthread_setname_np(collector.thread, "fastmq/loans");
        }
#endif
    }

    /* Returns whether there is a thread to join. */
    static int collector_stop(void)
    {
        int was_running = collector.is_running;

        pthread_mutex_lock(&collector.mutex);
        collector.is_ending = 1;
        collector.is_running = 0;
        pthread_cond_signal(&collector.has_work);
        pthread_mutex_unlock(&collector.mutex);
        return was_running;
    }

    static void collector_join(void)
    {
        pthread_join(collector.thread, NULL);
    }

    /* In the child of a fork the thread is not there. */
    static void collector_forget(void)
    {
        pthread_mutex_init(&collector.mutex, NULL);
        pthread_cond_init(&collector.has_work, NULL);
        collector.is_running = 0;
    }
    """
    ctypedef struct lent:
        Py_buffer view
        PyObject *event
        bint is_listed
        lent *next
        lent *older
        lent *newer

    int push_given_back(lent *entry) noexcept nogil
    lent *take_given_back() noexcept nogil
    void collector_ring() noexcept nogil
    void collector_start(void (*collect)() noexcept nogil) noexcept
    bint collector_stop() noexcept
    void collector_join() noexcept nogil
    void collector_forget() noexcept


# All that is lent, for who asks what keeps a buffer.
cdef lent *newest = NULL


cdef void note_loan(lent *entry) noexcept:
    global newest
    entry.is_listed = True
    entry.newer = NULL
    entry.older = newest
    if newest is not NULL:
        newest.newer = entry
    newest = entry


cdef void forget_loan(lent *entry) noexcept:
    global newest
    if not entry.is_listed:
        return
    if entry.newer is not NULL:
        entry.newer.older = entry.older
    else:
        newest = entry.older
    if entry.older is not NULL:
        entry.older.newer = entry.newer


def loans() -> dict:
    """Return what is lent now: by a number, pairs of an object and an event or None."""
    cdef dict found = {}
    drain()
    cdef lent *entry = newest
    while entry is not NULL:
        found[<uintptr_t>entry] = (
            entry.view.obj,
            None if entry.event is NULL else <object>entry.event)
        entry = entry.older
    return found


cdef void c_collect() noexcept nogil:
    with gil:
        drain()


cdef void c_give_back(void *data, void *hint) noexcept nogil:
    if push_given_back(<lent *>hint):
        collector_ring()


cdef int drain() except -1:
    """Release every buffer the core has given back."""
    cdef lent *entry = take_given_back()
    cdef lent *next_entry
    raised = None
    while entry is not NULL:
        next_entry = entry.next
        try:
            end_loan(entry)
        except BaseException as error:
            raised = error  # of a signal's handler; the others go back all the same
        entry = next_entry
    if raised is not None:
        raise raised
    return 0


cdef int end_loan(lent *entry) except -1:
    forget_loan(entry)
    PyBuffer_Release(&entry.view)
    event = None
    if entry.event is not NULL:
        event = <object>entry.event
        Py_DECREF(event)
    PyMem_RawFree(entry)
    if event is not None:
        try:
            event.set()
        except BaseException:
            # A signal's handler has raised, perhaps before it was set.
            event.set()
            raise
    return 0


cdef lent *new_loan(data) except NULL:
    """Return an entry, in no list, that has ``data`` exported."""
    cdef lent *entry = <lent *>PyMem_RawMalloc(sizeof(lent))
    if entry is NULL:
        raise MemoryError
    try:
        get_buffer(data, &entry.view)
    except BaseException:
        PyMem_RawFree(entry)
        raise
    entry.event = NULL
    entry.is_listed = False
    return entry


cdef int lend(fmq_msg *m, data, event) except -1:
    """Make ``m`` of the bytes of ``data``, which stay exported; event may be None."""
    drain()
    cdef lent *entry = new_loan(data)
    collector_start(c_collect)
    cdef int err = fmq_msg_init_data(
        m, entry.view.buf, <size_t>entry.view.len, c_give_back, entry)
    if err != 0:
        end_loan(entry)
        fail(err)
    # Whoever lends a short body wants it lent: it comes back when it has left.
    fmq_msg_keep(m)
    if event is not None:
        Py_INCREF(event)
        entry.event = <PyObject *>event
    note_loan(entry)
    return 0


cdef int get_buffer(data, Py_buffer *view) except -1:
    """Export the bytes of ``data``, of whatever type but str."""
    if isinstance(data, str):
        raise TypeError("unicode not allowed, use send_string")
    PyObject_GetBuffer(data, view, PyBUF_ANY_CONTIGUOUS)
    return 0


cdef int check_buffer(data) except -1:
    """Raise if ``data`` cannot be exported."""
    cdef Py_buffer view
    get_buffer(data, &view)
    PyBuffer_Release(&view)
    return 0


def collect() -> None:
    """Release what the core has given back: buffers that were sent without a copy."""
    drain()


def _at_exit() -> None:
    """End the collector: there will be no Python for it."""
    if collector_stop():
        with nogil:
            collector_join()
