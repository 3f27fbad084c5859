# SPDX-License-Identifier: Apache-2.0
"""A process that uses all the processor it gets until the harness closes its pipe."""

from __future__ import annotations

from multiprocessing.connection import Connection
from typing import Any


def play(_: Any, pipe: Connection, order: dict[str, Any]) -> None:
    while not pipe.poll():
        for _ in range(100_000):
            pass
