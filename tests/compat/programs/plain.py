# SPDX-License-Identifier: Apache-2.0
"""zeroless: requests and pipelines behind functions and iterators."""

from __future__ import annotations

import socket
import threading

from zeroless import Client, Server


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def answer(server) -> None:
    reply, listen = server.reply()
    for _ in range(3):
        reply(next(listen).upper())


if __name__ == "__main__":
    port = free_port()
    thread = threading.Thread(target=answer, args=[Server(port)])
    thread.start()
    client = Client()
    client.connect_local(port)
    request, listen = client.request()
    for body in (b"a", b"bc", b"d" * 100_000):
        request(body)
        got = next(listen)
        print(len(got), got[:2])
    thread.join()
    port = free_port()
    client = Client()
    client.connect_local(port)
    push, pull = client.push(), Server(port).pull()
    for i in range(100):
        push(b"%d" % i)
    print(sum(int(next(pull)) for _ in range(100)))
