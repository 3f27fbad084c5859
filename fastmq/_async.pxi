# SPDX-License-Identifier: Apache-2.0
# Sockets of event loops. A call that can be done at once is done at once; what has to
# wait is a future in a queue.


cdef enum:
    SERVER = 12
    DISH = 15
    PEER = 19


def _bodies_of(received):
    """Return the body of a frame, or those of a list of frames."""
    if isinstance(received, list):
        return [frame.bytes for frame in received]
    return received.bytes


cdef class AsyncSocket(ReturningSocket):
    """A socket whose calls that may wait return futures.

    What it has in common with the blocking one it has from the class that comes behind
    it in a subclass. One event loop at a time, in whose thread it is used.
    """

    # Its TYPE, once it is asked for.
    cdef int _type
    cdef bint _is_relaxed
    # The public class's: a blocking one that shares it.
    cdef public object _sync

    def __cinit__(self, *args, **kwargs):
        self._type = -1

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

    def recv_many(self, Py_ssize_t max_messages=1000, *, timeout=None):
        """Receive the messages that are there, each of one part.

        Args:
            max_messages: How many at most; 1 or more.
            timeout: Milliseconds to wait for the first; negative is for ever, None is
                what ``RCVTIMEO`` says.

        Returns:
            A ``Future`` of a list of bytes, as of a blocking socket.
        """
        return self._recv_batch(TO_RECV_MANY, max_messages, timeout, True)

    def recv_multipart_many(
        self, Py_ssize_t max_messages=1000, *, timeout=None, bint copy=True
    ):
        """Receive the messages that are there, each as the list of its parts.

        Args:
            max_messages: As for ``recv_many``.
            timeout: As for ``recv_many``.
            copy: As for ``recv``.

        Returns:
            A ``Future`` of a list of lists of parts.
        """
        return self._recv_batch(TO_RECV_PARTS_MANY, max_messages, timeout, copy)

    def __aiter__(self):
        """Iterate over messages, each as ``recv_multipart`` returns it."""
        return self

    def __anext__(self):
        return self._recv(TO_RECV_PARTS, 0, True, False)

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
            and PyBytes_GET_SIZE(data) < LENT and self._may_send_now()
            and fmq_send(
                self._live(), PyBytes_AS_STRING(data), <size_t>PyBytes_GET_SIZE(data),
                flags | FMQ_DONTWAIT | FMQ_TRY) == 0
        ):
            f._state = FINISHED
            return f
        try:
            if not isinstance(data, Frame):
                check_buffer(data)
        except Exception as error:
            f._fail(error)
            return f
        return self._send_parts(f, (data,), copy, track, routing_id, group)

    def send_multipart(
        self, msg_parts, int flags=0, bint copy=True, bint track=False, **kwargs
    ):
        """Send the parts of one message, all or none.

        Args:
            msg_parts: A list or tuple of what ``send`` takes.
            flags: As for ``send``.
            copy: As for ``send``.
            track: As for ``send``; the tracker is that of the last part.
            kwargs: As of a blocking socket.

        Returns:
            As ``send``.
        """
        if not isinstance(msg_parts, (list, tuple)):
            msg_parts = list(msg_parts[:])
        if not msg_parts:
            raise IndexError("a message has at least one part")
        return self._send_parts(
            self._new_future(TO_SEND, flags), msg_parts, copy, track,
            kwargs.get("routing_id"), kwargs.get("group"))

    def send_many(self, messages, *, timeout=None):
        """Send many messages of one part each, as if by ``send`` one after the other.

        Args:
            messages: An iterable of objects with the buffer protocol, which is read to
                its end now. Those that have to wait are not copied.
            timeout: Milliseconds that the call may take from where it has to wait for
                room; negative is for ever, None is what ``SNDTIMEO`` says.

        Returns:
            A ``Future`` of how many there were; ``n_sent`` of its exception, or of the
            future if it was cancelled, says how many went before, and ``unsent`` is a
            list of the others.
        """
        return self._send_batch(TO_SEND_MANY, all_of(messages), timeout)

    def send_multipart_many(self, messages, *, timeout=None):
        """Send many messages, as if by ``send_multipart`` one after the other.

        Args:
            messages: An iterable of lists or tuples of parts, as for ``send_many``.
            timeout: As for ``send_many``.

        Returns:
            As ``send_many``.
        """
        cdef list whole = []
        for parts in all_of(messages):
            # What is no list says so in its turn.
            whole.append(tuple(parts) if isinstance(parts, list) else parts)
        return self._send_batch(TO_SEND_PARTS_MANY, tuple(whole), timeout)

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
        waiting = [*self._recv_futures, *self._send_futures, *self._poll_futures]
        for queue in (self._recv_futures, self._send_futures, self._poll_futures):
            queue.clear()
        for f in waiting:
            f.cancel()
        super().close(linger)

    # --- at once, or later ---

    cdef bint _may_send_now(self) except -1:
        return not self._send_futures and not self._returned and not self._is_tired()

    cdef object _recv(self, int waits_for, int flags, bint copy, bint track):
        cdef Future f = self._new_future(waits_for, flags)
        f._copy = copy
        f._track = track
        if copy and (self._type < 0 or self._type >= SERVER) and self._is_signed():
            # Bodies when it is looked at: what is given back says whence it came.
            f._copy = False
            f._load = _bodies_of
        if flags & FMQ_DONTWAIT:
            self._cut_batch()
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

    cdef object _recv_batch(
        self, int waits_for, Py_ssize_t max_messages, timeout, bint copy
    ):
        cdef Future f = self._new_future(waits_for, 0)
        check_max(max_messages)
        f._max = max_messages
        f._copy = copy
        if not (self._recv_futures or self._is_tired()) and self._try_recv(f):
            f._end(FINISHED)
            return f
        if timeout is None:
            timeout = get_option(self._live(), RCVTIMEO)
        self._wait(f, self._recv_futures, timeout)
        return f

    cdef object _send_batch(self, int waits_for, tuple messages, timeout):
        cdef Future f = self._new_future(waits_for, 0)
        f._many = messages
        if not (self._send_futures or self._is_tired()) and self._try_send(f):
            f._end(FINISHED)
            return f
        if timeout is None:
            timeout = get_option(self._live(), SNDTIMEO)
        self._wait(f, self._send_futures, timeout)
        return f

    cdef object _send_parts(
        self, Future f, parts, bint copy, bint track, routing_id, group
    ):
        cdef Py_ssize_t i = 0
        try:
            f._out = _Outgoing(len(parts))
            for part in parts:
                f._value = self._add_part(f._out, i, part, copy, track)
                if fmq_msg_size(&f._out.parts[i]) >= LENT:
                    self._next_look = 0  # it may have been copied
                i += 1
            set_address(f._out.parts, routing_id, group)
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

    cdef bint _is_signed(self) except -1:
        """Whether messages say whence they come, or for which group they are."""
        return self._kind() in (SERVER, DISH, PEER)

    cdef int _kind(self) except -1:
        if self._type < 0:
            self._type = get_option(self._live(), TYPE)
        return self._type

    cdef bint _try_send(self, Future f) except -1:
        """Whether the message went, or can't."""
        cdef int err
        if f._sends_many():
            return self._try_send_many(f)
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

    cdef bint _try_send_many(self, Future f) except -1:
        """Whether all messages went, or one can't."""
        cdef tuple messages = f._many
        cdef object at_once = 0
        cdef sending call = sending(0, <PyObject *>at_once, 0, f._number)
        cdef Py_ssize_t end = <Py_ssize_t>f._number
        cdef Py_ssize_t n
        f._is_under_way = False
        self._is_late()
        try:
            call.s = self._live()
            if messages:
                self._check_turn()
            while end < len(messages):
                n = min(self._n_a_step, len(messages) - end)
                end += n
                self._send_taken(
                    &call, messages, end, f._waits_for == TO_SEND_PARTS_MANY)
                if end < len(messages) and self._is_late_after(n):
                    f._is_under_way = True
                    return False
        except Exception as error:
            if getattr(error, "errno", 0) == EAGAIN:
                return False
            f._error = error
            error.n_sent = call.n_sent
            error.unsent = list(messages[<Py_ssize_t>call.n_sent:])
            return True
        finally:
            f._number = call.n_sent
        f._many = None
        f._value = f._number
        return True
