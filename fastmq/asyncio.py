# SPDX-License-Identifier: Apache-2.0
"""Sockets for asyncio: what may wait returns a future.

>>> import asyncio
>>> import fastmq
>>> import fastmq.asyncio
>>> async def main():
...     with fastmq.asyncio.Context() as ctx:
...         with ctx.socket(fastmq.PUSH) as push, ctx.socket(fastmq.PULL) as pull:
...             port = pull.bind_to_random_port("tcp://127.0.0.1")
...             connected = push.connect(f"tcp://127.0.0.1:{port}")
...             await push.send_multipart([b"hello", b"world"])
...             return await pull.recv_multipart()
>>> asyncio.run(main())
[b'hello', b'world']
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar
from warnings import warn

from . import context as _context
from ._future import Future, _AsyncPoller, _AsyncSocket

__all__ = ["Context", "Future", "Poller", "Socket", "ZMQEventLoop", "install"]


class ProactorSelectorThreadWarning(RuntimeWarning):
    """The event loop cannot wait for a socket by itself; there is no such loop here."""


class Socket(_AsyncSocket):
    """A socket whose ``send``, ``recv`` and ``poll`` return futures.

    It belongs to the event loop that runs when a call has to wait, and may be used by
    another one later. What is done at once has a future that has ended, so awaiting it
    takes no turn of the loop; after 64 calls or about a millisecond it has one anyway.

    Args:
        context: The context it belongs to; or a socket to share.
        socket_type: A member of ``SocketType``.
        io_loop: Has no effect; deprecated.
        _from_socket: A socket to share.
        kwargs: Further keywords of ``fastmq.Socket``.
    """


class Poller(_AsyncPoller):
    """A set of sockets and descriptors whose ``poll`` returns a future.

    Blocking sockets may be in it, too.
    """

    _socket_class = Socket


class Context(_context.Context[Socket]):
    """A context whose sockets are for asyncio.

    Args:
        io_threads: Threads for input and output; or a context to share.
        shadow: A context, or the address (``underlying``) of one, to share.
    """

    _instance: ClassVar[Any] = None
    _socket_class = Socket

    if TYPE_CHECKING:  # for pyright: the other's say what sockets it has

        def __init__(
            self,
            io_threads: int | _context.Context[Any] = 1,
            shadow: _context.Context[Any] | int = 0,
        ) -> None: ...


class ZMQEventLoop(asyncio.SelectorEventLoop):
    """The event loop of asyncio; deprecated, for any loop will do.

    Args:
        selector: As for ``asyncio.SelectorEventLoop``.
    """

    def __init__(self, selector: Any = None) -> None:
        _deprecated("ZMQEventLoop")
        super().__init__(selector)


def install() -> None:
    """Do nothing: no loop has to be installed; deprecated."""
    _deprecated("install")


def _deprecated(name: str) -> None:
    warn(
        f"fastmq.asyncio.{name} is deprecated: any event loop of asyncio will do",
        DeprecationWarning,
        stacklevel=3,
    )
