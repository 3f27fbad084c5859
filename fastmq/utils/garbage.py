# SPDX-License-Identifier: Apache-2.0
"""Which buffers are lent, under the names of pyzmq's collector of them.

pyzmq gives buffers back on a thread with a context and sockets of its own, which
programs meet as ``zmq.utils.garbage.gc``. Here the core does it without a thread of
Python, so there is nothing to start or to stop; but ``gc.refs`` says what is lent.

>>> import fastmq
>>> body = b"x" * 100_000
>>> frame = fastmq.Frame(body, copy=False)
>>> [loan.obj is body for loan in gc.refs.values()]
[True]
>>> del frame
>>> gc.refs
{}
"""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from .._core import loans

if TYPE_CHECKING:
    from ..context import Context

__all__ = ["GarbageCollector", "GarbageCollectorThread", "gc", "gcref"]


class gcref(NamedTuple):
    """An object that is lent, and the event to be set afterwards."""

    obj: object
    event: Event | None


class GarbageCollectorThread(Thread):
    """The thread of pyzmq's collector, of which there is none."""

    def __init__(self, gc: GarbageCollector) -> None:
        raise RuntimeError("fastmq's core gives buffers back without such a thread")


class GarbageCollector:
    """A collector that is never started.

    Args:
        context: Kept as an attribute; not used.
    """

    url = "inproc://pyzmq.gc.01"
    context: Context[Any] | None = None
    thread: Thread | None

    def __init__(self, context: Context[Any] | None = None) -> None:
        self.context = context
        self.thread = None

    @property
    def refs(self) -> dict[int, gcref]:
        """What is lent now by any frame or send; the keys say nothing."""
        return {key: gcref(*loan) for key, loan in loans().items()}

    def is_alive(self) -> bool:
        """Return whether its thread runs: never."""
        return False

    def start(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def store(self, obj: object, event: Event | None = None) -> int:
        """Keep nothing, and return 0: as pyzmq's does when Python ends.

        Args:
            obj: An object.
            event: An event.
        """
        return 0


gc = GarbageCollector()
