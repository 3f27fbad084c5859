# SPDX-License-Identifier: Apache-2.0
"""Both libraries, in every pairing, and sockets that are closed whatever happens.

FASTMQ_TEST_LIBRARY=zmq puts pyzmq in fastmq's place: it shows that a test is fair.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from interop import process
from ports import held_port

OURS = os.environ.get("FASTMQ_TEST_LIBRARY", "fastmq")
PAIRS = [(OURS, OURS), (OURS, "zmq"), ("zmq", OURS)]


def name_pair(pair: tuple[str, str]) -> str:
    return f"{pair[0]}-{pair[1]}"


@pytest.fixture(params=PAIRS, ids=name_pair)
def libs(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Names of the libraries at the two ends; ours is one of them."""
    return request.param


@pytest.fixture(params=["tcp", "ipc"])
def transport(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def folder() -> Iterator[Path]:
    with process.folder() as path:
        yield path


@pytest.fixture
def fresh(folder: Path) -> Callable[[str], str]:
    """Return a function that makes an endpoint to bind to."""
    numbers = iter(range(1000))

    def make(transport: str) -> str:
        if transport == "tcp":
            return "tcp://127.0.0.1:*"
        if transport == "ipc":
            return f"ipc://{folder}/{next(numbers)}"
        return f"inproc://{folder.name}-{next(numbers)}"

    return make


@pytest.fixture
def wildcard(fresh: Callable[[str], str], transport: str) -> str:
    """An endpoint to bind to, of the transport of the test."""
    return fresh(transport)


@pytest.fixture
def held(fresh: Callable[[str], str]) -> Iterator[Callable[[str], str]]:
    """Like `fresh`, but nobody else gets the endpoint while the test lasts."""
    with ExitStack() as stack:

        def make(transport: str) -> str:
            if transport != "tcp":
                return fresh(transport)
            return f"tcp://127.0.0.1:{stack.enter_context(held_port())}"

        yield make


@pytest.fixture
def held_endpoint(held: Callable[[str], str], transport: str) -> str:
    """An endpoint to bind to again and again, of the transport of the test."""
    return held(transport)


class World:
    """Contexts and sockets of a test; what it left open is closed without linger."""

    def __init__(self) -> None:
        self.contexts: dict[str, Any] = {}
        self.sockets: list[Any] = []

    def context(self, library: str) -> Any:
        if library not in self.contexts:
            self.contexts[library] = self.module(library).Context()
        return self.contexts[library]

    def module(self, library: str) -> ModuleType:
        return importlib.import_module(library)

    def socket(self, library: str, kind: str, **options: int) -> Any:
        module = self.module(library)
        socket = self.context(library).socket(getattr(module, kind))
        socket.rcvtimeo = socket.sndtimeo = 20000
        for name, value in options.items():
            setattr(socket, name, value)
        self.sockets.append(socket)
        return socket

    def end(self) -> None:
        for socket in self.sockets:
            socket.close(linger=0)
        for context in self.contexts.values():
            context.term()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.end()


@pytest.fixture
def ours() -> ModuleType:
    return importlib.import_module(OURS)
