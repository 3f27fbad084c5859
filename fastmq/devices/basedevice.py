# SPDX-License-Identifier: Apache-2.0
"""Devices of two sockets, and what all devices have in common."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import Process
from threading import Thread
from typing import Any, ClassVar

from .._core import proxy
from ..constants import DeviceType, Errno, SocketType
from ..context import Context
from ..error import ZMQBindError, ZMQError
from ..socket import Socket

__all__ = ["Device", "ProcessDevice", "ThreadDevice"]

# What a device sees at its regular end: its context or its sockets are gone.
_ENDS = (Errno.ETERM, Errno.ENOTSOCK)


class _End:
    """What one of a device's sockets is to be."""

    def __init__(self) -> None:
        self.options: list[tuple[int, Any]] = []
        self.binds: list[str] = []
        self.connects: list[str] = []

    def apply(self, socket: Any) -> None:
        for option, value in self.options:
            socket.setsockopt(option, value)
        for addr in self.binds:
            socket.bind(addr)
        for addr in self.connects:
            socket.connect(addr)


class Device:
    """Passes messages between two sockets, in the thread that calls ``start``.

    Args:
        device_type: Plays no part.
        in_type: The type of one socket.
        out_type: That of the other; -1 is no other: the one gets back its own.

    ``context_factory`` makes the context, or finds one; ``done`` is whether the device
    has run and ended.

    >>> import fastmq
    >>> device = ThreadDevice(fastmq.QUEUE, fastmq.PULL, fastmq.PUSH)
    >>> device.bind_in("inproc://device-in")
    >>> device.bind_out("inproc://device-out")
    >>> device.start()
    >>> ctx = fastmq.Context.instance()
    >>> with ctx.socket(fastmq.PUSH) as push, ctx.socket(fastmq.PULL) as pull:
    ...     _ = push.connect("inproc://device-in"), pull.connect("inproc://device-out")
    ...     push.send(b"through")
    ...     pull.recv()
    b'through'
    """

    context_factory: Callable[[], Context[Any]] = Context.instance

    device_type: int
    in_type: int
    out_type: int
    daemon: bool
    done: bool

    def __init__(
        self,
        device_type: int = DeviceType.QUEUE,
        in_type: int | None = None,
        out_type: int | None = None,
    ) -> None:
        if in_type is None:
            raise TypeError("in_type must be specified")
        if out_type is None:
            raise TypeError("out_type must be specified")
        self.device_type = device_type
        self.in_type = in_type
        self.out_type = out_type
        self.daemon = True
        self.done = False
        self._in = _End()
        self._out = _End()
        self._reserved: set[int] = set()
        self._sockets: list[Socket[Any]] = []
        self._context: Context[Any] | None = None

    def bind_in(self, addr: str) -> None:
        """Have the in socket bound to an address.

        Args:
            addr: As for ``Socket.bind``.
        """
        self._in.binds.append(addr)

    def bind_in_to_random_port(self, addr: str, *args: int, **kwargs: int) -> int:
        """Have the in socket bound to a port that is free now, and return the port.

        Args:
            addr: The address without the port.
            args: As for ``Socket.bind_to_random_port``.
            kwargs: The same.

        Raises:
            ZMQBindError: None of those tried was free.
        """
        return self._bind_to_random_port(self._in, addr, args, kwargs)

    def connect_in(self, addr: str) -> None:
        """Have the in socket connected to an address.

        Args:
            addr: As for ``Socket.connect``.
        """
        self._in.connects.append(addr)

    def setsockopt_in(self, opt: int, value: Any) -> None:
        """Have an option of the in socket set.

        Args:
            opt: A member of ``SocketOption``.
            value: Its value.
        """
        self._in.options.append((opt, value))

    def bind_out(self, addr: str) -> None:
        """Have the out socket bound to an address.

        Args:
            addr: As for ``Socket.bind``.
        """
        self._out.binds.append(addr)

    def bind_out_to_random_port(self, addr: str, *args: int, **kwargs: int) -> int:
        """Have the out socket bound to a port that is free now, and return the port.

        Args:
            addr: The address without the port.
            args: As for ``Socket.bind_to_random_port``.
            kwargs: The same.

        Raises:
            ZMQBindError: None of those tried was free.
        """
        return self._bind_to_random_port(self._out, addr, args, kwargs)

    def connect_out(self, addr: str) -> None:
        """Have the out socket connected to an address.

        Args:
            addr: As for ``Socket.connect``.
        """
        self._out.connects.append(addr)

    def setsockopt_out(self, opt: int, value: Any) -> None:
        """Have an option of the out socket set.

        Args:
            opt: A member of ``SocketOption``.
            value: Its value.
        """
        self._out.options.append((opt, value))

    def _bind_to_random_port(
        self, end: _End, addr: str, args: tuple[int, ...], kwargs: dict[str, int]
    ) -> int:
        """Choose a port that is free, and was not chosen before."""
        with Context() as context:
            for _ in range(_MAX_RESERVATIONS):
                with context.socket(SocketType.REQ) as socket:
                    port = socket.bind_to_random_port(addr, *args, **kwargs)
                if port not in self._reserved:
                    self._reserved.add(port)
                    end.binds.append(f"{addr}:{port}")
                    return port
        raise ZMQBindError("Could not bind socket to random port.")

    def _open(self, kind: int, end: _End) -> Socket[Any]:
        """Make one of the sockets, in the thread or process of the device."""
        assert self._context is not None
        socket: Socket[Any] = self._context.socket(kind)
        self._sockets.append(socket)
        end.apply(socket)
        return socket

    def _setup_sockets(self) -> tuple[Socket[Any], ...]:
        """Make the sockets, in the order in which ``run_device`` needs them."""
        self._context = self.context_factory()
        ins = self._open(self.in_type, self._in)
        if self.out_type < 0:
            self._out.apply(ins)
            return ins, ins
        return ins, self._open(self.out_type, self._out)

    def run_device(self) -> None:
        """Make the sockets and pass messages, until the context ends."""
        ins, outs = self._setup_sockets()
        proxy(ins, outs)

    def run(self) -> None:
        """Be the device: what the thread or process does."""
        try:
            self.run_device()
        except ZMQError as error:
            if error.errno not in _ENDS:
                raise
        finally:
            self.done = True
            for socket in self._sockets:
                socket.close()

    def start(self) -> None:
        """Be the device, until the context ends."""
        self.run()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the device has ended.

        Args:
            timeout: In seconds; None waits for ever.
        """


class BackgroundDevice(Device):
    """A device in the background; its subclasses say in which."""

    # The thread or process, once started.
    launcher: Any = None
    _launch_class: ClassVar[Any] = None

    def __getstate__(self) -> dict[str, Any]:
        """Return what a process that is started afresh gets: not its own handle."""
        return {key: value for key, value in vars(self).items() if key != "launcher"}

    def start(self) -> None:
        """Start the device, and return."""
        self.launcher = self._launch_class(target=self.run)
        self.launcher.daemon = self.daemon
        self.launcher.start()

    def join(self, timeout: float | None = None) -> None:
        """Wait until the device has ended.

        Args:
            timeout: In seconds; None waits for ever.

        Raises:
            RuntimeError: It was not started.
        """
        if self.launcher is None:
            raise RuntimeError("cannot join a device before it is started")
        self.launcher.join(timeout=timeout)


class ThreadDevice(BackgroundDevice):
    """A ``Device`` in a thread, with the context ``Context.instance()``."""

    _launch_class = Thread


class ProcessDevice(BackgroundDevice):
    """A ``Device`` in a process, with a context of its own."""

    _launch_class = Process
    context_factory = Context


# A port is given to somebody else rarely, and to ourselves more often.
_MAX_RESERVATIONS = 100
