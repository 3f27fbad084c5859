# SPDX-License-Identifier: Apache-2.0
"""What the sockets and pollers of event loops have in common."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from warnings import warn

from . import _core
from ._core import Future
from .constants import PollEvent, SocketOption
from .poller import Poller
from .socket import Socket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from ._typing import Buffer
    from .context import Context
    from .frame import Frame
    from .tracker import MessageTracker

__all__ = ["Future"]

_core.set_asyncio(asyncio)

T = TypeVar("T")


class _AsyncSocket(_core.AsyncSocket, Socket["Future[Any]"]):  # type: ignore[misc]
    """A socket whose ``send``, ``recv`` and ``poll`` return futures.

    Args:
        context: The context it belongs to; or a socket to share.
        socket_type: A member of ``SocketType``.
        io_loop: Has no effect; deprecated.
        _from_socket: A socket to share.
        kwargs: Further keywords of ``Socket``.
    """

    _sync: Socket[bytes] | None

    setsockopt = _core.AsyncSocket.set
    getsockopt = _core.AsyncSocket.get

    if TYPE_CHECKING:  # these are the blocking ones over what send and recv return

        def send_serialized(  # type: ignore[override]
            self,
            msg: T,
            serialize: Callable[[T], Sequence[Frame | Buffer]],
            flags: int = 0,
            copy: bool = True,
            **kwargs: Any,
        ) -> Future[MessageTracker | None]: ...

        def recv_serialized(  # type: ignore[override]
            self,
            deserialize: Callable[[list[Any]], T],
            flags: int = 0,
            copy: bool = True,
        ) -> Future[T]: ...

        def send_string(  # type: ignore[override]
            self,
            u: str,
            flags: int = 0,
            copy: bool = True,
            encoding: str = "utf-8",
            **kwargs: Any,
        ) -> Future[MessageTracker | None]: ...

        def recv_string(  # type: ignore[override]
            self, flags: int = 0, encoding: str = "utf-8"
        ) -> Future[str]: ...

        def send_json(  # type: ignore[override]
            self, obj: Any, flags: int = 0, **kwargs: Any
        ) -> Future[MessageTracker | None]: ...

        def recv_json(self, flags: int = 0, **kwargs: Any) -> Future[Any]: ...

        def send_pyobj(  # type: ignore[override]
            self, obj: Any, flags: int = 0, protocol: int = 5, **kwargs: Any
        ) -> Future[MessageTracker | None]: ...

        def recv_pyobj(self, flags: int = 0) -> Future[Any]: ...

    def __init__(
        self,
        context: Context[Any] | Socket[Any] | None = None,
        socket_type: int = 0,
        io_loop: Any = None,
        _from_socket: Socket[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if _from_socket is not None:
            kwargs["shadow"] = _from_socket
        super().__init__(context, socket_type, **kwargs)
        if io_loop is not None:
            warn_of_io_loop(self)

    @classmethod
    def from_socket(cls, socket: Socket[Any], io_loop: Any = None) -> Self:
        """Return an asynchronous object for a socket that there is already.

        Args:
            socket: The socket, of whatever class.
            io_loop: As for the class.
        """
        return cls(_from_socket=socket, io_loop=io_loop)

    @property
    def _shadow_sock(self) -> Socket[bytes]:
        """A blocking object for the same socket."""
        if self._sync is None:
            self._sync = Socket.shadow(self.underlying)
        return self._sync

    def batches(self, max_messages: int = 1000) -> Batches:
        """Iterate over lists of messages, each as ``recv_many`` returns it.

        Args:
            max_messages: How many at most in a list; 1 or more.

        >>> async def count(socket):
        ...     async for bodies in socket.batches():
        ...         print(len(bodies))
        """
        return Batches(self, max_messages)

    def _deserialize(self, recvd: Any, load: Callable[[Any], T]) -> Any:
        if isinstance(recvd, Future):
            return recvd._then(load)  # pyright: ignore[reportUnknownMemberType]
        if inspect.isawaitable(recvd):
            return self._load_later(recvd, load)
        return load(recvd)

    async def _load_later(self, recvd: Any, load: Callable[[Any], T]) -> T:
        # A subclass has made a coroutine of ``recv``.
        return load(await recvd)


class Batches:
    """What ``batches`` of a socket returns: an asynchronous iterator.

    Args:
        socket: The socket.
        max_messages: How many messages at most in a list.
    """

    def __init__(self, socket: _AsyncSocket, max_messages: int) -> None:
        self._socket = socket
        self._max = max_messages

    def __aiter__(self) -> Self:
        return self

    def __anext__(self) -> Future[list[bytes]]:
        return self._socket.recv_many(self._max)


def warn_of_io_loop(made: object) -> None:
    """Say that an argument has no effect.

    Args:
        made: What it was given to.
    """
    warn(
        f"{made.__class__.__name__}(io_loop) has no effect, and is deprecated: the "
        "loop is the one that runs",
        DeprecationWarning,
        stacklevel=3,
    )


class _AsyncPoller(Poller):
    """A set of sockets and descriptors whose ``poll`` returns a future."""

    _socket_class: type[_AsyncSocket] = _AsyncSocket

    def _get_loop(self) -> Any:
        return _core.get_event_loop()

    def poll(  # type: ignore[override]
        self, timeout: float | None = -1
    ) -> Future[list[tuple[Any, int]]]:
        """Wait until something is ready.

        Args:
            timeout: In milliseconds; None or negative waits for ever.

        Returns:
            A future of pairs of what is ready and its flags.
        """
        loop = self._get_loop()
        ended: Future[list[tuple[Any, int]]] = Future(loop=loop)
        try:
            ready = self._look()
        except Exception as error:
            ended.set_exception(error)
            return ended
        if ready or timeout == 0:
            ended.set_result(ready)
        else:
            _Watch(self, loop, ended).start(timeout)
        return ended

    def _look(self) -> list[tuple[Any, int]]:
        """Return what is ready now."""
        ready: list[tuple[Any, int]] = []
        for socket, flags in self.sockets:
            if isinstance(socket, _core.AsyncSocket):
                now = socket.get(SocketOption.EVENTS) & flags
                if now:
                    ready.append((socket, now))
            else:
                ready += _core.zmq_poll([(socket, flags)], 0)
        return ready


class _Watch:
    """One call of ``poll`` that waits: it looks again whenever something happens."""

    def __init__(self, poller: _AsyncPoller, loop: Any, ended: Future[Any]) -> None:
        self.poller = poller
        self.loop = loop
        self.ended = ended
        self.undo: list[Callable[[], Any]] = []

    def start(self, timeout: float | None) -> None:
        """Begin to wait.

        Args:
            timeout: As for ``poll``.
        """
        self.ended.add_done_callback(self.stop)
        if timeout is not None and timeout > 0:
            timer = self.loop.call_later(timeout / 1000, self.give_up)
            self.undo.append(timer.cancel)
        for thing, flags in self.poller.sockets:
            if isinstance(thing, _core.Socket):
                self.watch_socket(thing, flags)
            else:
                self.watch_descriptor(thing, flags)

    def watch_socket(self, socket: Any, flags: int) -> None:
        if not isinstance(socket, _core.AsyncSocket):
            socket = self.poller._socket_class.from_socket(socket)
            self.undo.append(socket._unwatch)
        future: Future[int] = socket.poll(-1, flags)
        future.add_done_callback(lambda future: self.look_at(future, socket, flags))
        self.undo.append(future.cancel)

    def look_at(self, future: Future[int], socket: Any, flags: int) -> None:
        if self.ended.done():
            return
        if future.cancelled():
            self.ended.cancel()  # the socket was closed
            return
        self.look()
        if not self.ended.done():
            # Somebody else has taken it: wait for the next.
            self.watch_socket(socket, flags)

    def watch_descriptor(self, thing: Any, flags: int) -> None:
        fd = thing if isinstance(thing, int) else thing.fileno()
        if flags & PollEvent.POLLIN:
            self.loop.add_reader(fd, self.look)
            self.undo.append(lambda: self.loop.remove_reader(fd))
        if flags & PollEvent.POLLOUT:
            self.loop.add_writer(fd, self.look)
            self.undo.append(lambda: self.loop.remove_writer(fd))

    def look(self) -> None:
        if self.ended.done():
            return
        try:
            ready = self.poller._look()
        except Exception as error:
            self.ended.set_exception(error)
            return
        if ready:
            self.ended.set_result(ready)

    def give_up(self) -> None:
        if not self.ended.done():
            self.ended.set_result([])

    def stop(self, _: Any = None) -> None:
        for undo in self.undo:
            undo()
