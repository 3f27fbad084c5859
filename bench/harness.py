# SPDX-License-Identifier: Apache-2.0
"""Runs a case once: processes of its own, pinned, ended in any case."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection

from cases import Case, End
from peers import PEERS, Peer

TIME_LIMIT_S = 120

spawn = multiprocessing.get_context("spawn")


class Failed(Exception):
    """A process of the case failed or took too long."""


def run_once(case: Case, peer: Peer, n: int) -> float:
    deadline = time.monotonic() + TIME_LIMIT_S
    with ExitStack() as stack:
        ends = [case.binds] if case.connects is None else [case.binds, case.connects]
        pipes = [
            stack.enter_context(process(case, peer, number, end, n))
            for number, end in enumerate(ends)
        ]
        if len(pipes) == 2:
            pipes[1].send(hear(pipes[:1], "endpoint", deadline))
        result = hear(pipes, "result", deadline)
        for pipe in pipes:
            pipe.send(None)
        for pipe in pipes:
            hear([pipe], "over", deadline)
    assert isinstance(result, float)
    return result


def hear(pipes: list[Connection], kind: str, deadline: float) -> object:
    """Wait until one of the pipes brings a message of this kind."""
    ready = multiprocessing.connection.wait(pipes, deadline - time.monotonic())
    if not ready:
        raise Failed(f"no {kind} within {TIME_LIMIT_S} s")
    pipe = ready[0]
    assert isinstance(pipe, Connection)
    try:
        heard, value = pipe.recv()
    except EOFError:
        raise Failed("a process ended too early") from None
    if heard != kind:
        raise Failed(f"{heard} instead of {kind}: {value}")
    return value


@contextmanager
def process(
    case: Case, peer: Peer, number: int, end: End, n: int
) -> Iterator[Connection]:
    ours, theirs = spawn.Pipe()
    child = spawn.Process(
        target=play, args=(end, peer.name, theirs, n, cpu_of(case, number))
    )
    child.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        child.kill()
        child.join()
        child.close()


def play(end: End, peer: str, pipe: Connection, n: int, cpu: int | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness ends us
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    end(PEERS[peer].load(), pipe, n)
    pipe.send(("over", None))


def cpu_of(case: Case, number: int) -> int | None:
    return None if case.cpus is None else usable_cpus()[case.cpus[number]]


def usable_cpus() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def is_possible(case: Case) -> bool:
    return case.cpus is None or max(case.cpus) < len(usable_cpus())
