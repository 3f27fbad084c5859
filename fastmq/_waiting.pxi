# SPDX-License-Identifier: Apache-2.0
# Waiting in an event loop: futures in queues, which the loop goes on with when FD is
# readable.

from collections import deque
from os import close as close_fd
from os import dup
from warnings import warn
from weakref import ref

cdef enum:
    RCVMORE = 13
    FD = 14
    EVENTS = 15
    TYPE = 16
    REQ_RELAXED = 53
    REQ = 3
    REP = 4
    POLLIN = 1
    # So many calls are done at once before others on the loop have a turn.
    MAX_AT_ONCE = 64
    # After so many short ones the clock is read; not before the first few, which may be
    # all that there are in a turn.
    CALLS_A_LOOK = 16
    FIRST_LOOK = 4
    # Half of the nanoseconds that calls may work before others have a turn.
    HALF_AT_ONCE_NS = 500000
    # The clock is read after about so many nanoseconds of a call with many messages,
    # and after so many messages at the latest.
    STEP_NS = 100000
    MAX_A_STEP = 128
    FIRST_STEP = 16


cpdef object get_event_loop():
    """Return the running event loop, or else the one that will run."""
    loop = running_loop()
    if loop is not None:
        return loop
    warn("No running event loop. fastmq.asyncio should be used from within an asyncio "
         "loop.", RuntimeWarning, stacklevel=4)
    return asyncio_loop()


cdef object error_of(int err):
    """Return the exception of ``err``."""
    try:
        fail(err)
    except Exception as error:
        return error


cdef class _Bell:
    """What a loop calls when the descriptor of a socket is readable.

    The descriptor is a duplicate: it stays what it is if the socket is closed by
    another object, and two objects that share a socket can be watched by one loop. The
    socket is kept only while somebody waits in it: one that was forgotten is to be
    collected, and to say so.
    """

    cdef object _ref
    cdef object _kept
    cdef object _loop
    cdef int _fd

    def __cinit__(self, socket):
        self._ref = ref(socket)

    def __call__(self, *_):
        socket = self._ref()
        if socket is None:
            self._stop()
        else:
            (<LoopSocket>socket)._ring()

    cdef int _start(self, loop, fd) except -1:
        self._fd = dup(fd)
        try:
            loop.add_reader(self._fd, self)
        except BaseException:
            close_fd(self._fd)
            raise
        self._loop = loop
        return 0

    cdef int _stop(self) except -1:
        loop = self._loop
        if loop is None:
            return 0
        self._loop = None
        try:
            if not loop.is_closed():
                loop.remove_reader(self._fd)
        finally:
            close_fd(self._fd)
        return 0


cdef class LoopSocket(Socket):
    """A socket in which futures wait; who knows what they wait for derives from it."""

    # Who waits, in the order of the calls.
    cdef readonly object _recv_futures
    cdef readonly object _send_futures
    cdef readonly object _poll_futures
    # What was done since the loop is known to have had a turn: calls, and at which of
    # them and until when there is nothing to do for it.
    cdef int _n_at_once
    cdef int _next_look
    cdef uint64_t _until
    # When the clock was read last, and how many messages may come before it is again.
    cdef uint64_t _looked
    cdef Py_ssize_t _n_a_step
    # The loop in which somebody waited last, and the one that was asked for a turn.
    cdef object _loop
    cdef object _asked
    cdef bint _was_idle
    cdef readonly _Bell _bell

    def __cinit__(self, *args, **kwargs):
        self._recv_futures = deque()
        self._send_futures = deque()
        self._poll_futures = []
        self._bell = _Bell(self)
        self._next_look = FIRST_LOOK
        self._n_a_step = FIRST_STEP

    def __dealloc__(self):
        if self._bell is not None:
            self._bell._stop()

    def _get_loop(self):
        """Return the event loop to wait in."""
        return get_event_loop()

    # --- what others know ---

    cdef object _events(self):
        return get_option(self._live(), EVENTS)

    cdef bint _try_send(self, Future f) except -1:
        """Whether the message went, or can't."""
        raise NotImplementedError

    cdef bint _try_recv(self, Future f) except -1:
        """Whether a message came, or can't."""
        raise NotImplementedError

    cdef int _give_back(self, Future f) except -1:
        """Take a message that nobody has seen to the head of the queue."""
        raise NotImplementedError

    # --- futures ---

    cdef Future _new_future(self, int waits_for, int flags):
        cdef Future f = Future.__new__(Future)
        f._socket = self
        f._waits_for = waits_for
        f._flags = flags
        return f

    cdef bint _is_tired(self) except -1:
        """Whether others shall have a turn before another call is done."""
        self._n_at_once += 1
        if self._n_at_once > MAX_AT_ONCE:
            return True
        if self._n_at_once < self._next_look:
            return False
        self._next_look = self._n_at_once + CALLS_A_LOOK
        return self._is_late()

    cdef bint _is_late(self) except -1:
        """Whether it is about a millisecond since the loop had a turn.

        Of turns it is only known when they were asked for. So the loop is asked for one
        after half of the time, which costs little if it had others, and is waited for
        after the other half.
        """
        self._looked = fmq_now_ns()
        if self._until == 0:
            self._until = self._looked + HALF_AT_ONCE_NS
        if self._looked < self._until:
            return False
        loop = running_loop()
        if loop is None:
            return False
        if self._asked is loop:
            self._n_at_once = MAX_AT_ONCE + 1
            return True
        self._schedule(loop)
        self._until = self._looked + HALF_AT_ONCE_NS
        return False

    cdef bint _is_late_after(self, Py_ssize_t n) except -1:
        """As ``_is_late``, after a step of so many messages since it was asked last."""
        cdef uint64_t before = self._looked
        cdef bint is_late = self._is_late()
        cdef uint64_t took = self._looked - before
        if took > STEP_NS:
            self._n_a_step = max(1, <Py_ssize_t>(<uint64_t>n * STEP_NS // took))
        elif self._n_a_step < MAX_A_STEP:
            self._n_a_step = min(MAX_A_STEP, 2 * self._n_a_step)
        return is_late

    cdef int _wait(self, Future f, waiting, timeout_ms) except -1:
        """Put a future into its queue, for so many milliseconds at most."""
        cdef bint is_tired = self._n_at_once > MAX_AT_ONCE
        # Whether it has to wait for nothing but a turn of the loop, as far as is known.
        cdef bint is_next = is_tired and not waiting and f._waits_for != TO_POLL
        if timeout_ms == 0 and (f._flags & FMQ_DONTWAIT or not is_next):
            return f._fail(error_of(EAGAIN))
        f._loop = self._loop = self._get_loop()
        f._patience_ms = timeout_ms
        waiting.append(f)
        self._bell._kept = self
        if not is_next:
            f._lose_patience()
        self._watch(f._loop)
        if is_tired:
            self._schedule(f._loop)
        return 0

    cdef int _forget(self, Future f) except -1:
        """Take a future out of its queue."""
        waiting = self._recv_futures
        if f._waits_for == TO_POLL:
            waiting = self._poll_futures
        elif not f._has_message():
            waiting = self._send_futures
        try:
            waiting.remove(f)
        except ValueError:
            pass
        self._keep()
        return 0

    cdef bint _has_waiting(self) except -1:
        return bool(self._recv_futures or self._send_futures or self._poll_futures)

    cdef int _keep(self) except -1:
        self._bell._kept = self if self._has_waiting() else None
        return 0

    # --- the loop ---

    def _watch(self, loop) -> None:
        """Have the loop call ``_ring`` when the descriptor is readable."""
        if self._bell._loop is not loop:
            self._bell._stop()
            self._bell._start(loop, get_option(self._live(), FD))

    def _unwatch(self) -> None:
        """Undo it."""
        self._bell._stop()

    cdef int _schedule(self, loop) except -1:
        if self._asked is not loop:
            loop.call_soon(self._turn)
            self._asked = loop
        return 0

    cdef int _ring(self) except -1:
        cdef int events
        cdef size_t size = sizeof(events)
        if self._has_waiting():
            self._was_idle = False
            return self._go_on()
        if self._was_idle:
            # Nobody waits, again: do not hear of it any more.
            self._unwatch()
            return 0
        self._was_idle = True
        # Makes the descriptor quiet; what is wrong with the socket, a call will find.
        fmq_getsockopt(self._handle, EVENTS, &events, &size)
        return 0

    def _turn(self) -> None:
        self._asked = None
        self._go_on()

    cdef int _go_on(self) except -1:
        """Do what can be done for those who wait, and does not take too long."""
        self._n_at_once = 0
        self._next_look = FIRST_LOOK
        self._until = 0
        if self._poll_futures:
            self._answer_polls()
        self._serve(self._recv_futures)
        self._serve(self._send_futures)
        return self._keep()

    cdef int _serve(self, waiting) except -1:
        """Do what can be done for those in a queue: for the first in any case."""
        cdef Future f
        cdef bint is_first = True
        while waiting:
            if self._is_tired() and not is_first:
                return self._schedule(self._loop)
            is_first = False
            f = waiting[0]
            if self._try_recv(f) if f._has_message() else self._try_send(f):
                waiting.popleft()
                f._end(FINISHED)
            elif f._is_under_way:
                return self._schedule(self._loop)
            elif f._patience_ms == 0:
                waiting.popleft()
                f._fail(error_of(EAGAIN))
            else:
                return f._lose_patience()
        return 0

    cdef int _answer_polls(self) except -1:
        cdef Future f
        try:
            events = self._events()
        except Exception as error:
            for f in list(self._poll_futures):
                self._poll_futures.remove(f)
                f._fail(error)
            return 0
        for f in list(self._poll_futures):
            if events & f._flags:
                self._poll_futures.remove(f)
                f._value = events & f._flags
                f._end(FINISHED)
        return 0
