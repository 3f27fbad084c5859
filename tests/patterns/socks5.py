# SPDX-License-Identifier: Apache-2.0
"""A SOCKS5 proxy for tests: notes what it is asked, and says what it is told to."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import NamedTuple

NO_LOGIN, LOGIN, NO_METHOD = 0, 2, 0xFF
V4, NAME, V6 = 1, 3, 4


class Request(NamedTuple):
    """What a client wanted."""

    host: str
    port: int
    login: tuple[bytes, bytes] | None = None


class Proxy:
    """Serves until closed, one thread for the listener and two for a connection.

    Args:
        to: The address that every request is led to.
        reply: What is answered: 0 succeeds.
        password: What a login must have; None: there is no login.
    """

    def __init__(
        self,
        to: tuple[str, int] | None = None,
        reply: int = 0,
        password: bytes | None = None,
    ) -> None:
        self.to = to
        self.reply = reply
        self.password = password
        self.requests: list[Request] = []
        self.callers: list[str] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def cut(self) -> None:
        """End every connection, but go on accepting."""
        for one in [*self.open]:  # it grows meanwhile
            end(one)

    def close(self) -> None:
        """Close every connection and wait for the threads."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.threads[0].join()
        self.cut()
        for thread in self.threads:
            thread.join()
        for one in self.open:
            one.close()

    def _start(self, run, *args) -> None:
        thread = threading.Thread(target=run, args=args)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, caller = self.listener.accept()
            except OSError:
                return
            self.callers.append(caller[0])
            self.open.append(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            self._lead(client)
        except (EOFError, OSError):
            client.close()

    def _lead(self, client: socket.socket) -> None:
        version, n = read(client, 2)
        methods = read(client, n)
        wanted = NO_LOGIN if self.password is None else LOGIN
        assert version == 5
        if wanted not in methods:
            client.sendall(bytes((5, NO_METHOD)))
            client.close()
            return
        client.sendall(bytes((5, wanted)))
        login = self._login(client) if wanted == LOGIN else None
        host, port = read_request(client)
        self.requests.append(Request(host, port, login))
        if self.reply != 0 or self.to is None:
            client.sendall(bytes((5, self.reply, 0, V4)) + bytes(6))
            client.close()
            return
        server = socket.create_connection(self.to)
        self.open.append(server)
        client.sendall(bytes((5, 0, 0, NAME, 5)) + b"proxy" + bytes(2))
        self._start(relay, client, server)
        relay(server, client)

    def _login(self, client: socket.socket) -> tuple[bytes, bytes]:
        version, n = read(client, 2)
        user = read(client, n)
        password = read(client, read(client, 1)[0])
        assert version == 1
        is_right = password == self.password
        client.sendall(bytes((1, 0 if is_right else 1)))
        if not is_right:
            client.close()
            raise EOFError
        return user, password


def end(stream: socket.socket) -> None:
    """End a connection that may have ended."""
    with suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)


def read(stream: socket.socket, n: int) -> bytes:
    """Return just `n` bytes."""
    data = b""
    while len(data) < n:
        more = stream.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def read_request(client: socket.socket) -> tuple[str, int]:
    """Return the host and port that are asked for."""
    version, command, _, kind = read(client, 4)
    assert (version, command) == (5, 1)
    if kind == NAME:
        host = read(client, read(client, 1)[0]).decode()
    elif kind == V4:
        host = socket.inet_ntop(socket.AF_INET, read(client, 4))
    else:
        assert kind == V6
        host = socket.inet_ntop(socket.AF_INET6, read(client, 16))
    return host, struct.unpack(">H", read(client, 2))[0]


def relay(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until either end is closed."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
