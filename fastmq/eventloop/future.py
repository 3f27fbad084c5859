# SPDX-License-Identifier: Apache-2.0
"""Sockets whose calls return futures, bound to a loop of Tornado.

With Tornado's loops of today, which are asyncio's, ``fastmq.asyncio`` does as well, but
for a loop that is to close its sockets.
"""

from __future__ import annotations

from asyncio import CancelledError
from typing import Any, ClassVar

from tornado.ioloop import IOLoop

from .. import context as _context
from .._future import _AsyncPoller, _AsyncSocket, warn_of_io_loop

__all__ = ["CancelledError", "Context", "Poller", "Socket"]


def _loop_of(io_loop: Any) -> Any:
    return io_loop.asyncio_loop


def _current_loop() -> Any:
    return _loop_of(IOLoop.current())


class Socket(_AsyncSocket):
    """A socket whose ``send``, ``recv`` and ``poll`` return futures.

    Args:
        context: The context it belongs to; or a socket to share.
        socket_type: A member of ``SocketType``.
        io_loop: Has no effect: it is the loop that is current when a call has to wait;
            deprecated.
        _from_socket: A socket to share.
        kwargs: Further keywords of ``fastmq.Socket``.
    """

    _watched_by: IOLoop | None = None
    _watched_fd: int = -1

    def _get_loop(self) -> Any:
        loop = _current_loop()
        self._watch(loop)
        return loop

    def _watch(self, loop: Any) -> None:
        # The loop has to know the socket, not a descriptor: it may close it.
        io_loop = IOLoop.current()
        if self._watched_by is not io_loop:
            self._unwatch()
            self._watched_by = io_loop
            self._watched_fd = self.fileno()
            io_loop.add_handler(self, self._bell, IOLoop.READ)

    def _unwatch(self) -> None:
        io_loop, self._watched_by = self._watched_by, None
        if io_loop is not None and not _loop_of(io_loop).is_closed():
            io_loop.remove_handler(self._watched_fd)


class Poller(_AsyncPoller):
    """A set of sockets and descriptors whose ``poll`` returns a future."""

    _socket_class = Socket

    def _get_loop(self) -> Any:
        return _current_loop()


class Context(_context.Context[Socket]):
    """A context whose sockets return futures.

    Args:
        args: As for ``fastmq.Context``.
        io_loop: Has no effect; deprecated.
        kwargs: As for ``fastmq.Context``.
    """

    _instance: ClassVar[Any] = None
    _socket_class = Socket
    io_loop: Any = None

    def __init__(self, *args: Any, io_loop: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[misc]
        if io_loop is not None:
            warn_of_io_loop(self)
