# SPDX-License-Identifier: Apache-2.0
"""A socket of either library together with its monitor."""

from __future__ import annotations

import importlib
from itertools import count
from typing import Any


def utilities(library: str) -> Any:
    return importlib.import_module(f"{library}.utils.monitor")


_numbers = count()


class Watched:
    """A socket with its monitor."""

    def __init__(self, world: Any, library: str, kind: str, **options: int) -> None:
        self.world = world
        self.library = library
        self.socket = world.socket(library, kind, **options)
        self.watch()

    def watch(self) -> None:
        """Open a monitor; of an earlier one that was not disabled, the same."""
        # libzmq may not have let go of the address of an earlier one.
        address = f"inproc://watched-{next(_numbers)}"
        self.monitor = self.socket.get_monitor_socket(addr=address)
        self.monitor.rcvtimeo = 20000
        self.world.sockets.append(self.monitor)

    def next(self) -> tuple[str, int, str]:
        """Return the next event's name, value and endpoint."""
        message = utilities(self.library).recv_monitor_message(self.monitor)
        name = message["event"].name
        return name, int(message["value"]), message["endpoint"].decode()

    def names(self, n: int) -> list[str]:
        return [self.next()[0] for _ in range(n)]

    def is_quiet(self) -> bool:
        return not self.monitor.poll(50)
