# SPDX-License-Identifier: Apache-2.0

from cpython.bytes cimport PyBytes_CheckExact


cdef extern from *:
    """
    /* Cython makes an object with an empty dictionary. Without one Python knows that a
     * method is the class's, and it comes again when something is put into it. Python
     * 3.11 alone knows that better of one that is there. */
    #if PY_VERSION_HEX >> 16 == 0x030B
    #define drop_empty_dict(self)
    #else
    #define drop_empty_dict(self) \
        do { \
            if ((self)->__dict__ != NULL && PyDict_GET_SIZE((self)->__dict__) == 0) { \
                Py_CLEAR((self)->__dict__); \
            } \
        } while (0)
    #endif
    """
    void drop_empty_dict(Socket self) noexcept


cdef class Socket:
    """A socket of the core: the base of the public class.

    Args:
        context: The context it belongs to.
        socket_type: A member of ``SocketType``.
        shadow: The address (``underlying``) of a socket to share, instead of a new one.
        copy_threshold: The size in bytes from which ``copy=False`` lends; None is the
            package's ``COPY_THRESHOLD``.
    """

    cdef fmq_socket _handle
    cdef readonly int _owner_pid
    cdef readonly object context
    cdef public Py_ssize_t copy_threshold
    # What the next message may be like, by those that came.
    cdef outlook _expected
    # The public class's. In the dictionary of an object they would slow down every
    # call: methods are looked up there first.
    cdef public object type
    cdef public bint _shadow
    cdef public object _shadow_obj
    cdef public object _monitor_socket
    cdef dict __dict__
    cdef object __weakref__

    def __init__(
        self,
        context=None,
        int socket_type=-1,
        uintptr_t shadow=0,
        copy_threshold=None,
    ) -> None:
        drop_empty_dict(self)
        self._owner_pid = current_pid
        self.context = context
        self.copy_threshold = (
            default_threshold() if copy_threshold is None else copy_threshold)
        if shadow != 0:
            self._handle = shadow
            return
        if context is None:
            raise TypeError("context must be specified")
        if socket_type < 0:
            raise TypeError("socket_type must be specified")
        if (<Context?>context)._owner_pid != current_pid:
            fail_foreign(EFAULT, "context")
        check(fmq_socket_new((<Context>context)._handle, socket_type, &self._handle))

    @property
    def underlying(self) -> int:
        """The address that ``shadow`` takes; 0 when closed."""
        return self._handle

    @property
    def closed(self) -> bool:
        """Whether the socket is closed, by whatever object."""
        if self._handle == 0:
            return True
        # An inherited socket is the parent's affair.
        return self._owner_pid == current_pid and not fmq_socket_is_open(self._handle)

    def close(self, linger=None) -> None:
        """Close the socket; what was sent still leaves, as LINGER allows.

        Args:
            linger: Milliseconds that unsent messages have left; None keeps the option.
        """
        cdef fmq_socket handle = self._handle
        cdef int err
        if handle == 0 or self._owner_pid != current_pid:
            return
        if linger is not None and fmq_socket_is_open(handle):
            set_option(handle, LINGER, linger)
        self._handle = 0
        # A bound address is free on return: the I/O thread sees to it.
        with nogil:
            err = fmq_socket_close(handle)
        if err != 0 and err != FMQ_ENOTSOCK:
            fail(err)

    def set(self, int option, optval) -> None:
        """Set an option of the socket.

        Args:
            option: A member of ``SocketOption``.
            optval: Its value, an int or bytes.

        Raises:
            ZMQError: There is no such option, or no such value of it (EINVAL).
        """
        set_option(self._live(), option, optval)

    def get(self, int option):
        """Return an option of the socket, an int or bytes.

        Args:
            option: A member of ``SocketOption``.

        Raises:
            ZMQError: There is no such option, or it cannot be read (EINVAL).
        """
        return get_option(self._live(), option)

    def bind(self, addr) -> None:
        """Accept connections at an address.

        Args:
            addr: An address, such as "tcp://127.0.0.1:5555"; str or bytes.
        """
        cdef bytes name = endpoint(addr)
        cdef const char *text = name
        cdef fmq_socket handle = self._live()
        cdef int err
        while True:
            with nogil:
                err = fmq_bind(handle, text)
            if err == ENOENT or err == ENAMETOOLONG:
                ipc_limits(err, name)
            if not go_on(err):
                return

    def monitor(self, addr, int events=EVENT_ALL) -> None:
        """Have the events of the socket's connections sent as messages.

        They come from a PAIR that is bound to ``addr``, and are received by connecting
        another one. Up to 10,000 are kept for a receiver that comes later.

        Args:
            addr: An address, ``inproc://`` and a name; None ends it.
            events: The events to tell, of ``Event``.
        """
        cdef bytes name = b"" if addr is None else endpoint(addr)
        cdef const char *text = NULL
        cdef fmq_socket handle = self._live()
        cdef int err
        if addr is not None:
            text = name
        with nogil:
            err = fmq_monitor(handle, text, <uint64_t>events, 1, 0)
        if err != 0:
            fail(err)

    def connect(self, addr) -> None:
        """Connect to an address, now or as soon as somebody is there.

        Args:
            addr: An address, such as "tcp://127.0.0.1:5555"; str or bytes.
        """
        cdef bytes name = endpoint(addr)
        cdef const char *text = name
        cdef fmq_socket handle = self._live()
        cdef int err
        while True:
            with nogil:
                err = fmq_connect(handle, text)
            if not go_on(err):
                return

    def connect_peer(self, addr) -> int:
        """Connect a PEER, and return the ``routing_id`` to send to the other side by.

        Args:
            addr: As for ``connect``.

        Raises:
            ZMQError: The socket is no PEER (ENOTSUP), or has ``IMMEDIATE`` (EFAULT).
        """
        cdef bytes name = endpoint(addr)
        cdef const char *text = name
        cdef fmq_socket handle = self._live()
        cdef uint32_t routing_id = 0
        cdef int err
        while True:
            with nogil:
                err = fmq_connect_peer(handle, text, &routing_id)
            if not go_on(err):
                return routing_id

    def disconnect_peer(self, uint32_t routing_id) -> None:
        """End the connection of a SERVER or PEER to one of its peers.

        Args:
            routing_id: Of the peer, as its messages have it.

        Raises:
            ZMQError: Nobody has it (EHOSTUNREACH); the socket is of another type
                (ENOTSUP).
        """
        check(fmq_disconnect_peer(self._live(), routing_id))

    def join(self, group) -> None:
        """Have a DISH receive what is sent to a group.

        Args:
            group: Its name, of at most 255 bytes; str or bytes.

        Raises:
            ZMQError: It has joined it already (EINVAL); it is no DISH (ENOTSUP).
        """
        cdef bytes name = group_name(group)
        check(fmq_join(self._live(), name))

    def leave(self, group) -> None:
        """Undo ``join``.

        Args:
            group: Its name, as it was joined.

        Raises:
            ZMQError: It has not joined it (EINVAL); it is no DISH (ENOTSUP).
        """
        cdef bytes name = group_name(group)
        check(fmq_leave(self._live(), name))

    def unbind(self, addr) -> None:
        """Undo a bind.

        Args:
            addr: The address as LAST_ENDPOINT gave it; str or bytes.
        """
        cdef bytes name = endpoint(addr)
        cdef const char *text = name
        cdef fmq_socket handle = self._live()
        cdef int err
        while True:
            with nogil:
                err = fmq_unbind(handle, text)
            if not go_on(err):
                return

    def disconnect(self, addr) -> None:
        """Undo a connect.

        Args:
            addr: The address that was given to ``connect``; str or bytes.
        """
        cdef bytes name = endpoint(addr)
        cdef const char *text = name
        cdef fmq_socket handle = self._live()
        cdef int err
        while True:
            with nogil:
                err = fmq_disconnect(handle, text)
            if not go_on(err):
                return

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
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

        With ``copy`` true the buffer is the caller's again on return. With
        ``copy=False`` a body of ``copy_threshold`` bytes (65536) or more is lent: it
        stays exported, so its owner cannot resize it, until the core has let go: it
        has been written, or was received within the process, or dropped.

        Args:
            data: Any object with the buffer protocol, or a ``Frame``.
            flags: ``SNDMORE`` if another part of the same message follows;
                ``DONTWAIT`` to raise instead of waiting for room.
            copy: Whether the body is copied before the call returns.
            track: Return a tracker that tells when the core has let go of ``data``.
            routing_id: Which peer a SERVER or PEER sends to: the ``routing_id`` of a
                frame that came from it.
            group: Which group a RADIO sends to; str or bytes.

        Raises:
            Again: There was no room within ``SNDTIMEO`` (milliseconds).
            ContextTerminated: The context was terminated meanwhile.
            ZMQError: Nobody has this ``routing_id`` (EHOSTUNREACH); a type whose
                messages have one part was given ``SNDMORE`` (EINVAL).
        """
        if PyBytes_CheckExact(data) and copy and routing_id is None and group is None:
            send_bytes(self._live(), data, flags)
            return None
        return self._send(data, flags, copy, track, routing_id, group)

    cdef object _send(
        self, data, int flags, bint copy, bint track, routing_id, group
    ):
        """Send what the short way is not for."""
        cdef Py_buffer view
        if routing_id is not None or group is not None:
            return self._send_addressed(data, flags, copy, track, routing_id, group)
        if isinstance(data, Frame):
            return self._send_frame(data, flags, track)
        if not copy:
            return self._send_shared(data, flags, track)
        get_buffer(data, &view)
        try:
            send_copy(self._live(), view.buf, <size_t>view.len, flags)
        finally:
            PyBuffer_Release(&view)
        return None

    cdef object _send_addressed(
        self, data, int flags, bint copy, bint track, routing_id, group
    ):
        cdef _Outgoing out = _Outgoing(1)
        if not isinstance(data, Frame):
            check_buffer(data)
        result = self._add_part(out, 0, data, copy, track)
        set_address(out.parts, routing_id, group)
        send_parts(self._live(), out.parts, 1, flags)
        return result

    cdef object _send_frame(self, Frame frame, int flags, bint track):
        cdef fmq_msg m
        if track and frame.tracker is None:
            raise ValueError("Not a tracked message")
        fmq_msg_init(&m)
        check(fmq_msg_copy(&m, &frame._msg))
        try:
            send_parts(self._live(), &m, 1, flags)
        finally:
            fmq_msg_close(&m)
        return frame.tracker

    cdef object _send_shared(self, data, int flags, bint track):
        cdef fmq_msg m
        cdef Py_buffer view
        cdef bint is_small
        tracker = event = None
        get_buffer(data, &view)
        try:
            is_small = view.len < self.copy_threshold
            if is_small:
                send_copy(self._live(), view.buf, <size_t>view.len, flags)
        finally:
            PyBuffer_Release(&view)
        if is_small:
            return finished_tracker
        if track:
            tracker, event = new_tracker()
        lend(&m, data, event)
        try:
            send_parts(self._live(), &m, 1, flags)
        finally:
            fmq_msg_close(&m)
        return tracker

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
    def recv(self, int flags=0, bint copy=True, bint track=False):
        """Receive one message part.

        Args:
            flags: ``DONTWAIT`` to raise instead of waiting for a message.
            copy: Return bytes if true, else a ``Frame`` that shows the core's memory.
            track: Give the frame a tracker, which is done.

        Raises:
            Again: There was no message within ``RCVTIMEO`` (milliseconds).
            ContextTerminated: The context was terminated meanwhile.
        """
        if copy:
            return recv_bytes(self._live(), flags, &self._expected)
        return recv_frame(self._live(), flags, track)

    def recv_into(self, buffer, /, *, Py_ssize_t nbytes=0, int flags=0) -> int:
        """Receive one message part into a buffer and return how long the part was.

        What does not fit is lost. The body is copied once, out of the core's memory;
        ``recv(copy=False)`` shows that instead.

        Args:
            buffer: A writable, contiguous object with the buffer protocol.
            nbytes: Use only so many bytes of it; 0 is all.
            flags: ``DONTWAIT`` to raise instead of waiting for a message.
        """
        cdef Py_buffer view
        PyObject_GetBuffer(buffer, &view, PyBUF_CONTIG)
        try:
            if nbytes < 0 or nbytes > view.len:
                raise ValueError(f"nbytes={nbytes}: the buffer has {view.len} bytes")
            return recv_to(
                self._live(), view.buf, <size_t>(nbytes or view.len), flags)
        finally:
            PyBuffer_Release(&view)

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
    def send_multipart(
        self, msg_parts, int flags=0, bint copy=True, bint track=False, **kwargs
    ):
        """Send the parts of one message, all or none.

        Args:
            msg_parts: A list or tuple of what ``send`` takes.
            flags: As for ``send``.
            copy: As for ``send``.
            track: As for ``send``; the tracker is that of the last part.
            kwargs: ``routing_id`` and ``group`` are as for ``send``; others have no
                effect.
        """
        cdef _Outgoing out
        cdef Py_ssize_t n
        cdef Py_ssize_t i = 0
        cdef int err = NOT_SHORT
        if not isinstance(msg_parts, (list, tuple)):
            # Whatever else can be sliced and counted.
            msg_parts = list(msg_parts[:])
        n = len(msg_parts)
        if n == 0:
            raise IndexError("a message has at least one part")
        if copy and not kwargs:
            err = try_short(self._live(), msg_parts, flags)
            if err == 0:
                return None
        out = _Outgoing(n)
        result = None
        for part in msg_parts:
            result = self._add_part(out, i, part, copy, track)
            i += 1
        if i != n:
            raise RuntimeError("the list of parts changed while it was read")
        if kwargs:
            set_address(out.parts, kwargs.get("routing_id"), kwargs.get("group"))
        if err == NOT_SHORT:
            send_parts(self._live(), out.parts, out.n, flags)
        else:
            send_rest(self._live(), out.parts, out.n, flags, err)
        return result

    cdef object _add_part(
        self, _Outgoing out, Py_ssize_t i, part, bint copy, bint track
    ):
        """Add a part to the message and return what its send returns."""
        cdef Py_buffer view
        cdef fmq_msg *m = &out.parts[i]
        if i >= out.room:
            # Other threads, and what a buffer has run, may append to it meanwhile.
            raise RuntimeError("the list of parts changed while it was read")
        if PyBytes_CheckExact(part) and copy:
            lend_bytes(m, part)
            out.n += 1
            return None
        if isinstance(part, Frame):
            if track and (<Frame>part).tracker is None:
                raise ValueError("Not a tracked message")
            check(fmq_msg_copy(m, &(<Frame>part)._msg))
            out.n += 1
            return (<Frame>part).tracker
        try:
            if isinstance(part, str):
                raise TypeError
            PyObject_GetBuffer(part, &view, PyBUF_ANY_CONTIGUOUS)
        except TypeError:
            shown = repr(part)
            if len(shown) > 32:
                shown = f"{shown[:29]}..."
            raise TypeError(
                f"Frame {i} ({shown}) does not support the buffer interface."
            ) from None
        try:
            if copy or view.len < self.copy_threshold:
                copy_in(m, view.buf, <size_t>view.len)
                out.n += 1
                return None if copy else finished_tracker
        finally:
            PyBuffer_Release(&view)
        tracker = event = None
        if track:
            tracker, event = new_tracker()
        lend(m, part, event)
        out.n += 1
        return tracker

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
    def recv_multipart(self, int flags=0, bint copy=True, bint track=False) -> list:
        """Receive the parts of one message.

        Args:
            flags: ``DONTWAIT`` to raise instead of waiting for a message.
            copy: Return bytes if true, else frames.
            track: Give the frames trackers, which are done.
        """
        return recv_parts(self._live(), flags, copy, track, &self._expected)

    def send_many(self, messages, *, timeout=None) -> int:
        """Send many messages of one part each, as if by ``send`` one after the other.

        Args:
            messages: Objects with the buffer protocol. What has a length, as a list, is
                read before the first is sent; another iterable, 128 at a time.
            timeout: Milliseconds that the call may take from where it has to wait for
                room; negative is for ever, None is what ``SNDTIMEO`` says.

        Returns:
            How many there were.

        Raises:
            Again: There was no room in time; its ``n_sent`` says how many went before,
                and ``unsent`` is a list of the others that were read, as those of every
                other exception do.
        """
        return self._send_all(messages, timeout, False)

    def recv_many(self, Py_ssize_t max_messages=1000, *, timeout=None) -> list:
        """Receive the messages that are there, each of one part, as bytes.

        Waits for the first one only. A part of a longer message counts as a message, as
        it does for ``recv``. What goes wrong behind the first is raised by the next
        call.

        Args:
            max_messages: How many at most; 1 or more.
            timeout: Milliseconds to wait for the first; negative is for ever, None is
                what ``RCVTIMEO`` says.

        Raises:
            Again: There was none in time.
        """
        cdef fmq_socket s = self._live()
        cdef list found = []
        cdef int err
        check_max(max_messages)
        while len(found) < max_messages:
            err = recv_batch(
                s, found, None, <size_t>(max_messages - len(found)), not found, timeout)
            if err != 0:
                if not found:
                    fail(err)
                break
        return found

    def send_multipart_many(self, messages, *, timeout=None) -> int:
        """Send many messages, as if by ``send_multipart`` one after the other.

        Args:
            messages: Lists or tuples of parts; read as by ``send_many``, and each of
                them when its turn has come.
            timeout: As for ``send_many``.

        Returns:
            How many there were.

        Raises:
            Again: As for ``send_many``.
        """
        return self._send_all(messages, timeout, True)

    def recv_multipart_many(
        self, Py_ssize_t max_messages=1000, *, timeout=None, bint copy=True
    ) -> list:
        """Receive the messages that are there, each as the list of its parts.

        Waits for the first one only. What goes wrong behind it is raised by the next
        call.

        Args:
            max_messages: How many at most; 1 or more.
            timeout: As for ``recv_many``.
            copy: Parts are bytes if true, else frames.

        Raises:
            Again: There was none in time.
        """
        cdef fmq_socket s = self._live()
        cdef list found
        check_max(max_messages)
        found = [recv_parts(s, 0, copy, False, &self._expected, timeout)]
        while len(found) < max_messages:
            parts = parts_now(s, copy, False, &self._expected, False)
            if parts is None:
                break
            found.append(parts)
        return found

    cdef Py_ssize_t _send_all(self, messages, timeout, bint is_whole) except -1:
        """Send many messages; what is raised tells which went, and which did not."""
        cdef sending call = sending(self._live(), <PyObject *>timeout, 0, 0)
        cdef size_t n_before = 0
        cdef tuple taken = ()
        cdef list broken = []
        try:
            if not is_whole and PyList_CheckExact(messages):
                send_at_once(&call, messages)
                if <Py_ssize_t>call.n_sent == len(<list>messages):
                    return <Py_ssize_t>call.n_sent
            if isinstance(messages, (list, tuple)) or hasattr(messages, "__len__"):
                taken = tuple(messages)
                self._send_taken(&call, taken, len(taken), is_whole)
                return <Py_ssize_t>call.n_sent
            source = iter(messages)
            while True:
                n_before += call.n_sent
                call.n_sent = 0
                taken = ()
                taken = next_of(source, broken)
                if broken:
                    self._send_before(&call, taken, is_whole, broken[0])
                    raise broken[0]
                self._send_taken(&call, taken, len(taken), is_whole)
                if len(taken) < AT_ONCE:
                    return <Py_ssize_t>(n_before + call.n_sent)
        except BaseException as error:
            error.n_sent = n_before + call.n_sent
            error.unsent = list(taken[<Py_ssize_t>call.n_sent:])
            raise

    cdef int _send_taken(
        self, sending *call, tuple messages, Py_ssize_t end, bint is_whole
    ) except -1:
        """Send those of the messages, up to ``end``, that did not go yet."""
        cdef Py_ssize_t i
        cdef _Outgoing out
        if not is_whole:
            return send_run(call, messages, end)
        for i in range(<Py_ssize_t>call.n_sent, end):
            if try_short(call.s, messages[i], 0) == 0:
                call.n_sent += 1
                continue
            out = self._outgoing(messages[i])
            send_within(call, out.parts, out.n)
        return 0

    cdef int _send_before(
        self, sending *call, tuple messages, bint is_whole, error
    ) except -1:
        """Send what an iterator gave before it raised: that is what to tell of."""
        if not isinstance(error, Exception):
            return 0  # who wants to stop the program does not want to wait
        try:
            self._send_taken(call, messages, len(messages), is_whole)
        except Exception:
            pass  # n_sent says how many went
        return 0

    cdef _Outgoing _outgoing(self, parts):
        """Return a message of send_multipart_many."""
        cdef Py_ssize_t i = 0
        cdef _Outgoing out
        if not isinstance(parts, (list, tuple)):
            raise TypeError(f"expected a list of parts, got: {parts!r:.80}")
        out = _Outgoing(len(parts))
        for part in parts:
            self._add_part(out, i, part, True, False)
            i += 1
        if out.n == 0:
            raise IndexError("a message has at least one part")
        return out

    cdef inline fmq_socket _live(self) except? 0:
        """Return the handle; raise if it was inherited by a fork."""
        if self._owner_pid != current_pid:
            fail_foreign(FMQ_ENOTSOCK, "socket")
        return self._handle

    def __reduce__(self):
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")
