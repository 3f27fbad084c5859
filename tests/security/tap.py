# SPDX-License-Identifier: Apache-2.0
"""Somebody on the line: passes what two peers say by frames, and may change it."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

GREETING_SIZE = 64
LONG = 2

# Of a frame that is the n-th of its side: what is passed on instead.
Bend = Callable[[int, bytes], list[bytes]]


def as_it_is(number: int, frame: bytes) -> list[bytes]:
    return [frame]


def flip(frame: bytes, at: int) -> bytes:
    """Return a frame with one bit changed; `at` may count from the end."""
    changed = bytearray(frame)
    changed[at] ^= 0x40
    return bytes(changed)


class Tap:
    """Listens at `endpoint` and passes one connection on to a server."""

    def __init__(
        self, server: str, client_says: Bend = as_it_is, server_says: Bend = as_it_is
    ) -> None:
        host, port = server.removeprefix("tcp://").rsplit(":", 1)
        self.far = host, int(port)
        self.bends = client_says, server_says
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.ends: list[socket.socket] = []
        self.threads = [threading.Thread(target=self.run)]
        self.threads[0].start()

    def run(self) -> None:
        with suppress(OSError):
            near, _ = self.listener.accept()
            far = socket.create_connection(self.far)
            self.ends += near, far
            back = threading.Thread(target=self.pump, args=(far, near, self.bends[1]))
            self.threads.append(back)
            back.start()
            self.pump(near, far, self.bends[0])

    def pump(self, source: socket.socket, to: socket.socket, bend: Bend) -> None:
        with suppress(OSError, EOFError):
            for _ in range(GREETING_SIZE):  # each side waits for parts of the other's
                to.sendall(self.read(source, 1))
            number = 0
            while True:
                for frame in bend(number, self.frame(source)):
                    to.sendall(frame)
                number += 1
        with suppress(OSError):
            to.shutdown(socket.SHUT_WR)

    def read(self, source: socket.socket, n: int) -> bytes:
        data = b""
        while len(data) < n:
            part = source.recv(n - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def frame(self, source: socket.socket) -> bytes:
        head = self.read(source, 1)
        form = "!Q" if head[0] & LONG else "!B"
        size = self.read(source, struct.calcsize(form))
        return head + size + self.read(source, struct.unpack(form, size)[0])

    def __enter__(self) -> Tap:
        return self

    def __exit__(self, *_: Any) -> None:
        for end in [self.listener, *self.ends]:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        for thread in self.threads:
            thread.join()
