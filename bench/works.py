# SPDX-License-Identifier: Apache-2.0
"""What the ends do, as loops around a function that sends and one that receives.

The same code for every library and for plain sockets. A *work* passes so many messages
and is timed as a whole; a *probe* passes them and times each: a round trip by the clock
of the one who asks, a message by the time it was sent, which it carries.
"""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.cases import MANY, STREAM, Case

Work = Callable[[int], object]
Probe = Callable[[int], Sequence[int]]
STAMP_BYTES = 8
# From here on a sender that pauses sleeps.
SLEEPS_FROM_US = 200
BATCH = 1000
BACKLOG = 4096


class Unfit(Exception):
    """The library lacks what the case needs."""


def set_backlog(library: Any, socket: Any) -> None:
    """Have the kernel keep many that connect at once, if the library can be told."""
    with contextlib.suppress(library.ZMQError):
        socket.setsockopt(library.BACKLOG, BACKLOG)


@dataclass
class End:
    """One end of a case, ready to work."""

    work: Work
    probe: Probe
    endpoint: Any = None
    """Where the other end connects to, for the one that binds."""
    on_connected: Callable[[], None] = lambda: None


@dataclass
class Wire:
    """How one message is sent and received."""

    send: Callable[[Any], Any]
    recv: Callable[[], Any]


def nothing(_: int) -> Sequence[int]:
    return ()


def pause(us: float) -> None:
    if us >= SLEEPS_FROM_US:
        time.sleep(us * 1e-6)
    else:
        spin(us)


def spin(us: float) -> None:
    until = time.perf_counter_ns() + us * 1000
    while time.perf_counter_ns() < until:
        pass


def message_of(case: Case) -> Any:
    body = b"x" * case.size
    return body if case.parts == 1 else [body] * case.parts


def end_of(case: Case, role: str, wire: Wire) -> End:
    if case.pattern == STREAM:
        return sender(case, wire) if role == "server" else receiver(case, wire)
    return answerer(wire) if role == "server" else asker(case, wire)


def sender(case: Case, wire: Wire) -> End:
    send, message = wire.send, message_of(case)
    pause_us, probe_us = case.pause_us, case.probe_us
    padding = bytes(max(0, case.size - STAMP_BYTES))

    def push(n: int) -> None:
        for _ in range(n):
            send(message)

    def push_slowly(n: int) -> None:
        for _ in range(n):
            send(message)
            pause(pause_us)

    def probe(n: int) -> Sequence[int]:
        now = time.monotonic_ns
        for _ in range(n):
            send(now().to_bytes(STAMP_BYTES, "little") + padding)
            pause(probe_us)
        return ()

    return End(push_slowly if pause_us else push, probe)


def receiver(case: Case, wire: Wire) -> End:
    recv, slow_us = wire.recv, case.slow_us

    def pull(n: int) -> None:
        for _ in range(n):
            recv()

    def pull_slowly(n: int) -> None:
        for _ in range(n):
            recv()
            spin(slow_us)

    def probe(n: int) -> Sequence[int]:
        took = array("q")
        now = time.monotonic_ns
        for _ in range(n):
            body = recv()
            took.append(now() - int.from_bytes(body[:STAMP_BYTES], "little"))
            if slow_us:
                spin(slow_us)
        return took

    return End(pull_slowly if slow_us else pull, probe)


def answerer(wire: Wire) -> End:
    send, recv = wire.send, wire.recv

    def answer(n: int) -> Sequence[int]:
        for _ in range(n):
            send(recv())
        return ()

    return End(answer, answer)


def asker(case: Case, wire: Wire) -> End:
    send, recv, message = wire.send, wire.recv, message_of(case)

    def ask(n: int) -> None:
        for _ in range(n):
            send(message)
            recv()

    def probe(n: int) -> Sequence[int]:
        took = array("q")
        now = time.perf_counter_ns
        for _ in range(n):
            started = now()
            send(message)
            recv()
            took.append(now() - started)
        return took

    return End(ask, probe)


# Many messages a call.


def batches(case: Case, socket: Any, role: str) -> End:
    """Return an end that sends or takes up to BATCH messages a call.

    A library that has no such calls is measured by those that it has.
    """
    end = end_of(case, role, Wire(socket.send, socket.recv))
    if case.api != MANY or not hasattr(socket, "send_many"):
        return end
    messages = [message_of(case)] * BATCH
    send_many, recv_many = socket.send_many, socket.recv_many

    def push(n: int) -> None:
        while n > BATCH:
            send_many(messages)
            n -= BATCH
        send_many(messages[:n])

    def pull(n: int) -> None:
        while n:
            n -= len(recv_many(min(n, BATCH)))

    return End(push if role == "server" else pull, end.probe)
