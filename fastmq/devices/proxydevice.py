# SPDX-License-Identifier: Apache-2.0
"""Devices with a third socket, which gets a copy of every message."""

from __future__ import annotations

from typing import Any

from .._core import proxy
from ..constants import DeviceType, SocketType
from ..socket import Socket
from .basedevice import Device, ProcessDevice, ThreadDevice, _End

__all__ = ["ProcessProxy", "Proxy", "ThreadProxy"]


class ProxyBase(Device):
    """What proxies have beyond devices: the mon socket.

    Args:
        in_type: The type of one socket.
        out_type: That of the other.
        mon_type: The type of the one that gets copies.
    """

    def __init__(
        self, in_type: int, out_type: int, mon_type: int = SocketType.PUB
    ) -> None:
        super().__init__(DeviceType.QUEUE, in_type, out_type)
        self.mon_type = mon_type
        self._mon = _End()

    def bind_mon(self, addr: str) -> None:
        """Have the mon socket bound to an address.

        Args:
            addr: As for ``Socket.bind``.
        """
        self._mon.binds.append(addr)

    def bind_mon_to_random_port(self, addr: str, *args: int, **kwargs: int) -> int:
        """Have the mon socket bound to a port that is free now, and return the port.

        Args:
            addr: The address without the port.
            args: As for ``Socket.bind_to_random_port``.
            kwargs: The same.

        Raises:
            ZMQBindError: None of those tried was free.
        """
        return self._bind_to_random_port(self._mon, addr, args, kwargs)

    def connect_mon(self, addr: str) -> None:
        """Have the mon socket connected to an address.

        Args:
            addr: As for ``Socket.connect``.
        """
        self._mon.connects.append(addr)

    def setsockopt_mon(self, opt: int, value: Any) -> None:
        """Have an option of the mon socket set.

        Args:
            opt: A member of ``SocketOption``.
            value: Its value.
        """
        self._mon.options.append((opt, value))

    def _setup_sockets(self) -> tuple[Socket[Any], ...]:
        ins, outs = super()._setup_sockets()
        return ins, outs, self._open(self.mon_type, self._mon)

    def run_device(self) -> None:
        """Make the sockets and pass messages, until the context ends."""
        ins, outs, mons = self._setup_sockets()
        proxy(ins, outs, mons)


class Proxy(ProxyBase):
    """Passes messages between two sockets, and a copy of each to a third."""


class ThreadProxy(ProxyBase, ThreadDevice):
    """A ``Proxy`` in a thread."""


class ProcessProxy(ProxyBase, ProcessDevice):
    """A ``Proxy`` in a process."""
