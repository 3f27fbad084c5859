# SPDX-License-Identifier: Apache-2.0
"""One message there and taken at once, over inproc, in one thread: no wake-ups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Measure = Callable[..., Any]
Pair = tuple[Any, Any]


@pytest.mark.parametrize("size", [0, 64, 4096, 65536])
def test_bytes(measure: Measure, pair: Pair, size: int) -> None:
    send, recv = pair[0].send, pair[1].recv
    body = b"x" * size

    def work() -> bytes:
        send(body)
        got: bytes = recv()
        return got

    assert measure(f"send and recv, {size} B", work) == body


@pytest.mark.parametrize("size", [64, 65536])
def test_no_copy(measure: Measure, pair: Pair, size: int) -> None:
    send, recv = pair[0].send, pair[1].recv
    body = b"x" * size

    def work() -> Any:
        send(body, copy=False)
        return recv(copy=False)

    frame = measure(f"send and recv, copy=False, {size} B", work)
    assert frame.bytes == body


@pytest.mark.parametrize("n", [2, 10])
def test_multipart(measure: Measure, pair: Pair, n: int) -> None:
    send, recv = pair[0].send_multipart, pair[1].recv_multipart
    parts = [b"x" * 64] * n

    def work() -> list[bytes]:
        send(parts)
        got: list[bytes] = recv()
        return got

    assert measure(f"multipart, {n} parts of 64 B", work) == parts


def test_burst(measure: Measure, pair: Pair) -> None:
    send, recv = pair[0].send, pair[1].recv
    body = b"x" * 64

    def work() -> bytes:
        for _ in range(100):
            send(body)
        for _ in range(99):
            recv()
        got: bytes = recv()
        return got

    assert measure("100 sends, then 100 recvs, 64 B", work) == body


def test_nothing_there(measure: Measure, library: Any, pair: Pair) -> None:
    recv, flag, again = pair[1].recv, library.DONTWAIT, library.Again

    def work() -> bool:
        try:
            recv(flag)
        except again:
            return True
        return False

    assert measure("recv of nothing (DONTWAIT)", work)


@pytest.mark.parametrize("kind", ["string", "json", "pyobj"])
def test_encoded(measure: Measure, pair: Pair, kind: str) -> None:
    send = getattr(pair[0], f"send_{kind}")
    recv = getattr(pair[1], f"recv_{kind}")
    value: Any = "text " * 10 if kind == "string" else {"number": 1, "word": "text"}

    def work() -> Any:
        send(value)
        return recv()

    assert measure(f"send_{kind} and recv_{kind}", work) == value
