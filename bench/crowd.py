# SPDX-License-Identifier: Apache-2.0
"""Thousands of peers in one process: plain sockets that speak canned ZMTP 3.1.

What can be said at once is (the greeting and READY); what follows must wait for the
other side's READY, as the protocol has it: libzmq breaks off with whoever does not.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from multiprocessing.connection import Connection
from typing import Any

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48)
MORE, LONG, COMMAND = 1, 2, 4
PATIENCE_S = 60


def frame(flags: int, body: bytes) -> bytes:
    return bytes([flags, len(body)]) + body


def property_bytes(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + struct.pack("!I", len(value)) + value


def ready(kind: bytes, identity: bytes | None = None) -> bytes:
    body = b"\x05READY" + property_bytes(b"Socket-Type", kind)
    if identity is not None:
        body += property_bytes(b"Identity", identity)
    return frame(COMMAND, body)


class Member:
    """One peer: its descriptor, and what it was told and has not looked at."""

    def __init__(self, address: tuple[str, int], name: bytes) -> None:
        self.name = name
        self.socket = socket.create_connection(address)
        self.bytes = b""
        self.has_greeting = False
        self.frames: list[tuple[int, bytes]] = []

    def read(self) -> None:
        """Take what there is; raise if it is the end."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"{self.name!r} was left alone: {self.bytes!r}")
        self.bytes += data
        if not self.has_greeting and len(self.bytes) >= 64:
            self.has_greeting = True
            self.bytes = self.bytes[64:]
        while self.has_greeting and self.take_frame():
            pass

    def take_frame(self) -> bool:
        if len(self.bytes) < 2:
            return False
        at, size = 2, self.bytes[1]
        if self.bytes[0] & LONG:
            at, size = 9, int.from_bytes(self.bytes[1:9].ljust(8, b"\xff"), "big")
        if len(self.bytes) < at + size:
            return False
        self.frames.append((self.bytes[0] & ~LONG, self.bytes[at : at + size]))
        self.bytes = self.bytes[at + size :]
        return True


class Crowd:
    """All of a process; each method is a command of the driver's."""

    def __init__(self) -> None:
        self.members: list[Member] = []

    def come(self, order: tuple[str, int, str, range]) -> int:
        """Connect, and shake hands with everybody."""
        host, port, kind, numbers = order
        for number in numbers:
            member = Member((host, port), b"peer %d" % number)
            identity = member.name if kind == "DEALER" else None
            member.socket.sendall(GREETING + ready(kind.encode(), identity))
            self.members.append(member)
        self.hear_each(1)
        for member in self.members:
            flags, body = member.frames.pop(0)
            if flags != COMMAND or not body.startswith(b"\x05READY"):
                raise ValueError(f"{member.name!r} was told {body!r}")
        return len(self.members)

    def hear_each(self, n: int) -> None:
        """Read until each has this many frames at least."""
        waiting = {m.socket.fileno(): m for m in self.members if len(m.frames) < n}
        deadline = time.monotonic() + PATIENCE_S
        with select.epoll() as poller:
            for descriptor in waiting:
                poller.register(descriptor, select.EPOLLIN)
            while waiting:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{len(waiting)} have not heard {n} frames")
                for descriptor, _ in poller.poll(1):
                    member = waiting[descriptor]
                    member.read()
                    if len(member.frames) >= n:
                        poller.unregister(descriptor)
                        del waiting[descriptor]

    def speak(self, _: None) -> int:
        """Have each say its name."""
        for member in self.members:
            member.socket.sendall(frame(0, b"I am " + member.name))
        return len(self.members)

    def hear_answers(self, _: None) -> int:
        """Have each get the answer that is for it."""
        self.hear_each(1)
        for member in self.members:
            got = member.frames.pop(0)
            if got != (0, b"you are " + member.name) or member.frames:
                raise ValueError(f"{member.name!r} was told {got!r}")
        return len(self.members)

    def subscribe(self, topic: bytes) -> int:
        for member in self.members:
            member.socket.sendall(frame(COMMAND, b"\x09SUBSCRIBE" + topic))
        return len(self.members)

    def hear_topic(self, topic: bytes) -> int:
        """Have each hear what begins like this; forget all that it heard."""
        self.hear_each(1)
        for member in self.members:
            for _, body in member.frames:
                if not body.startswith(topic):
                    raise ValueError(f"{member.name!r} was told {body!r}")
            member.frames.clear()
        return len(self.members)

    def hear_last(self, last: bytes) -> int:
        """Have each hear everything up to this."""
        waiting = self.members
        while waiting := [m for m in waiting if (0, last) not in m.frames]:
            for member in waiting:
                member.frames.clear()
            self.hear_each(1)
        for member in self.members:
            if member.frames[-1] != (0, last):
                raise ValueError(f"{member.name!r} was told {member.frames[-1]!r}")
            member.frames.clear()
        return len(self.members)

    def go(self, _: None) -> int:
        n = len(self.members)
        for member in self.members:
            member.socket.close()
        self.members.clear()
        return n


def play(_: Any, pipe: Connection, order: dict[str, Any]) -> None:
    crowd = Crowd()
    while (command := pipe.recv())[0] != "stop":
        pipe.send(("done", getattr(crowd, command[0])(command[1])))
