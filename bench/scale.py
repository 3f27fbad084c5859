# SPDX-License-Identifier: Apache-2.0
"""Many peers, and many topics: what they take of time and memory, and give back.

``python -m bench scale``: a ROUTER and a PUB with thousands of peers, which other
processes hold as plain sockets, and a PUB with a million subscriptions. Whatever is
measured is checked as well: every peer is heard and answered or gets what is published,
and a wrong or missing message ends the measurement.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import peers as peering
from bench import report as reports
from bench.harness import Ends, Failed, Process, launch
from bench.peers import SOCKETS, Peer
from bench.stage import SENTINEL
from bench.tables import Table, number_text, show

PEERS = 9_000
TOPICS = 1_000_000
FEW_TOPICS = 1_000
CROWDS = 2
"""Processes that hold the peers: a process has 20,000 descriptors at most here."""
MATCHES = 100_000
TIME_LIMIT_S = 300
LIBRARIES = ("fastmq", "pyzmq")


class Troupe:
    """The processes of a case, by name."""

    def __init__(self, stack: ExitStack, folder: str, limit_s: float) -> None:
        self.stack = stack
        self.folder = folder
        self.limit_s = limit_s
        self.n = 0

    def add(self, peer: Peer, program: str, **more: Any) -> Process:
        order = {"program": program, "module": peer.module, "cpu": None, **more}
        self.n += 1
        errors = Path(self.folder) / f"{self.n}.err"
        return self.stack.enter_context(launch(peer, order, errors))

    def socket(self, peer: Peer, kind: str, **options: int) -> Process:
        return self.add(peer, "bench.stage", type=kind, options=options)

    def start(self, process: Process, command: str, value: object = None) -> None:
        process.say(command, value)

    def finish(self, processes: list[Process]) -> list[Any]:
        return Ends(processes, self.limit_s).hear("done")

    def ask(self, process: Process, command: str, value: object = None) -> Any:
        """Have it done, and wait."""
        process.say(command, value)
        return self.finish([process])[0]


@contextmanager
def troupe(limit_s: float) -> Iterator[Troupe]:
    with tempfile.TemporaryDirectory(prefix="fastmq-bench-") as folder:
        with ExitStack() as stack:
            yield Troupe(stack, folder, limit_s)


# --- peers ---


class Crowds:
    """Some processes, among which the peers are divided."""

    def __init__(self, t: Troupe, n_peers: int) -> None:
        self.t = t
        plain = Peer("sockets", SOCKETS)
        self.processes = [t.add(plain, "bench.crowd") for _ in range(CROWDS)]
        self.n_peers = n_peers
        self.first = 0

    def start(self, command: str, value: object = None) -> None:
        for process in self.processes:
            process.say(command, value)

    def finish(self) -> int:
        return sum(self.t.finish(self.processes))

    def all(self, command: str, value: object = None) -> int:
        self.start(command, value)
        return self.finish()

    def come(self, endpoint: str, kind: str) -> float:
        """Have them all connect, under new names; return how many seconds it took.

        Under the names of others that have just gone libzmq would not take them.
        """
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        started = time.monotonic()
        end = self.first + self.n_peers
        for number, process in enumerate(self.processes):
            part = range(self.first + number, end, CROWDS)
            process.say("come", (host, int(port), kind, part))
        self.finish()
        self.first = end
        return time.monotonic() - started


def case_router(t: Troupe, peer: Peer, n: int) -> dict[str, float]:
    """Have each peer heard by a ROUTER and answered by name, twice over."""
    router = t.socket(peer, "ROUTER", ROUTER_MANDATORY=1)
    endpoint = t.ask(router, "bind")
    crowds = Crowds(t, n)
    found: dict[str, float] = {}
    before = t.ask(router, "memory")
    for turn in ("first", "second"):
        found[f"{turn} time: all connected (s)"] = crowds.come(endpoint, "DEALER")
        if turn == "first":
            found["memory a peer (KiB)"] = per(before, t.ask(router, "memory"), n)
        t.start(router, "hear", n)
        started = time.monotonic()
        crowds.all("speak")
        crowds.all("hear_answers")
        found[f"{turn} time: all heard and answered (s)"] = time.monotonic() - started
        t.finish([router])
        crowds.all("go")
    found["memory kept when all have gone (MiB)"] = left(t, router, before)
    return found


def case_pub(t: Troupe, peer: Peer, n: int) -> dict[str, float]:
    """Have each peer subscribe to a PUB and hear it, twice over."""
    pub = t.socket(peer, "PUB")
    endpoint = t.ask(pub, "bind")
    crowds = Crowds(t, n)
    found: dict[str, float] = {}
    before = t.ask(pub, "memory")
    for turn in ("first", "second"):
        found[f"{turn} time: all connected (s)"] = crowds.come(endpoint, "SUB")
        crowds.all("subscribe", b"news")
        crowds.start("hear_topic", b"news")
        until_heard(t, pub, crowds)
        if turn == "first":
            found["memory a peer (KiB)"] = per(before, t.ask(pub, "memory"), n)
        crowds.start("hear_last", b"news: the last")
        cpu = t.ask(pub, "cpu")
        started = time.monotonic()
        t.ask(pub, "publish", b"old: not wanted")
        t.ask(pub, "publish", b"news: the last")
        crowds.finish()
        took = time.monotonic() - started
        found[f"{turn} time: published to all (ms)"] = took * 1e3
        found[f"{turn} time: CPU a copy (us)"] = (t.ask(pub, "cpu") - cpu) / n * 1e6
        crowds.all("go")
    found["memory kept when all have gone (MiB)"] = left(t, pub, before)
    return found


def until_heard(t: Troupe, pub: Process, crowds: Crowds) -> None:
    """Publish until everybody has heard: a PUB does not tell who has subscribed."""
    for process in crowds.processes:
        deadline = time.monotonic() + t.limit_s
        while not process.pipe.poll(0.05):
            t.ask(pub, "publish", b"news")
            if time.monotonic() > deadline:
                raise Failed("not everybody hears what is published")
    crowds.finish()


def per(before: int, after: int, n: int) -> float:
    return (after - before) / n / 1024


def left(t: Troupe, process: Process, before: int) -> float:
    """Return how much more memory there is than before, once it stays the same."""
    kept = -1
    while (now := t.ask(process, "memory")) != kept:
        kept = now
        t.ask(process, "rest", 300)
    return (kept - before) / 2**20


# --- topics ---


def case_topics(t: Troupe, peer: Peer, n: int) -> dict[str, float]:
    """Have one SUB ask a PUB for that many topics over tcp, and give them up again."""
    # libzmq's drop what is beyond a mark, subscriptions too.
    pub, sub = t.socket(peer, "PUB", RCVHWM=0), t.socket(peer, "SUB", SNDHWM=0)
    t.ask(sub, "connect", t.ask(pub, "bind"))
    found: dict[str, float] = {}
    few = min(FEW_TOPICS, n)
    t.ask(sub, "subscribe", range(few))
    settle(t, pub, sub)
    found[f"a message for nobody, {few:,} topics (us)"] = t.ask(pub, "match", MATCHES)
    before = t.ask(pub, "memory"), t.ask(sub, "memory")
    found["all subscribed (s)"] = change(t, pub, sub, "subscribe", range(few, n))
    after = t.ask(pub, "memory"), t.ask(sub, "memory")
    found[f"a message for nobody, {n:,} topics (us)"] = t.ask(pub, "match", MATCHES)
    for name, low, high in zip(("PUB", "SUB"), before, after, strict=True):
        found[f"memory a topic, {name} (bytes)"] = (high - low) / max(n - few, 1)
    found["all cancelled (s)"] = change(t, pub, sub, "unsubscribe", range(few, n))
    for name, process, low in zip(("PUB", "SUB"), (pub, sub), before, strict=True):
        found[f"memory kept, {name} (MiB)"] = left(t, process, low)
    return found


def change(
    t: Troupe, pub: Process, sub: Process, command: str, numbers: range
) -> float:
    started = time.monotonic()
    t.ask(sub, command, numbers)
    settle(t, pub, sub)
    return time.monotonic() - started


def settle(t: Troupe, pub: Process, sub: Process) -> None:
    """Return when the PUB has heard everything so far: subscriptions come in order."""
    t.ask(sub, "mark", True)
    deadline = time.monotonic() + t.limit_s
    while not t.ask(sub, "has_heard", 10):
        t.ask(pub, "publish", SENTINEL)
        if time.monotonic() > deadline:
            raise Failed("the PUB never heard of all")
    t.ask(sub, "mark", False)


# --- all of it ---

CASES: dict[str, Callable[[Troupe, Peer, int], dict[str, float]]] = {
    "router": case_router,
    "pub": case_pub,
    "topics": case_topics,
}


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    wanted = [peering.parse(text) for text in options.libraries]
    found = {peer: peering.look(peer) for peer in wanted}
    for peer, what in found.items():
        if what.missing:
            print(f"bench: {peer.name}: {what.missing}", file=sys.stderr)
    report: dict[str, Any] = {"machine": reports.machine(), "cases": {}}
    status = 0
    for name in options.only or CASES:
        n = options.topics if name == "topics" else options.peers
        results = report["cases"][name] = {"n": n, "libraries": {}}
        for peer in [peer for peer, what in found.items() if not what.missing]:
            try:
                with troupe(options.time_limit) as t:
                    results["libraries"][peer.name] = CASES[name](t, peer, n)
            except Failed as error:
                print(f"bench: {name}, {peer.name}: {error}", file=sys.stderr)
                status = 1
    if reports.write(report, options.json):
        show(tables(report))
    return status


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench scale",
        description="Measure and check sockets with many peers or subscriptions.",
    )
    add = parser.add_argument
    add("--peers", type=int, default=PEERS, metavar="N", help="(default: %(default)s)")
    add("--topics", type=int, default=TOPICS, metavar="N", help="default: %(default)s")
    add("--only", nargs="+", choices=list(CASES), help="these cases")
    add("--libraries", nargs="+", default=LIBRARIES, metavar="NAME")
    add("--time-limit", type=float, default=TIME_LIMIT_S, metavar="S")
    add("--json", metavar="FILE", help="write everything (-: to the standard output)")
    return parser.parse_args(arguments)


def tables(report: dict[str, Any]) -> Iterator[Table]:
    for name, case in report["cases"].items():
        by_library = case["libraries"]
        noun = "topics" if name == "topics" else "peers"
        table = Table(f"{name}, {case['n']:,} {noun}", ("what", *by_library))
        keys = dict.fromkeys(key for found in by_library.values() for key in found)
        for key in keys:
            values = (found.get(key) for found in by_library.values())
            cells = ("" if v is None else number_text(v) for v in values)
            table.rows.append((key, *cells))
        yield table
