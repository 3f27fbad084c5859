# SPDX-License-Identifier: Apache-2.0
"""What is measured: names and sizes, no code.

A stream is PUSH to PULL as fast as both can; its value is messages a second. A round
trip is REQ to REP and back, one at a time; its value is microseconds. A fan-out is one
publisher to many SUBs, which all want every message by a prefix of it; it waits for the
slowest (XPUB_NODROP), so that none is lost; its value is messages published a second.
ROUTED is many DEALERs that ask a ROUTER, all at once, CONNECTING sockets that connect
and ask once, IDLE a ROUTER with peers that are silent: its value is memory.

The other fields make a case harder: a sender that pauses, a receiver that works, other
processes that want the processors. Such cases have percentiles of latency, too.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

STREAM = "pushpull"
ROUND_TRIP = "reqrep"
FAN_OUT = "pubsub"
ROUTED = "router"
CONNECTING = "connect"
IDLE = "idle"
TRANSPORTS = ("tcp", "ipc", "inproc")
SIZES = (1, 64, 1024, 16 * 1024, 64 * 1024, 1024 * 1024)
QUICK_SIZES = (64, 64 * 1024)
PEERS_IN_TURN = (8, 32, 100)
SUBSCRIBERS = (10, 100)
DEALERS = (100, 1000)
IDLE_PEERS = 1000
PAUSES_US = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000)
BUSY = 4
POLLED = 10
SLOW_US = (20, 1000)
SPIN_US = 50
SEALED_SIZES = (64, 1024, 64 * 1024, 1024 * 1024)
CORES = {
    "free": "not pinned",
    "one": "both ends on one core",
    "two": "a core for each end",
}
CALLS, MANY, ASYNCIO, UVLOOP = "calls", "many", "asyncio", "uvloop"
LOOPS = (ASYNCIO, UVLOOP)
# So slowly come messages that are timed one by one, if the case does not say.
PROBE_PAUSE_US = 100
# So much is sent in one phase at most: queues may take in nearly all of it.
MAX_PHASE_BYTES = 256 * 1024 * 1024
MAX_PHASE_MESSAGES = 20_000_000
MAX_CONNECTIONS = 2_000
# So long an end that pauses or works takes to warm up at most.
WARM_UP_US = 20_000


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
    n_peers: int = 1
    """Those of a ROUTER."""
    api: str = CALLS
    """One message a call, many, or a coroutine in one of LOOPS."""
    pause_us: int = 0
    """How long the sender does nothing after each message."""
    slow_us: int = 0
    """How long the receiver works on each message."""
    polled: int = 1
    """Sockets that the receiver has in one poller."""
    busy: int = 0
    """Processes beside the ends that use all the processor they get."""
    threads: int = 0
    """Python threads in the process of each end that compute all the while."""
    spin_us: int = 0
    """How long to wait without sleeping, for a library that can be told so."""
    is_sealed: bool = False
    """By the mechanism CURVE."""

    @property
    def name(self) -> str:
        pattern = self.pattern
        if self.peers_in_turn > 1:
            pattern = f"turn{self.peers_in_turn}"
        if self.pattern == FAN_OUT:
            pattern = f"pub{self.subscribers}"
        if self.n_peers > 1:
            pattern += str(self.n_peers)
        size = size_text(self.size).replace(" ", "")
        if self.parts > 1:
            size = f"{self.parts}x{size}"
        words = [pattern, *self.variant, self.transport, size, self.cores]
        return "-".join(words)

    @property
    def variant(self) -> list[str]:
        found = [] if self.api == CALLS else [self.api]
        for word, value in (
            ("poll", self.polled if self.polled > 1 else 0),
            ("pause", self.pause_us),
            ("slow", self.slow_us),
            ("busy", self.busy),
            ("threads", self.threads),
            ("spin", self.spin_us),
            ("curve", self.is_sealed),
        ):
            unit = "us" if word in ("pause", "slow") else ""
            if value:
                is_word = word in ("spin", "curve")
                found.append(word if is_word else f"{word}{value}{unit}")
        return found

    @property
    def family(self) -> str:
        """What cases that differ in nothing but size have in common."""
        text = {
            STREAM: "PUSH/PULL",
            ROUND_TRIP: "REQ/REP round trip",
            FAN_OUT: f"PUB to {self.subscribers} SUBs",
            ROUTED: f"{self.n_peers} DEALERs ask a ROUTER",
            CONNECTING: "connect, ask and close",
            IDLE: f"{self.n_peers} silent peers",
        }[self.pattern]
        return ", ".join([text, self.transport, *self.conditions, CORES[self.cores]])

    @property
    def conditions(self) -> Iterator[str]:
        threads = f"{self.threads} busy thread{'s' * (self.threads > 1)}"
        for is_so, text in (
            (self.parts > 1, f"{self.parts} parts"),
            (self.peers_in_turn > 1, f"{self.peers_in_turn} peers in turn"),
            (self.api == MANY, "many a call"),
            (self.api in LOOPS, f"awaited in {self.api}"),
            (self.polled > 1, f"{self.polled} sockets in one poll"),
            (self.pause_us, f"the sender pauses {self.pause_us:,} us"),
            (self.slow_us, f"the receiver works {self.slow_us:,} us"),
            (self.busy, f"{self.busy} busy processes beside"),
            (self.threads, f"{threads} in each process"),
            (self.spin_us, f"may spin {self.spin_us} us"),
            (self.is_sealed, "sealed by CURVE"),
        ):
            if is_so:
                yield text

    @property
    def title(self) -> str:
        each = " each" if self.parts > 1 else ""
        return f"{self.family}, {size_text(self.size)}{each}"

    @property
    def is_basic(self) -> bool:
        """Whether it is a stream or round trip of one message a call, and no more."""
        basic = Case(self.pattern, self.transport, self.size, cores=self.cores)
        return self.pattern in (STREAM, ROUND_TRIP) and self == basic

    @property
    def is_rate(self) -> bool:
        """Whether more is better."""
        return self.pattern not in (ROUND_TRIP, IDLE)

    @property
    def unit(self) -> str:
        units = {ROUND_TRIP: "us", IDLE: "KiB a peer", CONNECTING: "connections/s"}
        return units.get(self.pattern, "messages/s")

    @property
    def ends(self) -> tuple[str, str]:
        """What to call the end that binds, and the other."""
        if self.pattern in (STREAM, FAN_OUT):
            return "sender", "receiver"
        return ("ROUTER", "peers") if self.pattern == IDLE else ("answering", "asking")

    @property
    def is_hard(self) -> bool:
        """Whether something may make throughput or latency fall off a cliff."""
        paced = self.pause_us or self.slow_us
        crowded = self.busy or self.threads or self.polled > 1
        return bool(paced or crowded or self.spin_us)

    @property
    def has_latency(self) -> bool:
        """Whether single messages are timed as well."""
        is_crowded = self.peers_in_turn >= 100 or self.pattern == ROUTED
        return self.is_hard or is_crowded or self.pattern == ROUND_TRIP

    @property
    def probe_us(self) -> int:
        """How long the sender pauses after a message that is timed."""
        return self.pause_us or max(PROBE_PAUSE_US, 2 * self.slow_us)

    @property
    def is_plain(self) -> bool:
        """Whether sockets without a library can do the same."""
        easy = {"pause_us": 0, "slow_us": 0, "busy": 0, "threads": 0, "spin_us": 0}
        plain = replace(self, api=CALLS, **easy)
        return plain.is_basic and self.transport != "inproc" and self.api != MANY

    @property
    def n_warm_up(self) -> int:
        """Messages of the first phase, which is not measured."""
        least = max(5 * self.peers_in_turn, 2 * self.n_peers, 2 * self.polled)
        most = WARM_UP_US // max(self.pause_us, self.slow_us, 1)
        return max(10, min(200, self.n_max, most), least)

    @property
    def n_max(self) -> int:
        """Messages of one phase at most."""
        if self.pattern == CONNECTING:
            return MAX_CONNECTIONS
        size = self.size * self.parts * self.subscribers
        return min(MAX_PHASE_MESSAGES, MAX_PHASE_BYTES // size)


def size_text(size: int) -> str:
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size} B"


def matrix(is_quick: bool = False) -> Iterator[Case]:
    """Yield every case of a default run, or the fewer of a quick one."""
    for pattern in (STREAM, ROUND_TRIP):
        for transport in TRANSPORTS:
            for size in QUICK_SIZES if is_quick else SIZES:
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
    yield from interfaces()
    yield from crowds(is_quick)
    yield from hardships(is_quick)
    yield from sealed(is_quick)


def interfaces() -> Iterator[Case]:
    """Yield what is done by other calls than one a message."""
    for transport in TRANSPORTS:
        yield Case(STREAM, transport, 64, api=MANY)
    for loop in LOOPS:
        yield Case(STREAM, "tcp", 128, api=loop)
        for cores in ("one", "two"):
            yield Case(ROUND_TRIP, "tcp", 64, api=loop, cores=cores)
        yield Case(ROUND_TRIP, "tcp", 1024 * 1024, api=loop)


def crowds(is_quick: bool) -> Iterator[Case]:
    for n in DEALERS[:1] if is_quick else DEALERS:
        yield Case(ROUTED, "tcp", 64, n_peers=n)
    yield Case(CONNECTING, "tcp", 64)
    yield Case(IDLE, "tcp", 64, n_peers=IDLE_PEERS, cores="free")


def hardships(is_quick: bool) -> Iterator[Case]:
    """Yield the cases in which throughput or latency might fall off a cliff."""
    for pause_us in PAUSES_US[2::4] if is_quick else PAUSES_US:
        yield Case(STREAM, "tcp", 64, pause_us=pause_us)
    for slow_us in SLOW_US[:1] if is_quick else SLOW_US:
        yield Case(STREAM, "tcp", 64, slow_us=slow_us)
    yield Case(STREAM, "tcp", 64, polled=POLLED)
    for pattern in (STREAM, ROUND_TRIP):
        yield Case(pattern, "tcp", 64, busy=BUSY, cores="free")
        yield Case(pattern, "tcp", 64, threads=1, cores="free")
    yield Case(ROUND_TRIP, "tcp", 64, spin_us=SPIN_US)


def sealed(is_quick: bool) -> Iterator[Case]:
    for size in QUICK_SIZES if is_quick else SEALED_SIZES:
        yield Case(STREAM, "tcp", size, is_sealed=True)
    yield Case(ROUND_TRIP, "tcp", 64, is_sealed=True)
    yield Case(STREAM, "tcp", 1024, peers_in_turn=8, is_sealed=True)


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
