# SPDX-License-Identifier: Apache-2.0
"""What is measured: one entry a case in CASES, one number a run.

A case has one or two ends. Each is a function that runs in a process of its own; it
gets the library, a pipe to the harness and the number of messages. What goes through
the pipes: the binding end sends ("endpoint", its endpoint), which the connecting end
receives; one of them sends ("result", the number); then both receive None and return.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import peers

BODY = b"x" * 64
WARM_UP = 200

End = Callable[[Any, Connection, int], None]


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    unit: str
    is_rate: bool
    """Whether more is better."""
    n: int
    n_quick: int
    binds: End
    connects: End | None = None
    cpus: tuple[int, int] | None = None
    """Which of the usable processors each end is pinned to; None: not pinned."""
    peers: tuple[str, ...] = ("fastmq", "pyzmq")


def round_trip_us(started: int, n: int) -> float:
    return (time.perf_counter_ns() - started) / n / 1000


# Round trips: REQ and REP over tcp, or plain sockets with nothing between.


def answer(library: Any, pipe: Connection, n: int) -> None:
    if library is socket:
        answer_plain(pipe, n)
        return
    context = library.Context()
    with context.socket(library.REP) as server:
        server.bind("tcp://127.0.0.1:*")
        pipe.send(("endpoint", server.getsockopt_string(library.LAST_ENDPOINT)))
        for _ in range(WARM_UP + n):
            server.send(server.recv())
        pipe.recv()
    context.term()


def ask(library: Any, pipe: Connection, n: int) -> None:
    if library is socket:
        ask_plain(pipe, n)
        return
    context = library.Context()
    with context.socket(library.REQ) as client:
        client.connect(pipe.recv())
        for _ in range(WARM_UP):
            client.send(BODY)
            client.recv()
        started = time.perf_counter_ns()
        for _ in range(n):
            client.send(BODY)
            client.recv()
        pipe.send(("result", round_trip_us(started, n)))
        pipe.recv()
    context.term()


def answer_plain(pipe: Connection, n: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(("endpoint", listener.getsockname()[1]))
        with peers.accept_plain(listener) as connection:
            for _ in range(WARM_UP + n):
                connection.sendall(connection.recv(len(BODY)))
            pipe.recv()


def ask_plain(pipe: Connection, n: int) -> None:
    with peers.connect_plain(pipe.recv()) as connection:
        for _ in range(WARM_UP):
            connection.sendall(BODY)
            connection.recv(len(BODY))
        started = time.perf_counter_ns()
        for _ in range(n):
            connection.sendall(BODY)
            connection.recv(len(BODY))
        pipe.send(("result", round_trip_us(started, n)))
        pipe.recv()


# Streams: PUSH sends as fast as it can; PULL counts.


def push_to(library: Any, context: Any, endpoint: str, n: int) -> Any:
    sender = context.socket(library.PUSH)
    sender.connect(endpoint)
    for _ in range(n):
        sender.send(BODY)
    return sender


def rate_of(receiver: Any, n: int) -> float:
    receiver.recv()
    started = time.perf_counter_ns()
    for _ in range(n - 1):
        receiver.recv()
    return (n - 1) * 1e9 / (time.perf_counter_ns() - started)


def pull(library: Any, pipe: Connection, n: int, endpoint: str) -> None:
    context = library.Context()
    with context.socket(library.PULL) as receiver:
        receiver.bind(endpoint)
        pipe.send(("endpoint", receiver.getsockopt_string(library.LAST_ENDPOINT)))
        pipe.send(("result", rate_of(receiver, n)))
        pipe.recv()
    context.term()


def pull_tcp(library: Any, pipe: Connection, n: int) -> None:
    pull(library, pipe, n, "tcp://127.0.0.1:*")


def pull_ipc(library: Any, pipe: Connection, n: int) -> None:
    with tempfile.TemporaryDirectory(prefix="fastmq-bench-") as folder:
        pull(library, pipe, n, f"ipc://{folder}/pull")


def push(library: Any, pipe: Connection, n: int) -> None:
    context = library.Context()
    with push_to(library, context, pipe.recv(), n):
        pipe.recv()
    context.term()


def pull_inproc(library: Any, pipe: Connection, n: int) -> None:
    context = library.Context()
    with context.socket(library.PULL) as receiver:
        receiver.bind("inproc://bench")
        senders = []
        thread = threading.Thread(
            target=lambda: senders.append(
                push_to(library, context, "inproc://bench", n)
            )
        )
        thread.start()
        pipe.send(("result", rate_of(receiver, n)))
        thread.join()
        senders[0].close()
        pipe.recv()
    context.term()


CASES = {
    case.name: case
    for case in (
        Case(
            name="reqrep-one-core",
            title="REQ/REP round trip, tcp, 64 B, both ends on one core",
            unit="us",
            is_rate=False,
            n=20_000,
            n_quick=2_000,
            binds=answer,
            connects=ask,
            cpus=(0, 0),
            peers=("fastmq", "pyzmq", "sockets"),
        ),
        Case(
            name="reqrep-two-cores",
            title="REQ/REP round trip, tcp, 64 B, a core for each end",
            unit="us",
            is_rate=False,
            n=10_000,
            n_quick=1_000,
            binds=answer,
            connects=ask,
            cpus=(0, 1),
            peers=("fastmq", "pyzmq", "sockets"),
        ),
        Case(
            name="pushpull-tcp",
            title="PUSH/PULL, tcp, 64 B",
            unit="messages/s",
            is_rate=True,
            n=1_000_000,
            n_quick=100_000,
            binds=pull_tcp,
            connects=push,
        ),
        Case(
            name="pushpull-ipc",
            title="PUSH/PULL, ipc, 64 B",
            unit="messages/s",
            is_rate=True,
            n=1_000_000,
            n_quick=100_000,
            binds=pull_ipc,
            connects=push,
        ),
        Case(
            name="pushpull-inproc",
            title="PUSH/PULL, inproc, 64 B, two threads",
            unit="messages/s",
            is_rate=True,
            n=500_000,
            n_quick=50_000,
            binds=pull_inproc,
        ),
    )
}
