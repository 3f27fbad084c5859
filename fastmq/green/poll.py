# SPDX-License-Identifier: Apache-2.0
"""A poller that lets other greenlets run."""

from __future__ import annotations

from typing import Any

import gevent
from gevent.event import Event
from gevent.hub import get_hub

from .. import _core
from .. import poller as _poller
from ..constants import PollEvent, SocketOption

__all__ = ["Poller"]


class Poller(_poller.Poller):
    """A set of sockets and descriptors to wait for, while other greenlets run."""

    def poll(self, timeout: float | None = -1) -> list[tuple[Any, int]]:
        """Wait until something is ready; return pairs of what is and its flags.

        Args:
            timeout: In milliseconds; None or negative waits for ever.
        """
        ready = _core.zmq_poll(self.sockets, 0)
        if ready or timeout == 0:
            return ready
        seconds = None if timeout is None or timeout < 0 else timeout / 1000
        event = Event()
        watchers = self._watch(event)
        try:
            with gevent.Timeout(seconds, False):  # type: ignore[arg-type,unused-ignore]
                while not ready:
                    # Makes the descriptors of sockets quiet as well.
                    ready = _core.zmq_poll(self.sockets, 0)
                    if not ready:
                        event.wait()
                        event.clear()
        finally:
            for watcher in watchers:
                watcher.stop()
                watcher.close()
        return ready

    def _watch(self, event: Event) -> list[Any]:
        loop = get_hub().loop
        watchers: list[Any] = []
        for thing, flags in self.sockets:
            if isinstance(thing, _core.Socket):
                fd, wanted = _core.Socket.get(thing, SocketOption.FD), 1
            else:
                fd = thing if isinstance(thing, int) else thing.fileno()
                wanted = (1 if flags & PollEvent.POLLIN else 0) | (
                    2 if flags & PollEvent.POLLOUT else 0
                )
            if wanted:
                watcher = loop.io(fd, wanted)
                watcher.start(event.set)
                watchers.append(watcher)
        return watchers
