# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C during a blocking call, on Windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["allow_interrupt"]


class allow_interrupt:
    """A context manager that does nothing: every call can be interrupted as it is.

    A blocking call of this package runs Python's signal handlers, so it needs no help.

    Args:
        action: What to call at Ctrl-C; never called.
    """

    def __init__(self, action: Callable[[], Any] | None = None) -> None:
        self.action = action

    def __enter__(self) -> None:
        pass

    def __exit__(self, *args: object) -> None:
        pass
