# SPDX-License-Identifier: Apache-2.0
"""What bench/instructions.py counts of Python: ``counted.py WAY MESSAGES BURST SIZE``.

It is run as a text, where no other fastmq lies than the installed one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import fastmq
from fastmq.asyncio import Socket


def calls(push: Any, pull: Any, n: int, burst: int, body: bytes) -> None:
    send, recv = push.send, pull.recv
    for _ in range(n // burst):
        for _ in range(burst):
            send(body)
        for _ in range(burst):
            recv()


def methods(push: Any, pull: Any, n: int, burst: int, body: bytes) -> None:
    """As ``calls``, but each call looks its method up."""
    for _ in range(n // burst):
        for _ in range(burst):
            push.send(body)
        for _ in range(burst):
            pull.recv()


def many(push: Any, pull: Any, n: int, burst: int, body: bytes) -> None:
    batch = [body] * burst
    for _ in range(n // burst):
        push.send_many(batch)
        pull.recv_many(burst)


def parts(push: Any, pull: Any, n: int, burst: int, body: bytes) -> None:
    message = [body, body]
    for _ in range(n // burst):
        for _ in range(burst):
            push.send_multipart(message)
        for _ in range(burst):
            pull.recv_multipart()


def awaits(push: Any, pull: Any, n: int, burst: int, body: bytes) -> None:
    async def main() -> None:
        receiver = Socket(shadow=pull)
        for _ in range(n // burst):
            for _ in range(burst):
                push.send(body)
            for _ in range(burst):
                await receiver.recv()

    asyncio.run(main())


def trips(req: Any, rep: Any, n: int, burst: int, body: bytes) -> None:
    """Both ends in one thread: nobody waits."""
    for _ in range(n // burst):
        req.send(body)
        rep.send(rep.recv())
        req.recv()


Way = Callable[[Any, Any, int, int, bytes], None]
WAYS: dict[str, tuple[Way, int, int, str]] = {
    "calls": (calls, fastmq.PUSH, fastmq.PULL, "inproc://counted"),
    "methods": (methods, fastmq.PUSH, fastmq.PULL, "inproc://counted"),
    "many": (many, fastmq.PUSH, fastmq.PULL, "inproc://counted"),
    "parts": (parts, fastmq.PUSH, fastmq.PULL, "inproc://counted"),
    "asyncio": (awaits, fastmq.PUSH, fastmq.PULL, "inproc://counted"),
    "trips": (trips, fastmq.REQ, fastmq.REP, "tcp://127.0.0.1:*"),
}


def main(way: str, *numbers: str) -> None:
    run, first, second, endpoint = WAYS[way]
    n, burst, size = map(int, numbers)
    with fastmq.Context() as context:
        with context.socket(first) as one, context.socket(second) as other:
            other.bind(endpoint)
            one.connect(other.last_endpoint)
            run(one, other, n, burst, bytes(size))


main(*sys.argv[1:])
