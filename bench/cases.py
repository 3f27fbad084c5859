# SPDX-License-Identifier: Apache-2.0
"""What is measured: names and sizes, no code.

A stream is PUSH to PULL as fast as both can; its value is messages a second. A round
trip is REQ to REP and back, one at a time; its value is microseconds. A fan-out is one
publisher to many SUBs, which all want every message by a prefix of it; it waits for the
slowest (XPUB_NODROP), so that none is lost; its value is messages published a second.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

STREAM = "pushpull"
ROUND_TRIP = "reqrep"
FAN_OUT = "pubsub"
TRANSPORTS = ("tcp", "ipc", "inproc")
SIZES = (1, 64, 1024, 16 * 1024, 64 * 1024, 1024 * 1024)
QUICK_SIZES = (64, 64 * 1024)
PEERS_IN_TURN = (8, 32, 100)
SUBSCRIBERS = (10, 100)
CORES = {
    "free": "not pinned",
    "one": "both ends on one core",
    "two": "a core for each end",
}
# So much is sent in one phase at most: queues may take in nearly all of it.
MAX_PHASE_BYTES = 256 * 1024 * 1024
MAX_PHASE_MESSAGES = 20_000_000


@dataclass(frozen=True)
class Case:
    pattern: str
    transport: str
    size: int
    """Bytes of each part."""
    parts: int = 1
    peers_in_turn: int = 1
    """Connections that the sender serves in turn."""
    cores: str = "two"
    subscribers: int = 1
    """Those of a fan-out."""

    @property
    def name(self) -> str:
        pattern = self.pattern
        if self.peers_in_turn > 1:
            pattern = f"turn{self.peers_in_turn}"
        if self.pattern == FAN_OUT:
            pattern = f"pub{self.subscribers}"
        size = size_text(self.size).replace(" ", "")
        if self.parts > 1:
            size = f"{self.parts}x{size}"
        return f"{pattern}-{self.transport}-{size}-{self.cores}"

    @property
    def family(self) -> str:
        """What cases that differ in nothing but size have in common."""
        name = {
            STREAM: "PUSH/PULL",
            ROUND_TRIP: "REQ/REP round trip",
            FAN_OUT: f"PUB to {self.subscribers} SUBs",
        }[self.pattern]
        text = f"{name}, {self.transport}"
        if self.parts > 1:
            text += f", {self.parts} parts"
        if self.peers_in_turn > 1:
            text += f", {self.peers_in_turn} peers in turn"
        return f"{text}, {CORES[self.cores]}"

    @property
    def title(self) -> str:
        each = " each" if self.parts > 1 else ""
        return f"{self.family}, {size_text(self.size)}{each}"

    @property
    def is_rate(self) -> bool:
        """Whether more is better."""
        return self.pattern != ROUND_TRIP

    @property
    def unit(self) -> str:
        return "messages/s" if self.is_rate else "us"

    @property
    def is_plain(self) -> bool:
        """Whether sockets without a library can do the same."""
        return (
            self.transport != "inproc"
            and self.parts == 1
            and self.peers_in_turn == 1
            and self.pattern != FAN_OUT
        )

    @property
    def n_warm_up(self) -> int:
        """Messages of the first phase, which is not measured."""
        return max(10, min(200, self.n_max), 5 * self.peers_in_turn)

    @property
    def n_max(self) -> int:
        """Messages of one phase at most."""
        size = self.size * self.parts * self.subscribers
        return min(MAX_PHASE_MESSAGES, MAX_PHASE_BYTES // size)


def size_text(size: int) -> str:
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} B"


def matrix(sizes: Iterable[int] = SIZES) -> Iterator[Case]:
    """Yield every case of a default run."""
    sizes = tuple(sizes)
    for pattern in (STREAM, ROUND_TRIP):
        for transport in TRANSPORTS:
            for size in sizes:
                yield Case(pattern, transport, size)
        for cores in ("one", "free"):
            yield Case(pattern, "tcp", 64, cores=cores)
    for transport in TRANSPORTS:
        yield Case(STREAM, transport, 128, parts=2)
    yield Case(STREAM, "tcp", 64, parts=10)
    for peers in PEERS_IN_TURN:
        yield Case(STREAM, "tcp", 64, peers_in_turn=peers)
    for n in SUBSCRIBERS:
        for transport in ("tcp", "inproc"):
            for size in (64, 1024):
                yield Case(FAN_OUT, transport, size, subscribers=n)


def chosen(
    cases: Iterable[Case], patterns: list[str] | None, cores: list[str] | None
) -> list[Case]:
    """Return the cases that a pattern fits, each once for each of ``cores``."""
    every = list(cases)
    if cores:
        every = [replace(case, cores=where) for case in every for where in cores]
    every = list(dict.fromkeys(every))
    if not patterns:
        return every
    return [case for case in every if any(fits(case.name, p) for p in patterns)]


def fits(name: str, pattern: str) -> bool:
    """Whether the pattern, or a part of the name without wildcards, is the name's."""
    if any(sign in pattern for sign in "*?["):
        return fnmatch.fnmatchcase(name, pattern)
    return pattern in name
