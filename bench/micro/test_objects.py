# SPDX-License-Identifier: Apache-2.0
"""What surrounds messages: frames, options, polling, sockets that come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Measure = Callable[..., Any]
Pair = tuple[Any, Any]


@pytest.mark.parametrize("size", [64, 65536])
def test_frame_made(measure: Measure, library: Any, size: int) -> None:
    body = b"x" * size
    frame = measure(f"Frame of {size} B", library.Frame, body)
    assert frame.bytes == body


@pytest.mark.parametrize("attribute", ["bytes", "buffer"])
def test_frame_read(measure: Measure, library: Any, attribute: str) -> None:
    frame = library.Frame(b"x" * 64)
    got = measure(f"Frame.{attribute}, 64 B", getattr, frame, attribute)
    assert bytes(got) == b"x" * 64


@pytest.mark.parametrize("is_ready", [False, True], ids=["idle", "ready"])
def test_poll(measure: Measure, library: Any, pair: Pair, is_ready: bool) -> None:
    if is_ready:
        pair[0].send(b"")
    group = f"socket.poll(0), {'a message there' if is_ready else 'nothing there'}"
    assert measure(group, pair[1].poll, 0) == (library.POLLIN if is_ready else 0)


@pytest.mark.parametrize("n", [1, 10])
def test_poller(measure: Measure, library: Any, pair: Pair, n: int) -> None:
    context = pair[0].context
    idle = [context.socket(library.PULL) for _ in range(n - 1)]
    poller = library.Poller()
    for socket in [*idle, pair[1]]:
        poller.register(socket, library.POLLIN)
    pair[0].send(b"")
    found = measure(f"Poller.poll(0), {n} sockets, one ready", poller.poll, 0)
    for socket in idle:
        socket.close()
    assert found == [(pair[1], library.POLLIN)]


@pytest.mark.parametrize("way", ["get", "attribute"])
def test_option_read(measure: Measure, library: Any, pair: Pair, way: str) -> None:
    socket = pair[0]
    socket.linger = 5
    if way == "get":
        value = measure("socket.get(LINGER)", socket.get, library.LINGER)
    else:
        value = measure("socket.linger", getattr, socket, "linger")
    assert value == 5


def test_option_set(measure: Measure, library: Any, pair: Pair) -> None:
    measure("socket.set(LINGER)", pair[0].set, library.LINGER, 7)
    assert pair[0].linger == 7


def test_socket(measure: Measure, library: Any, pair: Pair) -> None:
    context = pair[0].context

    def work() -> bool:
        socket = context.socket(library.PUSH)
        socket.close()
        return bool(socket.closed)

    assert measure("a socket opened and closed", work)
