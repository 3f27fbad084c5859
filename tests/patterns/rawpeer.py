# SPDX-License-Identifier: Apache-2.0
"""A peer that speaks ZMTP 3 byte by byte, as the test tells it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48)
MORE, LONG, COMMAND = 1, 2, 4


class Frame(NamedTuple):
    flags: int
    body: bytes


def command(name: bytes, data: bytes = b"") -> bytes:
    body = bytes([len(name)]) + name + data
    if len(body) < 256:
        return bytes([COMMAND, len(body)]) + body
    return bytes([COMMAND | LONG]) + struct.pack("!Q", len(body)) + body


def message(*parts: bytes) -> bytes:
    """Return the frames of a message; parts of up to 255 bytes."""
    last = len(parts) - 1
    return b"".join(
        bytes([MORE if i < last else 0, len(part)]) + part
        for i, part in enumerate(parts)
    )


def ready(kind: bytes, **properties: bytes) -> bytes:
    """Return READY of a socket type, with more properties (_ stands for -)."""
    named = {"Socket-Type": kind, **properties}
    data = b"".join(
        bytes([len(name)])
        + name.replace("_", "-").encode()
        + struct.pack("!I", len(value))
        + value
        for name, value in named.items()
    )
    return command(b"READY", data)


class RawPeer:
    """A connection, and what came over it."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.socket.settimeout(20)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self, n: int) -> bytes:
        """Read exactly so many bytes."""
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            assert part, f"the end came after {data!r}"
            data += part
        return data

    def frame(self) -> Frame:
        """Read one frame of ZMTP 2 or 3."""
        (flags,) = self.read(1)
        form = "!Q" if flags & LONG else "!B"
        (size,) = struct.unpack(form, self.read(struct.calcsize(form)))
        return Frame(flags & ~LONG, self.read(size))

    def command(self) -> bytes:
        """Read frames up to a command, and return its body."""
        while True:
            frame = self.frame()
            if frame.flags & COMMAND:
                return frame.body

    def shake(self, kind: bytes, **properties: bytes) -> bytes:
        """Do the handshake of the NULL mechanism; return the body of its READY."""
        self.send(GREETING + ready(kind, **properties))
        self.read(64)
        return self.frame().body

    def await_end(self) -> bytes:
        """Read to the end of the connection."""
        data = b""
        try:
            while part := self.socket.recv(65536):
                data += part
        except ConnectionResetError:
            pass
        return data


@contextmanager
def connected(endpoint: str) -> Iterator[RawPeer]:
    """Connect to an endpoint."""
    if endpoint.startswith("ipc://"):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(endpoint.removeprefix("ipc://"))
    else:
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        connection = socket.create_connection((host, int(port)))
    with closing(connection):
        yield RawPeer(connection)


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """Listen on a free port: the listener and its endpoint."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(20)
        yield listener, f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def accept(listener: socket.socket) -> RawPeer:
    """Accept a connection; the caller closes `.socket`."""
    connection, _ = listener.accept()
    return RawPeer(connection)
