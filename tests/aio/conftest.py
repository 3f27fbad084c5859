# SPDX-License-Identifier: Apache-2.0
"""Sockets in event loops: what both have runs on both, fastmq and pyzmq.

On asyncio's loop and, where it is installed, on uvloop's.
"""

from __future__ import annotations

import asyncio
import importlib
import warnings
from collections.abc import Awaitable, Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

PATIENCE_S = 20


@pytest.fixture(params=["fastmq", "zmq"])
def zmq(request: pytest.FixtureRequest) -> ModuleType:
    importlib.import_module(f"{request.param}.asyncio")
    return importlib.import_module(request.param)


@pytest.fixture
def ours(zmq: ModuleType) -> bool:
    """Whether this is fastmq: for the few places where pyzmq is known to be wrong."""
    return zmq.__name__ == "fastmq"


@pytest.fixture(params=["asyncio", "uvloop"])
def new_loop(request: pytest.FixtureRequest) -> Callable[[], Any]:
    if request.param == "asyncio":
        return asyncio.new_event_loop
    new: Callable[[], Any] = pytest.importorskip("uvloop").new_event_loop
    return new


@pytest.fixture
def run(new_loop: Callable[[], Any]) -> Callable[[Awaitable[Any]], Any]:
    """Return a function that runs a coroutine to its end, on a loop of its own."""

    def run_on_a_loop(what: Awaitable[Any]) -> Any:
        loop = new_loop()
        asyncio.set_event_loop(loop)
        try:
            return loop.run_until_complete(asyncio.wait_for(what, PATIENCE_S))
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    return run_on_a_loop


@pytest.fixture
def ctx(zmq: ModuleType) -> Iterator[Any]:
    context = zmq.asyncio.Context()
    yield context
    with warnings.catch_warnings():
        # pyzmq takes its reader off a loop that is closed by now.
        warnings.simplefilter("ignore")
        context.destroy(linger=0)


@pytest.fixture
def make(ctx: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that makes a socket, which is closed in the end."""
    sockets = []

    def make_socket(*args: Any, **options: Any) -> Any:
        socket = ctx.socket(*args)
        socket.linger = 0
        for name, value in options.items():
            setattr(socket, name, value)
        sockets.append(socket)
        return socket

    yield make_socket
    for socket in sockets:
        socket.close()


@pytest.fixture
def pair(make: Any) -> Callable[..., tuple[Any, Any]]:
    """Return a function that makes two sockets; the first connects to the second."""

    def connected(
        first: int, second: int, endpoint: str = "tcp://127.0.0.1:*", **options: Any
    ) -> tuple[Any, Any]:
        a, b = make(first, **options), make(second, **options)
        b.bind(endpoint)
        a.connect(b.last_endpoint.decode())
        return a, b

    return connected


@pytest.fixture
def push_pull(zmq: ModuleType, pair: Any) -> tuple[Any, Any]:
    push, pull = pair(zmq.PUSH, zmq.PULL)
    return push, pull
