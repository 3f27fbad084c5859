# SPDX-License-Identifier: Apache-2.0
"""The same work on the operating system's sockets alone: messages of one known size.

What a library that frames, queues and reconnects is measured against.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from bench import works
from bench.cases import Case
from bench.works import End, Wire

# From this size on a receiver asks for each message by itself.
BIG = 16 * 1024
BUFFER_BYTES = 64 * 1024


@contextmanager
def server(case: Case, where: str) -> Iterator[End]:
    """Yield the end that accepts: it can work once it is connected."""
    with listen(case, where) as listener:
        end = End(works.nothing, works.nothing, listener.getsockname())
        accepted: list[socket.socket] = []

        def accept() -> None:
            connection, _ = listener.accept()
            accepted.append(connection)
            ready = works.end_of(case, "server", wire(case, connection))
            end.work, end.probe = ready.work, ready.probe

        end.on_connected = accept
        yield end
        for connection in accepted:
            connection.close()


@contextmanager
def client(case: Case, endpoint: Any) -> Iterator[End]:
    with socket.socket(family(case)) as connection:
        connection.connect(endpoint)
        yield works.end_of(case, "client", wire(case, connection))


def family(case: Case) -> socket.AddressFamily:
    return socket.AF_INET if case.transport == "tcp" else socket.AF_UNIX


def listen(case: Case, where: str) -> socket.socket:
    listener = socket.socket(family(case))
    listener.bind(("127.0.0.1", 0) if case.transport == "tcp" else where[6:])
    listener.listen()
    return listener


def wire(case: Case, connection: socket.socket) -> Wire:
    if case.transport == "tcp":
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if case.spin_us:
        connection.setblocking(False)
        recv = partial(look_for, connection, case.size)
    elif case.size >= BIG or not case.is_rate:
        recv = partial(connection.recv, case.size, socket.MSG_WAITALL)
    else:
        recv = partial(connection.makefile("rb", BUFFER_BYTES).read, case.size)
    return Wire(connection.sendall, recv)


def look_for(connection: socket.socket, size: int) -> bytes:
    """Receive a short message without ever sleeping for it."""
    while True:
        try:
            return connection.recv(size)
        except BlockingIOError:
            pass
