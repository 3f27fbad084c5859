# SPDX-License-Identifier: Apache-2.0
"""Contexts and sockets whose calls let other greenlets run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from warnings import warn

from gevent.event import Event
from gevent.hub import get_hub

from .. import _core
from .. import context as _context
from .. import socket as _socket
from ..constants import NOBLOCK, PollEvent, SocketOption
from ..error import Again, ZMQError
from ..frame import Frame
from ..tracker import MessageTracker

__all__ = ["Context", "Socket"]

T = TypeVar("T")

_TIMEOS = (SocketOption.RCVTIMEO, SocketOption.SNDTIMEO)


class Socket(_socket.Socket[bytes]):
    """A socket whose calls let other greenlets run while they wait.

    RCVTIMEO and SNDTIMEO have no effect: use ``gevent.Timeout``. At a time one greenlet
    may wait to send and one to receive.
    """

    _repr_cls = "fastmq.green.Socket"
    _watcher: Any = None
    _watched_hub: Any = None
    _may_recv: Any = None
    _may_send: Any = None

    def close(self, linger: int | None = None) -> None:
        """Close the socket; who waits in it gets an error.

        Args:
            linger: Milliseconds that unsent messages have left; None keeps the option.
        """
        super().close(linger)
        self._unwatch()
        for event in (self._may_recv, self._may_send):
            if event is not None:
                event.set()

    def get(self, option: int) -> Any:
        """Return an option of the socket.

        Args:
            option: A member of ``SocketOption``.
        """
        if option in _TIMEOS:
            _warn_of_timeos()
        value = super().get(option)
        if option == SocketOption.EVENTS:
            self._tell(value)
        return value

    def set(self, option: int, optval: int | bytes) -> None:
        """Set an option of the socket.

        Args:
            option: A member of ``SocketOption``.
            optval: Its value.
        """
        if option in _TIMEOS:
            _warn_of_timeos()
        super().set(option, optval)

    # Sending and receiving

    def send(  # type: ignore[override]
        self,
        data: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> MessageTracker | None:
        """Send one message part.

        Args:
            data: As for a blocking socket.
            flags: ``SNDMORE``, ``NOBLOCK``.
            copy: As for a blocking socket.
            track: As for a blocking socket.
            kwargs: As for a blocking socket.
        """
        send = super().send
        return self._until_sent(
            flags, lambda now: send(data, now, copy, track, **kwargs)
        )

    def send_multipart(
        self,
        msg_parts: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        **kwargs: Any,
    ) -> MessageTracker | None:
        """Send the parts of one message, all or none.

        Args:
            msg_parts: As for a blocking socket.
            flags: ``SNDMORE``, ``NOBLOCK``.
            copy: As for a blocking socket.
            track: As for a blocking socket.
            kwargs: As for a blocking socket.
        """
        send = super().send_multipart
        return self._until_sent(
            flags, lambda now: send(msg_parts, now, copy, track, **kwargs)
        )

    def recv(  # type: ignore[override]
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> bytes | Frame:
        """Receive one message part.

        Args:
            flags: ``NOBLOCK``, or 0.
            copy: As for a blocking socket.
            track: As for a blocking socket.
        """
        recv = super().recv
        return self._until_received(flags, lambda now: recv(now, copy, track))

    def recv_multipart(  # type: ignore[override]
        self, flags: int = 0, copy: bool = True, track: bool = False
    ) -> list[bytes] | list[Frame]:
        """Receive the parts of one message.

        Args:
            flags: ``NOBLOCK``, or 0.
            copy: As for a blocking socket.
            track: As for a blocking socket.
        """
        recv = super().recv_multipart
        return self._until_received(flags, lambda now: recv(now, copy, track))

    def recv_into(self, buffer: Any, /, *, nbytes: Any = 0, flags: int = 0) -> int:
        """Receive one message part into a buffer and return how long the part was.

        Args:
            buffer: As for a blocking socket.
            nbytes: As for a blocking socket.
            flags: ``NOBLOCK``, or 0.
        """
        recv = super().recv_into
        return self._until_received(
            flags, lambda now: recv(buffer, nbytes=nbytes, flags=now)
        )

    def poll(self, timeout: float | None = None, flags: int = PollEvent.POLLIN) -> int:
        """Wait until the socket is ready, and return for what; 0 if it is not.

        Args:
            timeout: In milliseconds; None or negative waits for ever.
            flags: ``POLLIN`` to receive, ``POLLOUT`` to send, or both.
        """
        from .poll import Poller

        poller = Poller()
        poller.register(self, flags)
        ready = poller.poll(timeout)
        return ready[0][1] if ready else 0

    def _until_sent(self, flags: int, attempt: Callable[[int], T]) -> T:
        if flags & NOBLOCK:
            return attempt(flags)
        while True:
            try:
                return attempt(flags | NOBLOCK)
            except Again:
                self._wait("_may_send")

    def _until_received(self, flags: int, attempt: Callable[[int], T]) -> T:
        if flags & NOBLOCK:
            return attempt(flags)
        while True:
            try:
                return attempt(flags | NOBLOCK)
            except Again:
                self._wait("_may_recv")

    # Waiting

    def _wait(self, which: str) -> None:
        """Let others run until this socket may be able to go on in a direction."""
        assert getattr(self, which) is None, "one greenlet a direction may wait"
        event = Event()
        setattr(self, which, event)
        try:
            self._watch()
            # What came before FD was asked for it does not tell of.
            self._look()
            event.wait()
        finally:
            setattr(self, which, None)

    def _watch(self) -> None:
        hub = get_hub()
        if self._watched_hub is not hub:
            self._unwatch()
            self._watcher = hub.loop.io(_core.Socket.get(self, SocketOption.FD), 1)
            self._watcher.start(self._look)
            self._watched_hub = hub

    def _unwatch(self) -> None:
        watcher, self._watcher, self._watched_hub = self._watcher, None, None
        if watcher is not None:
            watcher.stop()
            watcher.close()

    def _look(self) -> None:
        """Wake those who can go on; nobody: do not hear of it again and again."""
        if self._may_recv is None and self._may_send is None:
            self._unwatch()
            return
        try:
            events = _core.Socket.get(self, SocketOption.EVENTS)
        except ZMQError:
            events = PollEvent.POLLIN | PollEvent.POLLOUT  # they will see themselves
        self._tell(events)

    def _tell(self, events: int) -> None:
        if events & PollEvent.POLLIN and self._may_recv is not None:
            self._may_recv.set()
        if events & PollEvent.POLLOUT and self._may_send is not None:
            self._may_send.set()


Socket.setsockopt = Socket.set  # type: ignore[assignment]
Socket.getsockopt = Socket.get  # type: ignore[assignment]


class Context(_context.Context[Socket]):
    """A context whose sockets let other greenlets run.

    Args:
        io_threads: Threads for input and output; or a context to share.
        shadow: A context, or the address (``underlying``) of one, to share.
    """

    _instance: ClassVar[Any] = None
    _repr_cls = "fastmq.green.Context"
    _socket_class = Socket

    if TYPE_CHECKING:  # for pyright: the other's say what sockets it has

        def __init__(
            self,
            io_threads: int | _context.Context[Any] = 1,
            shadow: _context.Context[Any] | int = 0,
        ) -> None: ...


def _warn_of_timeos() -> None:
    warn(
        "TIMEO socket options have no effect in fastmq.green: use gevent.Timeout",
        UserWarning,
        stacklevel=4,
    )
