# SPDX-License-Identifier: Apache-2.0
"""A stopwatch, which the standard library has made superfluous."""

from __future__ import annotations

import time
from warnings import warn

__all__ = ["Stopwatch"]


class Stopwatch:
    """Measures how long something takes; deprecated, use ``time.monotonic``."""

    def __init__(self) -> None:
        warn(
            "Stopwatch is deprecated, use time.monotonic",
            DeprecationWarning,
            stacklevel=2,
        )
        self._began = time.monotonic_ns()

    def start(self) -> None:
        """Begin, or begin anew."""
        self._began = time.monotonic_ns()

    def stop(self) -> int:
        """Return the time since ``start``, in microseconds."""
        return (time.monotonic_ns() - self._began) // 1000
