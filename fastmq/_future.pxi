# SPDX-License-Identifier: Apache-2.0
# What asynchronous calls return: a future as asyncio knows them, that gives a message
# back if nobody has looked at it.

from contextvars import copy_context

# A coroutine that awaits a future asks it to go on by one of two slots, and hears of
# its result by StopIteration or, through am_send, without. What Cython makes of `raise`
# adds a traceback, which was half of all that receiving a message cost; so both slots
# are filled here, around take_step.
cdef extern from *:
    """
    typedef int (*future_step_fn)(PyObject *self, PyObject **value);
    static future_step_fn future_step;

    static PySendResult future_send(PyObject *self, PyObject *arg, PyObject **value)
    {
        int is_yielded = future_step(self, value);

        (void)arg;
        return is_yielded < 0 ? PYGEN_ERROR
               : is_yielded   ? PYGEN_NEXT
                              : PYGEN_RETURN;
    }

    static PyObject *future_next(PyObject *self)
    {
        PyObject *value = NULL;
        PyObject *stop;
        int is_yielded = future_step(self, &value);

        if (is_yielded != 0) {
            return is_yielded < 0 ? NULL : value;
        }
        stop = PyObject_CallFunctionObjArgs(PyExc_StopIteration, value, NULL);
        Py_DECREF(value);
        if (stop != NULL) {
            PyErr_SetObject(PyExc_StopIteration, stop);
            Py_DECREF(stop);
        }
        return NULL;
    }

    static void fill_future_slots(PyObject *of, future_step_fn step)
    {
        PyTypeObject *type = (PyTypeObject *)of;

        future_step = step;
        type->tp_iternext = future_next;
        type->tp_as_async->am_send = future_send;
        PyType_Modified(type);
    }
    """
    ctypedef int (*future_step_fn)(PyObject *self, PyObject **value) except -1
    void fill_future_slots(PyObject *type, future_step_fn step)


cdef int take_step(PyObject *self, PyObject **value) except -1:
    """Whether a future yields ``value``, or has ended with it: a new reference."""
    cdef Future f = <Future>self
    cdef object found
    if f._state == PENDING:
        if f._asyncio_future_blocking:
            raise RuntimeError("await wasn't used with future")
        f._asyncio_future_blocking = True
        Py_INCREF(f)
        value[0] = self
        return 1
    found = f.result()
    Py_INCREF(found)
    value[0] = <PyObject *>found
    return 0


# Of asyncio, which takes several times as long to import as all else here: set by
# set_asyncio, before there is a future.
cdef object CancelledError = None
cdef object InvalidStateError = None
cdef object asyncio_future = None
cdef object asyncio_loop = None
cdef object running_loop = None


def set_asyncio(asyncio) -> None:
    """Say what asyncio is, to whoever makes futures.

    Args:
        asyncio: The module.
    """
    global CancelledError, InvalidStateError
    global asyncio_future, asyncio_loop, running_loop
    CancelledError = asyncio.CancelledError
    InvalidStateError = asyncio.InvalidStateError
    asyncio_future = asyncio.Future
    asyncio_loop = asyncio.get_event_loop
    running_loop = asyncio._get_running_loop


cdef enum:
    PENDING = 0
    FINISHED = 1
    CANCELLED = 2

cdef enum:
    # What a future waits for.
    ANYTHING = 0
    TO_POLL = 1
    TO_SEND = 2
    TO_SEND_MANY = 3
    TO_SEND_PARTS_MANY = 4
    # From here on what comes is messages.
    TO_RECV = 5
    TO_RECV_PARTS = 6
    TO_RECV_MANY = 7
    TO_RECV_PARTS_MANY = 8


@cython.freelist(64)
cdef class Future:
    """The result of an asynchronous call, now or later.

    It is what ``asyncio.isfuture`` takes for a future, and has the methods of one. What
    is different is ``cancel``: as long as nobody has looked at a message that has come,
    by ``await``, ``result`` or ``exception``, or in a callback, cancelling takes it to
    the head of the socket's queue again. So a task that is cancelled before it resumes
    loses nothing.
    """

    cdef LoopSocket _socket
    cdef object _loop
    cdef object _value
    cdef object _error
    cdef object _load
    cdef object _callbacks
    cdef object _timer
    cdef _Outgoing _out
    # Messages to be sent one after the other; None once they are.
    cdef tuple _many
    # Of parts that were received one after the other: whether others follow each.
    cdef list _mores
    # Which message of the socket it was, or how many were sent.
    cdef uint64_t _number
    cdef Py_ssize_t _max
    # How long it waits from when it has to; negative: for ever, or it does so now.
    cdef double _patience_ms
    cdef int _flags
    cdef int _state
    cdef int _waits_for
    cdef bint _copy
    cdef bint _track
    cdef bint _more
    # Whether it has done a part of its work and goes on in another turn of the loop.
    cdef bint _is_under_way
    cdef bint _is_taken
    cdef bint _is_seen
    cdef public bint _asyncio_future_blocking
    cdef object __weakref__

    @property
    def __class__(self):
        # There is no C interface to derive from; for isinstance it is one of these.
        return asyncio_future

    def __init__(self, *, loop=None) -> None:
        """Make one that ``set_result`` or ``set_exception`` ends.

        Args:
            loop: Its event loop; the running one by default.
        """
        self._loop = loop

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject *value = NULL
        if take_step(<PyObject *>self, &value):
            Py_DECREF(self)
            return self
        found = <object>value
        Py_DECREF(found)
        raise StopIteration(found)

    def __dealloc__(self):
        if self._error is None or self._is_seen or self._loop is None:
            return
        try:
            self._loop.call_exception_handler({
                "message": "Future exception was never retrieved",
                "exception": self._error})
        except Exception:
            pass  # the loop is going, too

    def __repr__(self) -> str:
        state = ("pending", "finished", "cancelled")[self._state]
        return f"<Future {state} at {id(self):#x}>"

    @classmethod
    def __class_getitem__(cls, item):
        return cls

    def get_loop(self):
        """Return the event loop it belongs to."""
        if self._loop is None:
            self._loop = running_loop() or asyncio_loop()
        return self._loop

    def done(self) -> bool:
        """Return whether it has ended, with a result, an error or by ``cancel``."""
        return self._state != PENDING

    def cancelled(self) -> bool:
        """Return whether it was cancelled."""
        return self._state == CANCELLED

    def result(self):
        """Return what the call came to, or raise its error.

        Raises:
            asyncio.InvalidStateError: It has not ended.
            asyncio.CancelledError: It was cancelled.
        """
        if self._look() is not None:
            raise self._error
        return self._value

    def exception(self):
        """Return the error of the call, or None.

        Raises:
            asyncio.InvalidStateError: It has not ended.
            asyncio.CancelledError: It was cancelled.
        """
        return self._look()

    cdef object _look(self):
        """Take the result and return its error."""
        if self._state == PENDING:
            raise InvalidStateError("Result is not set.")
        if self._state == CANCELLED:
            why = () if self._value is None else (self._value,)
            raise CancelledError(*why)
        self._is_taken = True
        load, self._load = self._load, None
        if load is not None and self._error is None:
            try:
                self._value = load(self._value)
            except Exception as error:
                self._error = error
        self._is_seen = True
        return self._error

    @property
    def n_sent(self) -> int:
        """How many messages of ``send_many`` have been sent, also if cancelled."""
        return self._number if self._sends_many() else 0

    @property
    def unsent(self) -> list:
        """Those messages of ``send_many`` that have not, also if cancelled."""
        if self._many is None:
            return []
        return list(self._many[<Py_ssize_t>self._number:])

    def cancel(self, msg=None) -> bool:
        """End the wait; a message that has come and was not seen goes back.

        Args:
            msg: What the CancelledError says.

        Returns:
            False if it had ended and somebody may have seen how.
        """
        if self._state == FINISHED:
            if self._is_taken or self._error is not None or not self._has_message():
                return False
            self._socket._give_back(self)
        elif self._state != PENDING:
            return False
        elif self._socket is not None:
            self._socket._forget(self)
            if self._is_under_way and self._has_message():
                self._socket._give_back(self)
        self._value = msg
        self._load = None
        self._out = None
        self._end(CANCELLED)
        return True

    cdef bint _has_message(self):
        return self._waits_for >= TO_RECV

    cdef bint _sends_many(self):
        return TO_SEND_MANY <= self._waits_for <= TO_SEND_PARTS_MANY

    def set_result(self, result) -> None:
        """End it with a result.

        Args:
            result: What ``await`` is to return.
        """
        if self._state != PENDING:
            raise InvalidStateError("Result was set already.")
        self._value = result
        self._end(FINISHED)

    def set_exception(self, exception) -> None:
        """End it with an error.

        Args:
            exception: What ``await`` is to raise.
        """
        if self._state != PENDING:
            raise InvalidStateError("Result was set already.")
        self._error = exception() if isinstance(exception, type) else exception
        self._end(FINISHED)

    def add_done_callback(self, fn, *, context=None) -> None:
        """Have a function called with this object once it has ended.

        Args:
            fn: The function; the loop calls it, not ``cancel`` or the socket.
            context: The ``contextvars.Context`` it runs in; by default a copy of this.
        """
        if context is None:
            context = copy_context()
        if self._state != PENDING:
            self.get_loop().call_soon(self._call, fn, context=context)
        elif self._callbacks is None:
            self._callbacks = [(fn, context)]
        else:
            self._callbacks.append((fn, context))

    def remove_done_callback(self, fn) -> int:
        """Take a callback away, and return how often it was there.

        Args:
            fn: As given to ``add_done_callback``.
        """
        if self._callbacks is None:
            return 0
        kept = [pair for pair in self._callbacks if pair[0] != fn]
        n = len(self._callbacks) - len(kept)
        self._callbacks = kept
        return n

    cdef int _end(self, int state) except -1:
        self._state = state
        if self._error is not None and self._loop is None:
            # To tell of it, if nobody asks.
            self._loop = running_loop()
        self._is_under_way = False
        if self._timer is not None:
            self._stop_timer()
        callbacks = self._callbacks
        self._callbacks = None
        if callbacks is not None:
            loop = self.get_loop()
            for fn, context in callbacks:
                loop.call_soon(self._call, fn, context=context)
        return 0

    cdef int _lose_patience(self) except -1:
        """Have it fail in time: it has to wait now."""
        if self._patience_ms > 0:
            self._timer = self._loop.call_later(self._patience_ms / 1000, self._expire)
        self._patience_ms = -1
        return 0

    cdef int _stop_timer(self) except -1:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        return 0

    cdef int _fail(self, error) except -1:
        self._error = error
        self._out = None
        if self._sends_many():
            error.n_sent = self._number
            error.unsent = self.unsent
        return self._end(FINISHED)

    def _call(self, fn) -> None:
        # Who is told that it has ended may act upon that: it has.
        self._is_taken = True
        fn(self)

    def _expire(self) -> None:
        """Give up waiting; called by a timer."""
        if self._state != PENDING:
            return
        self._timer = None
        self._socket._forget(self)
        if self._waits_for == TO_POLL:
            self._value = 0
            self._end(FINISHED)
        else:
            self._fail(error_of(EAGAIN))

    def _then(self, load):
        """Have what comes passed through a function, and return self.

        Args:
            load: What makes the result of the message; what it raises is the error.
        """
        first = self._load
        self._load = load if first is None else lambda value: load(first(value))
        return self


fill_future_slots(<PyObject *>Future, take_step)
