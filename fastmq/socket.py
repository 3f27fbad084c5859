# SPDX-License-Identifier: Apache-2.0
"""Sockets: where messages are sent and received."""

from __future__ import annotations

import errno
import os
import pickle
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from warnings import warn

from . import _core
from ._alias import public_name
from .constants import Errno, Event, PollEvent, SocketOption, SocketType, _OptType
from .error import ZMQBindError, ZMQError
from .options import SocketOptions
from .utils import jsonapi
from .utils._array import dump_array, load_array
from .utils.interop import cast_int_addr

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._typing import Buffer
    from .context import Context
    from .frame import Frame
    from .tracker import MessageTracker

__all__ = ["Socket"]

T = TypeVar("T")
ReceivedT = TypeVar("ReceivedT")
SocketT = TypeVar("SocketT", bound="Socket[Any]")


class _SocketContext(Generic[SocketT]):
    """What ``bind`` and ``connect`` return: undoes them at the end of a ``with``."""

    socket: SocketT
    kind: str
    addr: str

    def __init__(self, socket: SocketT, kind: str, addr: str) -> None:
        self.socket = socket
        self.kind = kind
        self.addr = addr

    def __repr__(self) -> str:
        return f"<SocketContext({self.kind}={self.addr!r})>"

    def __enter__(self) -> SocketT:
        return self.socket

    def __exit__(self, *args: object) -> None:
        if self.socket.closed:
            return
        if self.kind == "bind":
            self.socket.unbind(self.addr)
        else:
            self.socket.disconnect(self.addr)


def _entries(given: Iterable[str | bytes] | str | bytes | None) -> list[bytes] | None:
    """Return the values of an option that is set once for each."""
    if given is None:
        return None
    several = [given] if isinstance(given, (str, bytes)) else given
    entries = [e.encode() if isinstance(e, str) else e for e in several]
    if b"" in entries:
        raise ValueError("an entry is empty")
    return entries


def _logins(passwords: Mapping[str, str] | None) -> list[bytes] | None:
    if passwords is None:
        return None
    if any("\0" in user for user in passwords):
        raise ValueError("there is a NUL in a user name")
    return [f"{user}\0{word}".encode() for user, word in passwords.items()]


class Socket(_core.Socket, SocketOptions, Generic[ReceivedT]):
    """A socket of ZeroMQ.

    Args:
        ctx_or_socket: The context it belongs to; or a socket to share.
        socket_type: A member of ``SocketType``.
        shadow: A socket, or the address (``underlying``) of one, to share.
        copy_threshold: The size in bytes from which ``copy=False`` lends; None is the
            package's ``COPY_THRESHOLD``.

    >>> import fastmq
    >>> ctx = fastmq.Context.instance()
    >>> with ctx.socket(fastmq.PUSH) as push, ctx.socket(fastmq.PULL) as pull:
    ...     port = pull.bind_to_random_port("tcp://127.0.0.1")
    ...     connected = push.connect(f"tcp://127.0.0.1:{port}")
    ...     push.send(b"hello")
    ...     pull.recv()
    b'hello'
    """

    context: Context[Any]
    type: SocketType
    _repr_cls = "fastmq.Socket"
    _shadow_obj: Any
    _monitor_socket: Any

    def __init__(
        self,
        ctx_or_socket: Context[Any] | Socket[Any] | None = None,
        socket_type: int = 0,
        *,
        shadow: Socket[Any] | int = 0,
        copy_threshold: int | None = None,
    ) -> None:
        context: Any = ctx_or_socket
        if isinstance(ctx_or_socket, Socket):
            context, shadow = None, ctx_or_socket
        address = 0
        if isinstance(shadow, Socket):
            self._shadow_obj = shadow
            address = shadow.underlying
            # What is closed cannot be shared; without a context it is an error.
            context = shadow.context if address else None
        elif shadow:
            address = cast_int_addr(shadow)
        self._shadow = address != 0
        super().__init__(context, socket_type, address, copy_threshold)
        handles = getattr(context, "_handles", None)
        if handles is not None:
            handles.add(self.underlying)
        try:
            kind = SocketType(_core.Socket.get(self, SocketOption.TYPE))
        except ZMQError:
            kind = SocketType(socket_type)
        # Remembered, so that a closed socket still says what it was.
        self.type = kind

    def __del__(self) -> None:
        if self._shadow or self.closed or self._owner_pid != os.getpid():
            return
        warn(f"Unclosed socket {self}", ResourceWarning, stacklevel=2, source=self)
        self.close()

    def __repr__(self) -> str:
        cls = self.__class__
        name = cls.__dict__.get("_repr_cls", f"{cls.__module__}.{cls.__name__}")
        kind = "fastmq." + getattr(getattr(self, "type", None), "name", "?")
        closed = " closed" if self.closed else ""
        shown = f"{public_name(name)}({public_name(kind)})"
        return f"<{shown} at {id(self):#x}{closed}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def __copy__(self, memo: Any = None) -> Self:
        return self.__class__.shadow(self.underlying)

    __deepcopy__ = __copy__

    @classmethod
    def shadow(cls, address: int | Socket[Any]) -> Self:
        """Return a socket object for a socket that there is already.

        Args:
            address: The socket, or its address (``underlying``).
        """
        return cls(shadow=address)

    def close(self, linger: int | None = None) -> None:
        """Close the socket; what was sent still leaves, as LINGER allows.

        Args:
            linger: Milliseconds that unsent messages have left; None keeps the option.
        """
        handle = self.underlying
        context = self.context
        super().close(linger)
        if isinstance(context, _core.Context):
            context._rm_socket(self, handle)

    # Addresses

    def bind(self, addr: str | bytes) -> _SocketContext[Self]:  # type: ignore[override]
        """Accept connections at an address.

        Args:
            addr: An address, such as "tcp://127.0.0.1:5555".

        Returns:
            An object that unbinds at the end of a ``with``.
        """
        try:
            super().bind(addr)
        except ZMQError as error:
            error.strerror += f" (addr={addr!r})"
            raise
        bound = _core.Socket.get(self, SocketOption.LAST_ENDPOINT)
        return _SocketContext(self, "bind", bound.decode("utf-8", "surrogateescape"))

    def connect(self, addr: str | bytes) -> _SocketContext[Self]:  # type: ignore[override]
        """Connect to an address, now or as soon as somebody is there.

        Args:
            addr: An address, such as "tcp://127.0.0.1:5555".

        Returns:
            An object that disconnects at the end of a ``with``.
        """
        try:
            super().connect(addr)
        except ZMQError as error:
            error.strerror += f" (addr={addr!r})"
            raise
        return _SocketContext(
            self, "connect", addr.decode() if isinstance(addr, bytes) else addr
        )

    def bind_to_random_port(
        self,
        addr: str,
        min_port: int = 49152,
        max_port: int = 65536,
        max_tries: int = 100,
    ) -> int:
        """Bind to a port that is free, and return it.

        Args:
            addr: The address without the port, such as "tcp://127.0.0.1".
            min_port: The lowest port to try.
            max_port: One more than the highest. With the defaults for both, the system
                chooses the port.
            max_tries: How many to try.

        Raises:
            ZMQBindError: None of those tried was free.
        """
        if (min_port, max_port) == (49152, 65536):
            self.bind(f"{addr}:*")
            url: bytes = _core.Socket.get(self, SocketOption.LAST_ENDPOINT)
            return int(url.rpartition(b":")[2])
        for _ in range(max_tries):
            port = random.randrange(min_port, max_port)
            try:
                self.bind(f"{addr}:{port}")
            except ZMQError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return port
        raise ZMQBindError("Could not bind socket to random port.")

    # Options

    setsockopt = _core.Socket.set
    getsockopt = _core.Socket.get

    def set_string(self, option: int, optval: str, encoding: str = "utf-8") -> None:
        """Set an option to an encoded str.

        Args:
            option: A member of ``SocketOption``.
            optval: The text.
            encoding: How to make bytes of it.
        """
        if not isinstance(optval, str):
            raise TypeError(f"strings only, not {type(optval)}: {optval!r}")
        self.set(option, optval.encode(encoding))

    setsockopt_string = setsockopt_unicode = set_string

    def get_string(self, option: int, encoding: str = "utf-8") -> str:
        """Return an option that is bytes, decoded.

        Args:
            option: A member of ``SocketOption``.
            encoding: How to make a str of it.
        """
        if SocketOption(option)._opt_type is not _OptType.bytes:
            raise TypeError(f"option {option} will not return a string to be decoded")
        value: bytes = self.get(option)
        return value.decode(encoding)

    getsockopt_string = getsockopt_unicode = get_string

    def subscribe(self, topic: str | bytes) -> None:
        """Receive messages that begin with a topic.

        Args:
            topic: The prefix; empty for all messages.
        """
        self.set(SocketOption.SUBSCRIBE, _topic(topic))

    def unsubscribe(self, topic: str | bytes) -> None:
        """Undo one ``subscribe``.

        Args:
            topic: What was given to it.
        """
        self.set(SocketOption.UNSUBSCRIBE, _topic(topic))

    def allow(
        self,
        *,
        keys: Iterable[str | bytes] | str | bytes | None = None,
        passwords: Mapping[str, str] | None = None,
        addresses: Iterable[str] | str | None = None,
    ) -> None:
        """Let nobody connect to this socket but who is on its lists.

        Each call adds to them, and they count from then on, also where the socket is
        bound already; who is connected stays. An empty list lets nobody in. Peers are
        judged by the lists alone: no handler of ZAP is asked. Their name or key is the
        ``User-Id`` of each of their messages. ``set(zmq.ALLOW_KEY, None)``,
        and the same with ALLOW_PASSWORD and ALLOW_ADDRESS, ends a list.

        Args:
            keys: Public keys of CURVE, 32 bytes or 40 characters of Z85; or one.
            passwords: Of PLAIN, by user name. With keys or passwords nobody passes
                without one of them, whatever the mechanism.
            addresses: IP addresses, or networks ("10.0.0.0/8"); or one. Who comes by
                ipc has none, and is not asked for it.

        Raises:
            ZMQError: EINVAL: one of them is none.
            ValueError: There is a NUL in a user name.

        >>> import fastmq
        >>> with fastmq.Context() as ctx, ctx.socket(fastmq.PULL) as server:
        ...     server.plain_server = 1
        ...     server.allow(passwords={"joe": "secret"}, addresses="127.0.0.1")
        """
        for option, entries in (
            (SocketOption.ALLOW_KEY, _entries(keys)),
            (SocketOption.ALLOW_PASSWORD, _logins(passwords)),
            (SocketOption.ALLOW_ADDRESS, _entries(addresses)),
        ):
            if entries is not None:
                self.set(option, b"")  # it is there, though nobody may be on it
                for entry in entries:
                    self.set(option, entry)

    def get_hwm(self) -> int:
        """Return how many messages may wait to be sent to a peer."""
        try:
            return self.sndhwm
        except ZMQError:
            return self.rcvhwm

    def set_hwm(self, value: int) -> None:
        """Set how many messages may wait, in either direction.

        Args:
            value: Messages for each peer; 0 is no limit.
        """
        failure = None
        for option in (SocketOption.SNDHWM, SocketOption.RCVHWM):
            try:
                self.set(option, value)
            except ZMQError as error:
                failure = error
        if failure is not None:
            raise failure

    hwm = property(get_hwm, set_hwm, doc="SNDHWM when read; both marks when set.")

    @property
    def socket_type(self) -> int:
        """The type of the socket; deprecated, use ``type``."""
        warn(
            "Socket.socket_type is deprecated, use Socket.type",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.type

    # Monitoring

    def get_monitor_socket(
        self, events: int | None = None, addr: str | None = None
    ) -> Self:
        """Return a PAIR that receives the events of this socket's connections.

        ``fastmq.utils.monitor`` makes dicts of what it receives. Until
        ``disable_monitor`` it is the same one every time.

        Args:
            events: The events to tell, of ``Event``; all of them by default.
            addr: The address it is to connect to, ``inproc://`` and a name; by default
                one that no other socket has.
        """
        monitor: Self | None = self._monitor_socket
        if monitor is not None and not monitor.closed:
            return monitor
        if addr is None:
            addr = f"inproc://monitor.s-{self.underlying:x}"
        self.monitor(addr, Event.ALL if events is None else events)
        made: Self = self.context.socket(SocketType.PAIR)
        made.connect(addr)
        self._monitor_socket = made
        return made

    def disable_monitor(self) -> None:
        """End what ``get_monitor_socket`` or ``monitor`` began.

        The last event is MONITOR_STOPPED.
        """
        self._monitor_socket = None
        self.monitor(None, 0)

    # Waiting

    def fileno(self) -> int:
        """Return the descriptor (``FD``) that is readable when something happened."""
        return self.fd

    def poll(self, timeout: int | None = None, flags: int = PollEvent.POLLIN) -> int:
        """Wait until the socket is ready, and return for what; 0 if it is not.

        Args:
            timeout: In milliseconds; None or negative waits for ever.
            flags: ``POLLIN`` to receive, ``POLLOUT`` to send, or both.
        """
        if self.closed:
            raise ZMQError(Errno.ENOTSUP)
        ready = _core.zmq_poll([(self, flags)], timeout)
        return ready[0][1] if ready else 0

    # Messages of other types than bytes. All that receives goes through _deserialize.

    def _deserialize(self, recvd: Any, load: Callable[[Any], T]) -> T:
        return load(recvd)

    def send_serialized(
        self,
        msg: T,
        serialize: Callable[[T], Sequence[Frame | Buffer]],
        flags: int = 0,
        copy: bool = True,
        **kwargs: Any,
    ) -> MessageTracker | None:
        """Send an object as the parts that a function makes of it.

        Args:
            msg: The object.
            serialize: Returns the parts.
            flags: As for ``send``.
            copy: As for ``send``.
            kwargs: As for ``send_multipart``.
        """
        parts = serialize(msg)
        return self.send_multipart(parts, flags=flags, copy=copy, **kwargs)

    def recv_serialized(
        self,
        deserialize: Callable[[list[Any]], T],
        flags: int = 0,
        copy: bool = True,
    ) -> T:
        """Receive the object that a function makes of the parts of a message.

        Args:
            deserialize: Returns the object.
            flags: As for ``recv``.
            copy: As for ``recv``.
        """
        parts = self.recv_multipart(flags=flags, copy=copy)
        return self._deserialize(parts, deserialize)

    def send_string(
        self,
        u: str,
        flags: int = 0,
        copy: bool = True,
        encoding: str = "utf-8",
        **kwargs: Any,
    ) -> MessageTracker | None:
        """Send an encoded str.

        Args:
            u: The text.
            flags: As for ``send``.
            copy: As for ``send``.
            encoding: How to make bytes of it.
            kwargs: As for ``send``.
        """
        if not isinstance(u, str):
            raise TypeError("str objects only")
        return self.send(u.encode(encoding), flags=flags, copy=copy, **kwargs)

    send_unicode = send_string

    def recv_string(self, flags: int = 0, encoding: str = "utf-8") -> str:
        """Receive a str.

        Args:
            flags: As for ``recv``.
            encoding: How to make a str of the bytes.

        Raises:
            UnicodeDecodeError: The bytes are no such text. They are gone.
        """
        received = self.recv(flags=flags)
        text: str = self._deserialize(received, lambda body: body.decode(encoding))
        return text

    recv_unicode = recv_string

    def send_json(
        self, obj: Any, flags: int = 0, **kwargs: Any
    ) -> MessageTracker | None:
        """Send an object as JSON.

        Args:
            obj: What the ``json`` module takes.
            flags: As for ``send``.
            kwargs: Keywords of ``json.dumps``.
        """
        extra = {key: kwargs.pop(key) for key in _SEND_ONLY if key in kwargs}
        body = jsonapi.dumps(obj, **kwargs)
        # Where send returns a future, this does.
        send = cast("Callable[..., MessageTracker | None]", self.send)
        return send(body, flags=flags, **extra)

    def recv_json(self, flags: int = 0, **kwargs: Any) -> Any:
        """Receive an object as JSON.

        Args:
            flags: As for ``recv``.
            kwargs: Keywords of ``json.loads``.
        """
        received = self.recv(flags)
        return self._deserialize(received, lambda body: jsonapi.loads(body, **kwargs))

    def send_pyobj(
        self,
        obj: Any,
        flags: int = 0,
        protocol: int = pickle.DEFAULT_PROTOCOL,
        **kwargs: Any,
    ) -> MessageTracker | None:
        """Send an object as a pickle.

        Args:
            obj: The object.
            flags: As for ``send``.
            protocol: The version of the pickle.
            kwargs: As for ``send``.
        """
        body = pickle.dumps(obj, protocol)
        send = cast("Callable[..., MessageTracker | None]", self.send)
        return send(body, flags=flags, **kwargs)

    def recv_pyobj(self, flags: int = 0) -> Any:
        """Receive an object as a pickle: only from whom you trust with everything.

        Args:
            flags: As for ``recv``.
        """
        return self._deserialize(self.recv(flags), pickle.loads)

    def send_array(
        self,
        array: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
    ) -> MessageTracker | None:
        """Send an array as a message of two parts: what it is, and its bytes.

        The first part is JSON, ``{"dtype": "<f8", "shape": [2, 3]}`` with the type as
        ``numpy.lib.format`` describes it; the second the elements in C order. Needs
        NumPy.

        Args:
            array: What ``numpy.asarray`` takes, or an object with DLPack's protocol.
            flags: As for ``send``.
            copy: As for ``send``; an array that is not contiguous is copied anyway.
            track: As for ``send``.

        Raises:
            TypeError: Its elements are Python objects.
        """
        return self.send_multipart(dump_array(array), flags, copy, track)

    def recv_array(self, flags: int = 0, copy: bool = False) -> Any:
        """Receive an array that ``send_array`` sent, as one of NumPy's.

        Args:
            flags: As for ``recv``.
            copy: Copy it to memory of its own; otherwise it shows the core's, and
                cannot be written to.

        Raises:
            ValueError: The message, which is gone, is no such array.
        """
        parts = self.recv_multipart(flags, copy=False)
        return self._deserialize(parts, lambda parts: load_array(parts, copy))


# Arguments of ``send`` that ``send_json`` does not give to the JSON module.
_SEND_ONLY = ("routing_id", "group")


def _topic(topic: str | bytes) -> bytes:
    return topic.encode() if isinstance(topic, str) else topic
