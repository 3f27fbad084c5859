# SPDX-License-Identifier: Apache-2.0
"""Trackers: when is a body that was sent without a copy the caller's again?"""

from __future__ import annotations

import time
from threading import TIMEOUT_MAX, Event, Lock

from ._core import collect
from .error import NotDone
from .frame import Frame

__all__ = ["MessageTracker"]

# How long to wait at a time: the core gives buffers back on a list, which is emptied
# between the waits.
_SHORTEST_S = 0.0005
_LONGEST_S = 0.05
_WEEK_S = 7 * 24 * 3600.0


class _Given(Event):
    """An event of which most are never waited for: it costs little until one is.

    It shares nothing with its base but the type, which programs ask for. Nobody is in
    anybody's way: ``set`` may come from a signal's handler within any other call.
    """

    def __init__(self) -> None:
        self._is_given = False
        self._waiters: list[Lock] = []

    def __repr__(self) -> str:
        state = "set" if self._is_given else "unset"
        return f"<{type(self).__qualname__} at {id(self):#x}: {state}>"

    def is_set(self) -> bool:
        return self._is_given

    def set(self) -> None:
        # Who comes to wait looks at the flag when it is in the list already. One that
        # a handler interrupts is called again (end_loan in _lend.pxi).
        self._is_given = True
        for waiter in list(self._waiters):
            if waiter.locked():
                waiter.release()

    def clear(self) -> None:
        self._is_given = False

    def wait(self, timeout: float | None = None) -> bool:
        if self.is_set():
            return True
        waiter = Lock()
        waiter.acquire()
        self._waiters.append(waiter)
        try:
            if self.is_set():
                return True
            if timeout is None:
                return waiter.acquire()
            return waiter.acquire(timeout=min(max(timeout, 0), TIMEOUT_MAX))
        finally:
            self._waiters.remove(waiter)


class MessageTracker:
    """Tells when the core has let go of what was sent.

    Args:
        towatch: Frames, events and other trackers; done when they all are.

    >>> MessageTracker().done
    True
    """

    events: set[Event]
    peers: set[MessageTracker]

    def __init__(self, *towatch: MessageTracker | Event | Frame) -> None:
        self.events = set()
        self.peers = set()
        for thing in towatch:
            if isinstance(thing, Event):
                self.events.add(thing)
            elif isinstance(thing, MessageTracker):
                self.peers.add(thing)
            elif isinstance(thing, Frame):
                if thing.tracker is None:
                    raise ValueError("Not a tracked message")
                self.peers.add(thing.tracker)
            else:
                raise TypeError(
                    f"Require Events, MessageTrackers or Frames, not {type(thing)}"
                )

    @property
    def done(self) -> bool:
        """Whether the core has let go of everything."""
        collect()
        return all(event.is_set() for event in self.events) and all(
            peer.done for peer in self.peers
        )

    def wait(self, timeout: float | int = -1) -> None:
        """Wait until the core has let go of everything.

        Args:
            timeout: In seconds; negative waits up to a week.

        Raises:
            NotDone: It has not, in that time.
        """
        deadline = time.monotonic() + (_WEEK_S if timeout < 0 else timeout)
        step = _SHORTEST_S
        while not self.done:
            left = deadline - time.monotonic()
            if left <= 0:
                raise NotDone
            self._wait_for_one(min(step, left))
            step = min(2 * step, _LONGEST_S)

    def _wait_for_one(self, timeout: float) -> None:
        """Wait for anything that is not done yet, for a moment."""
        for event in self.events:
            if not event.is_set():
                event.wait(timeout)
                return
        for peer in self.peers:
            if not peer.done:
                peer._wait_for_one(timeout)
                return


_FINISHED_TRACKER = MessageTracker()


def _new_tracker() -> tuple[MessageTracker, Event]:
    """Return a tracker and the event that ends it."""
    event = _Given()
    tracker = MessageTracker.__new__(MessageTracker)  # there is nothing to look at
    tracker.events = {event}
    tracker.peers = set()
    return tracker, event
