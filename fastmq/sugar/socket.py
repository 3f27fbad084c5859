# SPDX-License-Identifier: Apache-2.0
"""Sockets: ``fastmq.socket``."""

from __future__ import annotations

from ..socket import Socket, _SocketContext
from .context import SyncSocket

__all__ = ["Socket", "SyncSocket", "_SocketContext"]
