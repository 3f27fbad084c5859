# SPDX-License-Identifier: Apache-2.0
"""Proxies whose copies say from which side a message came."""

from __future__ import annotations

from .._core import monitored_queue
from ..constants import SocketType
from .proxydevice import ProcessProxy, Proxy, ProxyBase, ThreadProxy

__all__ = ["MonitoredQueue", "ProcessMonitoredQueue", "ThreadMonitoredQueue"]


class MonitoredQueueBase(ProxyBase):
    """What monitored queues have beyond proxies: the first frames of the copies.

    Args:
        in_type: The type of one socket.
        out_type: That of the other.
        mon_type: The type of the one that gets copies.
        in_prefix: The first frame of copies of what the in socket received.
        out_prefix: The first frame of copies of what the out socket received.
    """

    def __init__(
        self,
        in_type: int,
        out_type: int,
        mon_type: int = SocketType.PUB,
        in_prefix: bytes = b"in",
        out_prefix: bytes = b"out",
    ) -> None:
        super().__init__(in_type, out_type, mon_type)
        self._in_prefix = in_prefix
        self._out_prefix = out_prefix

    def run_device(self) -> None:
        """Make the sockets and pass messages, until the context ends."""
        ins, outs, mons = self._setup_sockets()
        monitored_queue(ins, outs, mons, self._in_prefix, self._out_prefix)


class MonitoredQueue(MonitoredQueueBase, Proxy):
    """A ``Proxy`` whose copies say from which side a message came."""


class ThreadMonitoredQueue(MonitoredQueueBase, ThreadProxy):
    """A ``MonitoredQueue`` in a thread."""


class ProcessMonitoredQueue(MonitoredQueueBase, ProcessProxy):
    """A ``MonitoredQueue`` in a process."""
