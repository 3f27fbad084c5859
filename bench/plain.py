# SPDX-License-Identifier: Apache-2.0
"""The same work on the operating system's sockets alone: messages of one known size.

What a library that frames, queues and reconnects is measured against.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from bench.cases import Case

# From this size on a receiver asks for each message by itself.
BIG = 16 * 1024
BUFFER_BYTES = 64 * 1024


@contextmanager
def open_end(
    case: Case, pipe: Connection, order: dict[str, Any]
) -> Iterator[socket.socket]:
    if order["role"] == "server":
        with listen(case, order["folder"]) as listener:
            pipe.send(("endpoint", listener.getsockname()))
            connection, _ = listener.accept()
    else:
        connection = socket.socket(family(case))
        connection.connect(pipe.recv())
    with connection:
        if case.transport == "tcp":
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def family(case: Case) -> socket.AddressFamily:
    return socket.AF_INET if case.transport == "tcp" else socket.AF_UNIX


def listen(case: Case, folder: str) -> socket.socket:
    listener = socket.socket(family(case))
    listener.bind(("127.0.0.1", 0) if case.transport == "tcp" else f"{folder}/bench")
    listener.listen()
    return listener


def actions(case: Case, connection: socket.socket) -> dict[str, Callable[[int], None]]:
    body = b"x" * case.size
    size = case.size
    send = connection.sendall
    read = connection.makefile("rb", BUFFER_BYTES).read
    if case.size >= BIG or not case.is_rate:

        def read(size: int) -> bytes:
            return connection.recv(size, socket.MSG_WAITALL)

    def push(n: int) -> None:
        for _ in range(n):
            send(body)

    def pull(n: int) -> None:
        for _ in range(n):
            read(size)

    def answer(n: int) -> None:
        for _ in range(n):
            send(read(size))

    def ask(n: int) -> None:
        for _ in range(n):
            send(body)
            read(size)

    if case.is_rate:
        return {"server": push, "client": pull}
    return {"server": answer, "client": ask}
