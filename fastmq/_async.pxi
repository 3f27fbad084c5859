# SPDX-License-Identifier: Apache-2.0
# Sockets of event loops. A call that can be done at once is done at once; what has to
# wait is a future in a queue, which the loop goes on with when FD is readable.

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
            (<AsyncSocket>socket)._ring()

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


cdef class AsyncSocket(Socket):
    """A socket whose calls that may wait return futures.

    What it has in common with the blocking one it has from the class that comes behind
    it in a subclass. One event loop at a time, in whose thread it is used.
    """

    # Who waits, in the order of the calls.
    cdef readonly object _recv_futures
    cdef readonly object _send_futures
    cdef readonly object _poll_futures
    # Messages that cancelled calls have given back, part by part in the order of their
    # numbers: (number, body, whether more parts follow).
    cdef list _returned
    cdef uint64_t _n_received
    cdef int _type
    cdef int _more
    cdef int _n_at_once
    cdef bint _is_scheduled
    cdef bint _is_told
    cdef bint _is_relaxed
    cdef readonly _Bell _bell

    def __cinit__(self, *args, **kwargs):
        self._recv_futures = deque()
        self._send_futures = deque()
        self._poll_futures = []
        self._returned = []
        self._type = -1
        self._more = -1
        self._bell = _Bell(self)

    def __dealloc__(self):
        if self._bell is not None:
            self._bell._stop()

    # --- what is called ---

    def recv(self, int flags=0, bint copy=True, bint track=False):
        """Receive one message part.

        Args:
            flags: ``DONTWAIT`` for a future that has ended in any case.
            copy: Bytes if true, else a ``Frame`` that shows the core's memory.
            track: Give the frame a tracker, which is done.

        Returns:
            A ``Future`` of the part. It fails with ``Again`` after ``RCVTIMEO``.
        """
        return self._recv(TO_RECV, flags, copy, track)

    def recv_multipart(self, int flags=0, bint copy=True, bint track=False):
        """Receive the parts of one message.

        Args:
            flags: As for ``recv``.
            copy: As for ``recv``.
            track: As for ``recv``.

        Returns:
            A ``Future`` of the list of parts. It fails with ``Again`` after
            ``RCVTIMEO``.
        """
        return self._recv(TO_RECV_PARTS, flags, copy, track)

    def recv_into(self, buffer, /, *, Py_ssize_t nbytes=0, int flags=0):
        """Receive one message part into a buffer, when the result is looked at.

        Args:
            buffer: A writable, contiguous object with the buffer protocol.
            nbytes: Use only so many bytes of it; 0 is all.
            flags: As for ``recv``.

        Returns:
            A ``Future`` of the length of the part; what does not fit is lost.
        """
        view = memoryview(buffer).cast("B")
        if nbytes < 0 or nbytes > view.nbytes:
            raise ValueError(f"nbytes={nbytes}: the buffer has {view.nbytes} bytes")
        if view.readonly:
            raise BufferError("the buffer is not writable")
        cdef Py_ssize_t room = nbytes or view.nbytes

        def fill(body):
            n = min(len(body), room)
            view[:n] = body[:n]
            return len(body)

        return self._recv(TO_RECV, flags, True, False)._then(fill)

    def send(
        self,
        data,
        int flags=0,
        bint copy=True,
        bint track=False,
        routing_id=None,
        group=None,
    ):
        """Send one message part.

        Args:
            data: As for a blocking socket, ``copy``, ``track``, ``routing_id`` and
                ``group``, too.
            flags: ``SNDMORE`` if another part of the same message follows;
                ``DONTWAIT`` for a future that has ended in any case.

        Returns:
            A ``Future`` of None, or of a tracker. It fails with ``Again`` after
            ``SNDTIMEO``, and with what else a blocking socket raises.
        """
        cdef Future f = self._new_future(TO_SEND, flags)
        if (
            PyBytes_CheckExact(data) and copy and routing_id is None and group is None
            and self._may_send_now()
            and fmq_send(
                self._live(), PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data),
                flags | FMQ_DONTWAIT | FMQ_TRY) == 0
        ):
            f._state = FINISHED
            return f
        try:
            if routing_id is not None or group is not None:
                Socket._send(self, data, flags, copy, track, routing_id, group)
            if not isinstance(data, Frame):
                check_buffer(data)
        except Exception as error:
            f._fail(error)
            return f
        return self._send_parts(f, (data,), copy, track)

    def send_multipart(
        self, msg_parts, int flags=0, bint copy=True, bint track=False, **kwargs
    ):
        """Send the parts of one message, all or none.

        Args:
            msg_parts: A list or tuple of what ``send`` takes.
            flags: As for ``send``.
            copy: As for ``send``.
            track: As for ``send``; the tracker is that of the last part.
            kwargs: Other keywords have no effect.

        Returns:
            As ``send``.
        """
        if not isinstance(msg_parts, (list, tuple)):
            msg_parts = list(msg_parts[:])
        if not msg_parts:
            raise IndexError("a message has at least one part")
        return self._send_parts(
            self._new_future(TO_SEND, flags), msg_parts, copy, track)

    def poll(self, timeout=None, int flags=POLLIN):
        """Wait until the socket is ready.

        Args:
            timeout: In milliseconds; None or negative waits for ever.
            flags: ``POLLIN`` to receive, ``POLLOUT`` to send, or both.

        Returns:
            A ``Future`` of what it is ready for, 0 if it is not; cancelled if the
            socket is closed meanwhile.
        """
        cdef Future f = self._new_future(TO_POLL, flags)
        if self.closed:
            fail(ENOTSUP)
        f._value = self._events() & flags
        if f._value or timeout == 0:
            f._end(FINISHED)
        else:
            self._wait(
                f, self._poll_futures,
                -1 if timeout is None or timeout < 0 else timeout)
        return f

    def get(self, int option):
        """Return an option of the socket, an int or bytes.

        Args:
            option: A member of ``SocketOption``.
        """
        if option == EVENTS:
            if self._has_waiting():
                # FD will not tell again of what this has seen.
                self._schedule(get_event_loop())
            return self._events()
        if option == RCVMORE and self._more >= 0:
            return self._more
        return get_option(self._live(), option)

    def set(self, int option, optval) -> None:
        """Set an option of the socket.

        Args:
            option: A member of ``SocketOption``.
            optval: Its value, an int or bytes.
        """
        set_option(self._live(), option, optval)
        if option == REQ_RELAXED:
            self._is_relaxed = bool(optval)

    def close(self, linger=None) -> None:
        """Close the socket, and cancel what waits in it.

        Args:
            linger: Milliseconds that unsent messages have left; None keeps the option.
        """
        self._unwatch()
        for waiting in (self._recv_futures, self._send_futures, self._poll_futures):
            for f in list(waiting):
                f.cancel()
        super().close(linger)

    def _get_loop(self):
        """Return the event loop to wait in."""
        return get_event_loop()

    # --- at once, or later ---

    cdef Future _new_future(self, int waits_for, int flags):
        cdef Future f = Future.__new__(Future)
        f._socket = self
        f._waits_for = waits_for
        f._flags = flags
        return f

    cdef bint _is_tired(self) noexcept:
        """Whether others shall have a turn first."""
        self._n_at_once += 1
        return self._n_at_once > MAX_AT_ONCE

    cdef bint _may_send_now(self) except -1:
        return not self._send_futures and not self._returned and not self._is_tired()

    cdef object _recv(self, int waits_for, int flags, bint copy, bint track):
        cdef Future f = self._new_future(waits_for, flags)
        f._copy = copy
        f._track = track
        if flags & FMQ_DONTWAIT or not (self._recv_futures or self._is_tired()):
            if self._try_recv(f):
                if f._error is not None and not fmq_socket_is_open(self._handle):
                    f._is_seen = True
                    raise f._error
                f._end(FINISHED)
                return f
        if flags & FMQ_DONTWAIT:
            self._wait(f, self._recv_futures, 0)
        else:
            self._wait(f, self._recv_futures, get_option(self._live(), RCVTIMEO))
        return f

    cdef object _send_parts(self, Future f, parts, bint copy, bint track):
        cdef Py_ssize_t i = 0
        try:
            f._out = _Outgoing(len(parts))
            for part in parts:
                f._value = self._add_part(f._out, i, part, copy, track)
                i += 1
            self._check_turn()
        except Exception as error:
            f._fail(error)
            return f
        if not self._send_futures and (f._flags & FMQ_DONTWAIT or not self._is_tired()):
            if self._try_send(f):
                f._end(FINISHED)
                return f
        if f._flags & FMQ_DONTWAIT:
            self._wait(f, self._send_futures, 0)
        else:
            self._wait(f, self._send_futures, get_option(self._live(), SNDTIMEO))
        return f

    cdef int _check_turn(self) except -1:
        """See that what was given back is received before it is answered."""
        if not self._returned:
            return 0
        if self._kind() == REP or (self._type == REQ and not self._is_relaxed):
            fail(FMQ_EFSM)
        if self._type == REQ:
            self._returned.clear()
        return 0

    cdef int _kind(self) except -1:
        if self._type < 0:
            self._type = get_option(self._live(), TYPE)
        return self._type

    cdef int _wait(self, Future f, waiting, timeout_ms) except -1:
        """Put a future into its queue, for so many milliseconds at most."""
        if timeout_ms == 0 and not (waiting is self._poll_futures or waiting):
            # It may be that only its turn was not come.
            if self._try_recv(f) if f._waits_for != TO_SEND else self._try_send(f):
                return f._end(FINISHED)
        if timeout_ms == 0:
            return f._fail(error_of(EAGAIN))
        f._loop = self._get_loop()
        waiting.append(f)
        self._bell._kept = self
        if timeout_ms > 0:
            f._timer = f._loop.call_later(timeout_ms / 1000, f._expire)
        self._watch(f._loop)
        if not self._is_told:
            # What came before FD was asked for it does not tell of.
            self._is_told = True
            get_option(self._live(), FD)
            self._schedule(f._loop)
        if self._n_at_once > MAX_AT_ONCE:
            self._schedule(f._loop)
        return 0

    cdef int _forget(self, Future f) except -1:
        """Take a future out of its queue."""
        waiting = self._recv_futures
        if f._waits_for == TO_SEND:
            waiting = self._send_futures
        elif f._waits_for == TO_POLL:
            waiting = self._poll_futures
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
        if not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._turn)
        return 0

    cdef int _ring(self) except -1:
        cdef int events
        cdef size_t size = sizeof(events)
        if self._has_waiting():
            # Makes the descriptor quiet; what is wrong with the socket, the calls find.
            fmq_getsockopt(self._handle, EVENTS, &events, &size)
            self._go_on()
        else:
            # Something that nobody waits for: do not hear of it again and again.
            self._unwatch()
        return 0

    def _turn(self) -> None:
        self._is_scheduled = False
        self._go_on()

    cdef int _go_on(self) except -1:
        """Do what can be done for those who wait."""
        cdef Future f
        self._n_at_once = 0
        if self._poll_futures:
            self._answer_polls()
        while self._recv_futures:
            f = self._recv_futures[0]
            if not self._try_recv(f):
                break
            self._recv_futures.popleft()
            f._end(FINISHED)
        while self._send_futures:
            f = self._send_futures[0]
            if not self._try_send(f):
                break
            self._send_futures.popleft()
            f._end(FINISHED)
        return self._keep()

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

    cdef object _events(self):
        events = get_option(self._live(), EVENTS)
        return events | POLLIN if self._returned else events

    cdef bint _try_send(self, Future f) except -1:
        """Whether the message went, or can't."""
        cdef int err
        try:
            err = fmq_sendv(
                self._live(), f._out.parts, f._out.n, f._flags | FMQ_DONTWAIT | FMQ_TRY)
            while err == FMQ_EBUSY_TRY or err == EINTR:
                with nogil:
                    err = fmq_send_until(
                        self._handle, f._out.parts, f._out.n, f._flags, 0)
            if err == EAGAIN:
                return False
            check(err)
        except Exception as error:
            f._error = error
        f._out = None
        return True

    # --- receiving ---

    cdef bint _try_recv(self, Future f) except -1:
        """Whether a message came, or can't."""
        try:
            if self._returned:
                self._take_returned(f)
                return True
            if f._waits_for == TO_RECV_PARTS:
                f._value = parts_now(self._live(), f)
            elif f._copy:
                f._value = bytes_now(self._live(), f)
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

    cdef int _take_returned(self, Future f) except -1:
        number, body, more = self._returned.pop(0)
        f._number = number
        f._more = more
        self._more = more
        if f._waits_for == TO_RECV:
            f._value = as_wanted(body, more, f)
            return 0
        parts = [as_wanted(body, more, f)]
        while more and self._returned:
            number, body, more = self._returned.pop(0)
            parts.append(as_wanted(body, more, f))
        if more:
            # Whoever gave back a part had only taken that; the others are there.
            parts += recv_parts(self._live(), FMQ_DONTWAIT, f._copy, f._track)
        self._more = 0
        f._value = parts
        return 0

    cdef int _give_back(self, Future f) except -1:
        """Take a message that nobody has seen to the head of the queue."""
        if self.closed:
            return 0
        if f._waits_for == TO_RECV:
            parts = [f._value]
        else:
            parts = f._value
        last = len(parts) - 1
        given = [
            (f._number, part, i < last or (f._waits_for == TO_RECV and f._more))
            for i, part in enumerate(parts)]
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


cdef object bytes_now(fmq_socket s, Future f):
    """Return a part, or None if there is none."""
    cdef char buf[SMALL]
    cdef fmq_msg m
    cdef fmq_part part
    memset(&m, 0, sizeof(m))
    cdef int err = fmq_recv(s, buf, SMALL, &m, &part, FMQ_DONTWAIT | FMQ_TRY)
    while err == FMQ_EBUSY_TRY or err == EINTR:
        with nogil:
            err = fmq_recv_until(s, buf, SMALL, &m, &part, 0)
    if err == EAGAIN:
        return None
    check(err)
    f._more = part.more
    if part.is_in_buf:
        return PyBytes_FromStringAndSize(buf, <Py_ssize_t>part.len)
    try:
        return copied(fmq_msg_data(&m), part.len)
    finally:
        fmq_msg_close(&m)


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


cdef object parts_now(fmq_socket s, Future f):
    """Return the parts of a message, or None if there is none."""
    cdef fmq_msg *parts = NULL
    cdef size_t n = 0
    cdef int err = fmq_recvv(s, &parts, &n, FMQ_DONTWAIT | FMQ_TRY)
    while err == FMQ_EBUSY_TRY or err == EINTR:
        with nogil:
            err = fmq_recvv_until(s, &parts, &n, 0)
    if err == EAGAIN:
        return None
    check(err)
    return parts_of(parts, n, f._copy, f._track)
