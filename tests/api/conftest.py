# SPDX-License-Identifier: Apache-2.0
"""Every test here takes ``zmq``, and so runs on fastmq and on pyzmq: the same code."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

# Long enough for a busy machine; what is said to come comes at once.
PATIENCE_MS = 10_000


@pytest.fixture(params=["fastmq", "zmq"])
def zmq(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


@pytest.fixture
def ours(zmq: ModuleType) -> bool:
    """Whether this is fastmq: for the few places where pyzmq is known to be wrong."""
    return zmq.__name__ == "fastmq"


@pytest.fixture
def ctx(zmq: ModuleType) -> Iterator[Any]:
    context = zmq.Context()
    yield context
    context.destroy(linger=0)


@pytest.fixture
def make(ctx: Any) -> Iterator[Callable[..., Any]]:
    """Return a function that makes a socket which gives up in the end."""
    sockets = []

    def make_socket(kind: int, **options: Any) -> Any:
        socket = ctx.socket(kind)
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = PATIENCE_MS
        for name, value in options.items():
            setattr(socket, name, value)
        sockets.append(socket)
        return socket

    yield make_socket
    for socket in sockets:
        socket.close()


@pytest.fixture
def address(tmp_path: Any) -> Callable[[str], str]:
    """Return a function that gives an address to bind to, for a transport."""

    def of(transport: str) -> str:
        if transport == "tcp":
            return "tcp://127.0.0.1:*"
        if transport == "ipc":
            return f"ipc://@fastmq-{os.getpid()}-{id(of)}"
        return f"inproc://{id(of)}"

    return of


@pytest.fixture
def pair(make: Any, address: Any) -> Callable[..., tuple[Any, Any]]:
    """Return a function that makes two sockets; the first connects to the second."""

    def connected(
        first: int, second: int, transport: str = "inproc", **options: Any
    ) -> tuple[Any, Any]:
        a, b = make(first, **options), make(second, **options)
        b.bind(address(transport))
        a.connect(b.last_endpoint.decode())
        return a, b

    return connected


@pytest.fixture
def push_pull(zmq: ModuleType, pair: Any) -> tuple[Any, Any]:
    push, pull = pair(zmq.PUSH, zmq.PULL)
    return push, pull


@pytest.fixture
def run_python(zmq: ModuleType) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a program, ``zmq`` imported, in another process."""

    def run(program: str, *options: str) -> subprocess.CompletedProcess[str]:
        return plain(f"import {zmq.__name__} as zmq\n{program}", *options)

    def plain(program: str, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *options, "-c", program],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    run.ours = zmq.__name__ == "fastmq"
    run.plain = plain
    return run


@pytest.fixture
def alarm() -> Iterator[Callable[..., None]]:
    """Return a function that has a handler called soon, on the main thread.

    The timers of the system are pytest-timeout's.
    """
    before = signal.getsignal(signal.SIGUSR1)
    is_over = threading.Event()
    threads = []

    def call_soon(
        handler: Any, after: float = 0.05, every: float = 0.0, elsewhere: bool = False
    ) -> None:
        """Send signals to the main thread, or where they only leave a mark for it."""
        main = threading.main_thread().ident

        def ring() -> None:
            is_to_go_on = not is_over.wait(after)
            while is_to_go_on:
                to = threading.get_ident() if elsewhere else main
                signal.pthread_kill(to, signal.SIGUSR1)
                is_to_go_on = every > 0 and not is_over.wait(every)

        signal.signal(signal.SIGUSR1, handler)
        threads.append(threading.Thread(target=ring))
        threads[-1].start()

    yield call_soon
    # Python complains of one that it has seen, and that is to be ignored by then.
    signal.signal(signal.SIGUSR1, lambda *args: None)
    is_over.set()
    for thread in threads:
        thread.join()
    signal.signal(signal.SIGUSR1, before)
