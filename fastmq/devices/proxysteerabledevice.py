# SPDX-License-Identifier: Apache-2.0
"""Proxies with a fourth socket, which commands them."""

from __future__ import annotations

from typing import Any

from .._core import proxy_steerable
from ..constants import SocketType
from ..socket import Socket
from .basedevice import _End
from .proxydevice import ProcessProxy, Proxy, ProxyBase, ThreadProxy

__all__ = ["ProcessProxySteerable", "ProxySteerable", "ThreadProxySteerable"]


class ProxySteerableBase(ProxyBase):
    """What steerable proxies have beyond proxies: the ctrl socket.

    It takes the commands of ``proxy_steerable``.

    Args:
        in_type: The type of one socket.
        out_type: That of the other.
        mon_type: The type of the one that gets copies.
        ctrl_type: The type of the one that takes commands; to be given.
    """

    def __init__(
        self,
        in_type: int,
        out_type: int,
        mon_type: int = SocketType.PUB,
        ctrl_type: int | None = None,
    ) -> None:
        super().__init__(in_type, out_type, mon_type)
        self.ctrl_type = ctrl_type
        self._ctrl = _End()

    def bind_ctrl(self, addr: str) -> None:
        """Have the ctrl socket bound to an address.

        Args:
            addr: As for ``Socket.bind``.
        """
        self._ctrl.binds.append(addr)

    def bind_ctrl_to_random_port(self, addr: str, *args: int, **kwargs: int) -> int:
        """Have the ctrl socket bound to a port that is free now, and return the port.

        Args:
            addr: The address without the port.
            args: As for ``Socket.bind_to_random_port``.
            kwargs: The same.

        Raises:
            ZMQBindError: None of those tried was free.
        """
        return self._bind_to_random_port(self._ctrl, addr, args, kwargs)

    def connect_ctrl(self, addr: str) -> None:
        """Have the ctrl socket connected to an address.

        Args:
            addr: As for ``Socket.connect``.
        """
        self._ctrl.connects.append(addr)

    def setsockopt_ctrl(self, opt: int, value: Any) -> None:
        """Have an option of the ctrl socket set.

        Args:
            opt: A member of ``SocketOption``.
            value: Its value.
        """
        self._ctrl.options.append((opt, value))

    def _setup_sockets(self) -> tuple[Socket[Any], ...]:
        if self.ctrl_type is None:
            raise TypeError("ctrl_type must be specified")
        ins, outs, mons = super()._setup_sockets()
        return ins, outs, mons, self._open(self.ctrl_type, self._ctrl)

    def run_device(self) -> None:
        """Make the sockets and pass messages, until told to end."""
        ins, outs, mons, ctrls = self._setup_sockets()
        proxy_steerable(ins, outs, mons, ctrls)


class ProxySteerable(ProxySteerableBase, Proxy):
    """A ``Proxy`` that takes commands."""


class ThreadProxySteerable(ProxySteerableBase, ThreadProxy):
    """A ``ProxySteerable`` in a thread."""


class ProcessProxySteerable(ProxySteerableBase, ProcessProxy):
    """A ``ProxySteerable`` in a process."""
