# SPDX-License-Identifier: Apache-2.0
"""What is measured side by side: libraries with one interface, and plain sockets."""

from __future__ import annotations

import importlib
import importlib.util
import socket
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Peer:
    name: str
    module: str

    def load(self) -> Any:
        return importlib.import_module(self.module)

    def is_installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    def version(self) -> str:
        library = self.load()
        text = str(getattr(library, "__version__", ""))
        if self.name == "pyzmq":
            text += f", libzmq {library.zmq_version()}"
        return text


PEERS = {
    peer.name: peer
    for peer in (
        Peer("fastmq", "fastmq"),
        Peer("pyzmq", "zmq"),
        Peer("sockets", "socket"),
    )
}


def accept_plain(listener: socket.socket) -> socket.socket:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def connect_plain(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
