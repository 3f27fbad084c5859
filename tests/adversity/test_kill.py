# SPDX-License-Identifier: Apache-2.0
"""Peers are killed, frozen and cut off at random moments, whatever the socket's type.

What must hold: no call hangs, no message is torn, changed, doubled or out of turn
within its connection, the way to a dead peer is gone, those who live or come back are
served, and when all is over descriptors, threads and memory are what they were.

A bounded run of each by default; with -m stress for FASTMQ_ADVERSITY_SECONDS (60) a
kind of failure. FASTMQ_SEED repeats the choices of a run, though not its timing; the
seed of a run is printed.
"""

from __future__ import annotations

import ctypes
import gc
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import psutil
import pytest
from adversity.ends import KINDS, PARTNERS, End, Router, Stream, make_end
from adversity.network import Network, Unavailable
from adversity.peer import PATIENCE_S, Peer
from interop.process import folder as short_folder
from patterns.conftest import until
from ports import held_port

import fastmq

LONG_S = float(os.environ.get("FASTMQ_ADVERSITY_SECONDS", "60"))
SEED = int(os.environ.get("FASTMQ_SEED", time.time_ns()))
FAILURES = ["killed", "frozen", "cut off"]
SILENT = {"PUSH", "PUB", "XPUB"}  # receive nothing that is counted
SLACK_BYTES = 8 << 20


class Scene:
    """One socket of ours, its peers, and what befalls them."""

    def __init__(
        self, kind: str, failure: str, dice: random.Random, path: Path, net: Any
    ) -> None:
        self.dice = dice
        self.failure = failure
        self.path = path
        self.net = net
        self.stack = ExitStack()
        self.peers: list[Peer] = []
        self.peer_kind = PARTNERS[kind]
        if kind == "XPUB" and dice.random() < 0.5:
            self.peer_kind = "SUB"
        self.binds = dice.random() < 0.6
        self.beats = failure != "killed" and dice.random() < 0.6
        self.context = fastmq.Context()
        self.end = self.make_end(kind)
        self.place = self.new_place()
        if self.binds:
            self.place = self.end.open(self.place, True, **self.options())
        self.n_peers = 2 if self.binds and kind != "PAIR" else 1

    def new_place(self) -> str:
        if self.net is not None:
            return f"tcp://{self.net.here if self.binds else self.net.there}:*"
        if self.dice.random() < 0.5:
            port = "*" if self.binds else self.stack.enter_context(held_port())
            return f"tcp://127.0.0.1:{port}"
        return f"ipc://{self.path}/{self.dice.getrandbits(32)}"

    def make_end(self, kind: str) -> End:
        end = make_end(fastmq, self.context, kind, self.dice.getrandbits(32))
        end.reader.max_rows = self.max_rows()
        return end

    def max_rows(self) -> int:
        return 1000 if self.beats else 1

    def options(self) -> dict[str, int]:
        beats = {"HEARTBEAT_IVL": 40, "HEARTBEAT_TIMEOUT": 120, "HANDSHAKE_IVL": 1000}
        marks = self.dice.choice([{"SNDHWM": n, "RCVHWM": n} for n in (1, 5, 100)])
        # Without the cable another interface may be tried, which answers nothing.
        limit = {"CONNECT_TIMEOUT": 300} if self.net is not None else {}
        return {**marks, **limit, **(beats if self.beats else {})}

    def choose_library(self) -> str:
        if self.peer_kind == "REQ" and (self.beats or self.net is not None):
            return "fastmq"  # libzmq's, once it has waited too long, may never go on
        return self.dice.choice(["fastmq", "zmq"])

    def start_peer(self) -> Peer:
        peer = Peer(
            self.path,
            self.choose_library(),
            self.net.pid if self.net is not None else 0,
            kind=self.peer_kind,
            seed=self.dice.getrandbits(32),
            endpoint=self.place,
            binds=not self.binds,
            max_rows=self.max_rows(),
            options=self.options(),
        )
        self.stack.callback(peer.kill)
        self.peers.append(peer)
        return peer

    def begin(self) -> None:
        while len(self.peers) < self.n_peers:
            self.start_peer()
        if not self.binds:
            deadline = time.monotonic() + PATIENCE_S
            while not (place := self.peers[0].endpoint()):
                assert time.monotonic() < deadline, "the peer does not begin"
                os.sched_yield()
            if self.end.socket is None:
                self.place = place
                self.end.open(place, False, **self.options())

    # --- going on ---

    def go_on_for(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.end.step()

    def go_on_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, what
            self.end.step()
            for peer in self.peers:
                peer.check()

    def flow(self) -> None:
        """Go on until everybody who can receive has got something new."""
        before: dict[End | Peer, int] = {}

        def has_news(party: End | Peer) -> bool:
            return party.n_got > before.setdefault(party, party.n_got) + 2

        def all_have_news() -> bool:
            self.replace_those_that_aborted()
            ours: list[End | Peer] = [self.end] * (self.end.kind not in SILENT)
            theirs = self.peers * (self.peer_kind not in SILENT)
            waiting = [party for party in [*ours, *theirs] if not has_news(party)]
            return not waiting

        self.go_on_until(all_have_news, f"{self} is stuck")

    def replace_those_that_aborted(self) -> None:
        """Libzmq asserts some things that a lost connection may bring about."""
        for peer in [*self.peers]:
            if peer.has_aborted():
                peer.kill()
                self.peers.remove(peer)
                self.begin()

    def see_the_route_go(self) -> None:
        """One that was connected to keeps its route, for it may come back."""
        end = self.end
        if isinstance(end, Router | Stream) and self.binds:
            self.go_on_until(
                lambda: len(end.routes()) <= len(self.peers),
                f"{self}: a dead peer has a route",
            )

    # --- failures ---

    def fail(self) -> None:
        self.go_on_for(self.dice.uniform(0, 0.03))
        if self.failure == "killed":
            self.kill(self.dice.choice(self.peers))
        elif self.failure == "frozen":
            self.freeze(self.dice.choice(self.peers))
        else:
            self.net.pull()
            try:
                self.go_on_for(self.dice.choice([0.02, 0.2, 0.4]))
            finally:
                self.net.plug()

    def kill(self, peer: Peer) -> None:
        peer.kill()
        self.peers.remove(peer)
        if self.dice.random() < 0.5:
            self.go_on_for(self.dice.uniform(0, 0.02))
        self.see_the_route_go()
        self.begin()

    def freeze(self, peer: Peer) -> None:
        peer.send_signal(signal.SIGSTOP)
        self.go_on_for(self.dice.choice([0.01, 0.1, 0.25]))
        if self.dice.random() < 0.25:
            peer.kill()
            self.peers.remove(peer)
            self.begin()
        else:
            peer.send_signal(signal.SIGCONT)

    # --- the end ---

    def finish(self) -> None:
        if self.dice.random() < 0.5:
            for peer in self.peers:
                peer.end()
        self.close()

    def close(self) -> None:
        self.stack.close()
        self.end.close()
        self.context.term()

    def __str__(self) -> str:
        side = "bound" if self.binds else "connected"
        beats = ", heartbeats" if self.beats else ""
        names = ", ".join(peer.name for peer in self.peers)
        return f"{self.end.kind} {side} to {self.place} with {names}{beats}"


def count_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def name_threads() -> list[str]:
    names = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it ends just now
            names.append((task / "comm").read_text().strip())
    return sorted(names)


def play(kind: str, failure: str, seed: int, path: Path, net: Any, rounds: int) -> None:
    dice = random.Random(seed)
    before = count_descriptors(), name_threads()
    scene = Scene(kind, failure, dice, path, net)
    try:
        scene.begin()
        scene.flow()
        for _ in range(rounds):
            scene.fail()
            scene.flow()
        scene.finish()
    except BaseException:
        print(f"FASTMQ_SEED={seed}: {scene}, {failure}")
        scene.close()
        raise
    # Something of another test may have ended meanwhile.
    until(
        lambda: count_descriptors() <= before[0],
        f"{count_descriptors()} descriptors are left, and there were {before[0]}",
    )
    # A thread that was joined is listed for a moment longer.
    until(
        lambda: len(name_threads()) <= len(before[1]),
        f"threads are left: {name_threads()}, and there were {before[1]}",
    )


@pytest.fixture(scope="module", autouse=True)
def _helpers() -> None:
    """Begin what is not ours before descriptors and threads are counted."""
    forkserver.ensure_running()
    first = threading.Thread(target=int)  # a sanitizer's own begins with the first one
    first.start()
    first.join()
    with fastmq.Context() as context, context.socket(fastmq.PAIR) as pair:
        pair.bind("inproc://lent")
        with context.socket(fastmq.PAIR) as other:
            other.connect("inproc://lent")
            other.send(bytes(1 << 20))  # one takes back what is lent, from then on


@pytest.fixture
def path() -> Iterator[Path]:
    with short_folder() as path:
        yield path


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    try:
        network = Network()
    except Unavailable as why:
        pytest.skip(f"no network of our own: {why}")
    with closing(network):
        yield network


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("failure", ["killed", "frozen"])
def test_a_type_survives(kind: str, failure: str, path: Path) -> None:
    play(kind, failure, SEED, path, None, rounds=1)


def test_some_types_survive_a_cut(path: Path, network: Network) -> None:
    for kind in random.Random(SEED).sample(sorted(KINDS), 4):
        play(kind, "cut off", SEED, path, network, rounds=1)


def resident_bytes() -> int:
    """Return what this process has, without what the C library keeps for later."""
    gc.collect()
    with suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    return int(psutil.Process().memory_info().rss)


@pytest.mark.stress
@pytest.mark.timeout(int(LONG_S) + 300)
@pytest.mark.parametrize("failure", FAILURES)
def test_all_types_survive(
    failure: str, path: Path, request: pytest.FixtureRequest
) -> None:
    net = request.getfixturevalue("network") if failure == "cut off" else None
    begun = time.monotonic()
    warm = 0
    n = 0
    while time.monotonic() < begun + LONG_S:
        for i, kind in enumerate(KINDS):
            play(kind, failure, SEED + n * len(KINDS) + i, path, net, rounds=8)
        n += 1
        if time.monotonic() < begun + LONG_S / 3:
            warm = resident_bytes()
    grown = resident_bytes() - warm
    print(f"{failure}: {n} turns of all types, {grown >> 10} KiB more since a third")
    if "FASTMQ_SANITIZER" not in os.environ:  # they keep what is freed
        assert grown < SLACK_BYTES
