# SPDX-License-Identifier: Apache-2.0
"""Runs a case once: fresh processes, pinned, ended in any case."""

from __future__ import annotations

import math
import multiprocessing.connection
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from bench.cases import CONNECTING, ROUND_TRIP, ROUTED, Case
from bench.ends import Phase, Usage
from bench.peers import CAPI, CHILD, SOCKETS, Peer, last_line

MIN_TIMED, MAX_TIMED = 100, 20_000
ESTABLISHED = "01"  # in /proc/net/tcp


class Failed(Exception):
    """A process of the case failed or took too long."""


class Unfit(Failed):
    """The peer's library lacks what the case needs."""


class TimedOut(Failed):
    """Nothing was heard within the time limit."""


@dataclass(frozen=True)
class Run:
    """One measured run."""

    value: float
    """In the case's unit."""
    n: int
    seconds: float
    server_cpu_us: float
    """Processor time a message (or round trip) of the end that binds."""
    client_cpu_us: float
    more: dict[str, float] = field(default_factory=dict)
    """Other numbers by name: percentiles, what the processor did."""


@dataclass
class Process:
    """One end: its process and the pipe to it."""

    popen: subprocess.Popen[bytes]
    pipe: Connection
    errors: Path

    def say(self, command: str, value: object = None) -> None:
        self.send((command, value))

    def send(self, value: object) -> None:
        try:
            self.pipe.send(value)
        except OSError:
            raise Failed(self.epitaph()) from None

    def epitaph(self) -> str:
        """How the process ended, for one that has ended on its own."""
        try:
            status = self.popen.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "a process closed its pipe"
        text = f"a process ended with status {status}"
        if status < 0:
            text = f"a process was ended by {signal.Signals(-status).name}"
        said = last_line(self.errors.read_text(encoding="utf-8", errors="replace"))
        return f"{text}: {said}" if said else text


class Ends:
    """The processes of a run and how to talk with them within a time limit."""

    def __init__(self, processes: list[Process], limit_s: float) -> None:
        self.processes = processes
        self.limit_s = limit_s
        self.deadline = time.monotonic() + limit_s

    def hear(self, kind: str, which: list[Process] | None = None) -> list[Any]:
        """Wait for one message of this kind from each; the first failure counts."""
        waiting = list(self.processes if which is None else which)
        heard: dict[int, Any] = {}
        while waiting:
            left = max(0.0, self.deadline - time.monotonic())
            pipes = [end.pipe for end in waiting]
            ready = multiprocessing.connection.wait(pipes, left)
            if not ready:
                raise TimedOut(f"no {kind!r} within {self.limit_s:g} s")
            for end in [end for end in waiting if end.pipe in ready]:
                heard[id(end)] = self.receive(end, kind)
                waiting.remove(end)
        ends = self.processes if which is None else which
        return [heard[id(end)] for end in ends]

    @staticmethod
    def receive(end: Process, kind: str) -> Any:
        try:
            said, value = end.pipe.recv()
        except (EOFError, OSError):
            raise Failed(end.epitaph()) from None
        if said == "unfit":
            raise Unfit(value)
        if said != kind:
            raise Failed(value if said == "failed" else f"{said} instead of {kind}")
        return value

    def tell(self, command: str, value: object = None) -> None:
        for end in self.processes:
            end.say(command, value)

    def usage(self) -> list[Usage]:
        self.tell("usage")
        return cast("list[Usage]", self.hear("usage"))

    def phase(self, n: int, is_probe: bool = False) -> tuple[Phase, Phase]:
        """Pass ``n`` messages; return what the server and the client saw of it."""
        self.tell("time" if is_probe else "run", n)
        server, client = (phase for said in self.hear("done") for phase in said)
        return server, client


def run_once(case: Case, peer: Peer, seconds: float, limit_s: float = 30) -> Run:
    """Run a case for about ``seconds``, not counting what comes before.

    Raises:
        Failed: It did not work, or took longer than ``limit_s`` altogether.
    """
    with started(case, peer, limit_s) as ends:
        run = measure(case, ends, seconds)
        if case.has_latency:
            run.more.update(latencies(case, ends, run, seconds))
    return run


@contextmanager
def started(case: Case, peer: Peer, limit_s: float) -> Iterator[Ends]:
    """Start the processes of a case, and have them connect."""
    with tempfile.TemporaryDirectory(prefix="fastmq-bench-") as folder:
        with ExitStack() as stack:
            for _ in range(case.busy):
                stack.enter_context(busy(folder))
            roles = ("both",) if case.transport == "inproc" else ("server", "client")
            processes = [
                stack.enter_context(process(case, peer, role, folder)) for role in roles
            ]
            ends = Ends(processes, limit_s)
            if len(processes) == 2:
                endpoint = ends.hear("endpoint", processes[:1])[0]
                processes[1].send(endpoint)
                if case.peers_in_turn > 1:
                    await_connections(case, endpoint, ends.deadline)
            yield ends
            ends.tell("stop")
            ends.hear("over")


def measure(case: Case, ends: Ends, seconds: float) -> Run:
    """Find out how many messages take about ``seconds``, then measure so many.

    One stall in finding out would leave too few, so a phase that was much too short
    does not count either.
    """
    ends.phase(case.n_warm_up)
    n, took = case.n_warm_up, 0.0
    while took < seconds / 4 and n < case.n_max:
        n = raised(case, n, took, seconds)
        took = seconds_of(case, *ends.phase(n))
    n = max(10, min(case.n_max, round(n * seconds / max(took, 1e-6))))
    while True:
        run = measure_phase(case, ends, n)
        if run.seconds >= seconds / 2 or n >= case.n_max:
            return run
        n = raised(case, n, run.seconds, seconds)


def raised(case: Case, n: int, took: float, seconds: float) -> int:
    """Return how many to try next when ``n`` took too short."""
    factor = seconds / took if took > 0 else 1.0
    return min(case.n_max, math.ceil(n * min(20.0, max(2.0, factor))))


def measure_phase(case: Case, ends: Ends, n: int) -> Run:
    before = ends.usage()
    server, client = ends.phase(n)
    used = [differ(*pair) for pair in zip(before, ends.usage(), strict=True)]
    cpu = [each.cpu for each in used]
    if len(used) == 1:
        # One process: the server's thread, and all the rest.
        cpu = [server.thread_cpu, max(0.0, cpu[0] - server.thread_cpu)]
    took = seconds_of(case, server, client)
    more: dict[str, float] = {}
    for name, each in zip(("server", "client"), used * 2, strict=False):
        more[f"{name} kernel"] = each.system / max(each.system + each.user, 1e-9)
        more[f"{name} sleeps"] = each.switches / n
    return Run(
        value=n / took if case.is_rate else took / n * 1e6,
        n=n,
        seconds=took,
        server_cpu_us=cpu[0] / n * 1e6,
        client_cpu_us=cpu[1] / n * 1e6,
        more=more,
    )


def differ(before: Usage, after: Usage) -> Usage:
    return Usage(
        cpu=after.cpu - before.cpu,
        user=after.user - before.user,
        system=after.system - before.system,
        switches=after.switches - before.switches,
    )


def latencies(case: Case, ends: Ends, run: Run, seconds: float) -> dict[str, float]:
    """Time single messages, in a phase of its own."""
    n = n_timed(case, run, seconds)
    phases = ends.phase(n, is_probe=True)
    return {
        "p50 us": max(phase.p50_us for phase in phases),
        "p99 us": max(phase.p99_us for phase in phases),
        "timed": n,
    }


def n_timed(case: Case, run: Run, seconds: float) -> int:
    """Return how many single messages to time: about as long as the run again."""
    each_us = run.value if not case.is_rate else case.probe_us
    n = max(MIN_TIMED, int(seconds / each_us * 1e6))
    return min(MAX_TIMED, case.n_max, n)


def seconds_of(case: Case, server: Phase, client: Phase) -> float:
    """From the first send to the last receive."""
    asks = case.pattern in (ROUND_TRIP, ROUTED, CONNECTING)
    started = client.started if asks else server.started
    return max(client.ended - started, 1e-9)


def await_connections(case: Case, endpoint: str, deadline: float) -> None:
    """Wait until as many connections of a tcp endpoint stand as the case asks for."""
    port = f":{int(endpoint.rpartition(':')[2]):04X}"
    table = Path("/proc/net/tcp")
    if not table.exists():
        return
    while True:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
        n = sum(row[1].endswith(port) and row[3] == ESTABLISHED for row in rows)
        if n >= case.peers_in_turn:
            return
        if time.monotonic() > deadline:
            raise TimedOut(f"{n} of {case.peers_in_turn} connections")
        time.sleep(0.01)


@contextmanager
def busy(folder: str) -> Iterator[Process]:
    """Start a process that uses all it gets of a processor."""
    order = {"program": "bench.busy", "module": SOCKETS, "cpu": None}
    with launch(Peer("busy", SOCKETS), order, Path(folder) / "busy.err") as process:
        yield process


@contextmanager
def process(case: Case, peer: Peer, role: str, folder: str) -> Iterator[Process]:
    cpus = cpus_of(case)
    order = {
        "program": "bench.ends",
        "case": case,
        "role": role,
        "module": peer.module,
        "folder": folder,
        "cpu": cpus[1 if role == "client" else 0],
        "cpu of thread": cpus[1],
    }
    if role == "both":
        order["cpu"], order["cpu of thread"] = cpus[1], cpus[0]
    with launch(peer, order, Path(folder) / f"{role}.err") as end:
        yield end


@contextmanager
def launch(peer: Peer, order: dict[str, Any], errors: Path) -> Iterator[Process]:
    """Start a process that plays what the order says, and see to its end."""
    ours, theirs = socket.socketpair()
    with theirs, open(errors, "wb") as file:
        popen = subprocess.Popen(
            [peer.python, str(CHILD), str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    end = Process(popen, Connection(ours.detach()), errors)
    try:
        end.send(order)
        yield end
    finally:
        end.pipe.close()
        popen.kill()
        popen.wait()


def cpus_of(case: Case) -> tuple[int | None, int | None]:
    """Return the processors of the server and of the client; None: any."""
    if case.cores == "free":
        return None, None
    cpus = usable_cpus()
    return (cpus[0], cpus[0]) if case.cores == "one" else (cpus[0], cpus[1])


def usable_cpus() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def is_possible(case: Case) -> bool:
    """Whether there are processors enough."""
    return case.cores != "two" or len(usable_cpus()) >= 2


def can_play(case: Case, peer: Peer) -> bool:
    """Whether the peer has what the case needs."""
    if peer.module == CAPI:
        return case.is_basic
    return case.is_plain or peer.module != SOCKETS
