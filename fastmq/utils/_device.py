# SPDX-License-Identifier: Apache-2.0
"""The old name of ``proxy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core import proxy

if TYPE_CHECKING:
    from .._core import Socket
    from ..constants import DeviceType


def device(device_type: DeviceType, frontend: Socket, backend: Socket) -> int:
    """Pass messages between two sockets, as ``proxy`` does.

    Args:
        device_type: Plays no part.
        frontend: A socket.
        backend: Another one, or the same.
    """
    return proxy(frontend, backend)
