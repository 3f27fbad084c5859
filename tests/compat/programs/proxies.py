# SPDX-License-Identifier: Apache-2.0
"""commlink: an object behind a socket; its attributes, methods and errors."""

from __future__ import annotations

import socket

from commlink import RPCClient, RPCServer


class Thing:
    value = 3

    def add(self, a, b=1):
        return a + b

    def fail(self):
        raise KeyError("gone")


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


if __name__ == "__main__":
    port = free_port()
    server = RPCServer(Thing(), port=port)
    server.start()
    client = RPCClient("127.0.0.1", port=port)
    print(client.add(2, b=5), client.value, client.add("x" * 100_000, b="y")[-2:])
    client.value = 8
    print(client.value)
    try:
        client.fail()
    except Exception as error:
        print(type(error).__name__, error.exception_type)
    client.stop_server()
