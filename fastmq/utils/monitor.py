# SPDX-License-Identifier: Apache-2.0
"""What a socket's monitor tells, as dicts."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, TypedDict, overload

from ..constants import Event

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from .. import asyncio
    from ..socket import Socket

__all__ = ["parse_monitor_message", "recv_monitor_message"]

# Version 1: the event and its value, in native byte order and packed.
_HEAD = struct.Struct("=HI")


class _MonitorMessage(TypedDict):
    event: int
    value: int
    endpoint: bytes


def parse_monitor_message(msg: Sequence[bytes]) -> _MonitorMessage:
    """Return what a message of a monitor says.

    Args:
        msg: Its two parts, as ``recv_multipart`` returns them.

    Returns:
        A dict of ``event`` (an ``Event``), ``value`` (a descriptor, an errno,
        milliseconds or a code, by event) and ``endpoint`` (bytes).

    Raises:
        RuntimeError: It is no such message.
    """
    if len(msg) != 2 or len(msg[0]) != _HEAD.size:
        raise RuntimeError(f"not a monitor's message: {msg!r}")
    event, value = _HEAD.unpack(msg[0])
    return {"event": Event(event), "value": value, "endpoint": msg[1]}


@overload
def recv_monitor_message(
    socket: asyncio.Socket, flags: int = 0
) -> Awaitable[_MonitorMessage]: ...


@overload
def recv_monitor_message(socket: Socket[bytes], flags: int = 0) -> _MonitorMessage: ...


def recv_monitor_message(socket: Any, flags: int = 0) -> Any:
    """Receive the next event of a monitor.

    Args:
        socket: What ``Socket.get_monitor_socket`` returned.
        flags: DONTWAIT, or 0.

    Returns:
        As ``parse_monitor_message``; of an asynchronous socket a future of it.
    """
    return socket._deserialize(socket.recv_multipart(flags), parse_monitor_message)
