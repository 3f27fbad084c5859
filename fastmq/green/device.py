# SPDX-License-Identifier: Apache-2.0
"""A device that lets other greenlets run."""

from __future__ import annotations

from typing import Any

from ..constants import PollEvent
from .poll import Poller

__all__ = ["device"]


def device(device_type: int, isocket: Any, osocket: Any) -> None:
    """Pass messages between two sockets, in both directions, until an error.

    Args:
        device_type: Has no effect.
        isocket: One of them, of ``fastmq.green``.
        osocket: The other one; may be the same.
    """
    poller = Poller()
    poller.register(isocket, PollEvent.POLLIN)
    poller.register(osocket, PollEvent.POLLIN)
    while True:
        for socket, _ in poller.poll():
            other = osocket if socket is isocket else isocket
            other.send_multipart(socket.recv_multipart())
