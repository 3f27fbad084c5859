# SPDX-License-Identifier: Apache-2.0
"""Waiting for several sockets and descriptors at once."""

from __future__ import annotations

from typing import Any

from ._core import zmq_poll
from .constants import PollEvent

__all__ = ["Poller", "select"]


class Poller:
    """A set of sockets and descriptors to wait for.

    >>> poller = Poller()
    >>> poller.register(0, PollEvent.POLLIN)
    >>> 0 in poller
    True
    """

    sockets: list[tuple[Any, int]]
    _map: dict[Any, int]

    def __init__(self) -> None:
        self.sockets = []
        self._map = {}

    def __contains__(self, socket: Any) -> bool:
        return socket in self._map

    def register(
        self, socket: Any, flags: int = PollEvent.POLLIN | PollEvent.POLLOUT
    ) -> None:
        """Add a socket, or change what to wait for.

        Args:
            socket: A socket, a descriptor or an object with ``fileno()``.
            flags: ``POLLIN``, ``POLLOUT``, ``POLLERR`` or'ed; 0 takes it out.
        """
        if not flags:
            if socket in self._map:
                self.unregister(socket)
            return
        index = self._map.get(socket)
        if index is None:
            self._map[socket] = len(self.sockets)
            self.sockets.append((socket, flags))
        else:
            self.sockets[index] = (socket, flags)

    def modify(
        self, socket: Any, flags: int = PollEvent.POLLIN | PollEvent.POLLOUT
    ) -> None:
        """Change what to wait for on a socket.

        Args:
            socket: As registered.
            flags: As for ``register``.
        """
        self.register(socket, flags)

    def unregister(self, socket: Any) -> None:
        """Take a socket out, closed or not.

        Args:
            socket: As registered.

        Raises:
            KeyError: It is not registered.
        """
        index = self._map.pop(socket)
        self.sockets.pop(index)
        for other, _ in self.sockets[index:]:
            self._map[other] -= 1

    def poll(self, timeout: int | None = None) -> list[tuple[Any, int]]:
        """Wait until something is ready; return pairs of what is and its flags.

        Args:
            timeout: In milliseconds; None or negative waits for ever.
        """
        return zmq_poll(self.sockets, timeout)


def select(
    rlist: list[Any], wlist: list[Any], xlist: list[Any], timeout: float | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """Wait for sockets and descriptors as ``select.select`` does.

    Args:
        rlist: Wait until there is something to receive on these.
        wlist: Wait until there is room to send on these.
        xlist: Wait for errors of these.
        timeout: In seconds; None waits for ever.
    """
    wanted: dict[Any, int] = {}
    for things, flag in (
        (rlist, PollEvent.POLLIN),
        (wlist, PollEvent.POLLOUT),
        (xlist, PollEvent.POLLERR),
    ):
        for thing in set(things):
            wanted[thing] = wanted.get(thing, 0) | flag
    timeout_ms = -1 if timeout is None or timeout < 0 else int(timeout * 1000)
    ready = zmq_poll(list(wanted.items()), timeout_ms)
    return (
        [thing for thing, flags in ready if flags & PollEvent.POLLIN],
        [thing for thing, flags in ready if flags & PollEvent.POLLOUT],
        [thing for thing, flags in ready if flags & PollEvent.POLLERR],
    )
