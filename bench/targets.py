# SPDX-License-Identifier: Apache-2.0
"""What the library is to reach, beside others, and whether it does.

Numbers of one round lie close together in time, so ratios are taken round by round; the
median of these is judged, and the lowest and highest are given beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import cases
from bench.cases import Case
from bench.tables import Table, number_text

OURS = "fastmq"
AT_LEAST, ABOVE, AT_MOST, BELOW = ">=", ">", "<=", "<"
MEASURES = {
    "value": "",
    "p99": "99th percentile",
    "cpu": "CPU of both ends",
    "idle": "CPU of a second without messages",
}
# A sender that pauses, or a receiver that works, sets the rate: nobody can be much
# faster than another.
PACED = 0.95


@dataclass(frozen=True)
class Target:
    """One number of one case, beside a peer's or by itself."""

    row: str
    case: str
    sign: str
    bound: float
    peer: str = ""
    """Nobody: the bound is in the unit of the case."""
    measure: str = "value"

    @property
    def is_paced(self) -> bool:
        """Whether an end that pauses or works sets the rate."""
        return self.bound == PACED

    @property
    def text(self) -> str:
        beside = f"x {self.peer}" if self.peer else ""
        paced = "(paced)" if self.is_paced else ""
        return " ".join(filter(None, (self.sign, f"{self.bound:g}", beside, paced)))

    def is_met_by(self, value: float) -> bool:
        return {
            AT_LEAST: value >= self.bound,
            ABOVE: value > self.bound,
            AT_MOST: value <= self.bound,
            BELOW: value < self.bound,
        }[self.sign]


@dataclass(frozen=True)
class Finding:
    """What a report says of a target."""

    target: Target
    values: Sequence[float]
    """Ratios, or our own numbers, round by round."""
    ours: float
    theirs: float | None = None
    cpu: float | None = None
    """What both our ends use of the processor, as a part of what theirs do."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def is_met(self) -> bool:
        return self.target.is_met_by(self.median)


def every() -> Iterator[Target]:
    """Yield the targets in the order of the design's table, then the cliffs."""
    yield from streams()
    yield from trips()
    yield from crowds()
    yield from large()
    yield from awaited()
    yield from cliffs()


def streams() -> Iterator[Target]:
    for transport in ("tcp", "ipc"):
        row = f"{transport}, 64 B, PUSH/PULL, two processes"
        case = f"pushpull-{transport}-64B-two"
        yield Target(row, case, AT_LEAST, 8, "pyzmq")
        yield Target(row, case, ABOVE, 1, "libzmq-c")
    for transport in ("tcp", "ipc"):
        row = f"{transport}, 64 B, send_many and recv_many"
        case = f"pushpull-many-{transport}-64B-two"
        yield Target(row, case, AT_LEAST, 15, "pyzmq")


def trips() -> Iterator[Target]:
    row = "REQ/REP 64 B tcp, "
    case = "reqrep-tcp-64B"
    yield Target(f"{row}one core", f"{case}-one", AT_MOST, 1.25, "sockets")
    yield Target(f"{row}two cores", f"{case}-two", AT_MOST, 1.1, "sockets")
    spinning = f"{row}two cores, spinning (us)"
    yield Target(spinning, "reqrep-spin-tcp-64B-two", AT_MOST, 10)


def crowds() -> Iterator[Target]:
    for n in cases.PEERS_IN_TURN:
        row = f"{n} peers sent to in turn"
        yield Target(row, f"turn{n}-tcp-64B-two", AT_LEAST, 4, "pyzmq")
    row = "inproc 64 B, two threads"
    yield Target(row, "pushpull-inproc-64B-two", AT_LEAST, 5, "pyzmq")
    row = "2-part multipart 128 B"
    yield Target(row, "pushpull-tcp-2x128B-two", AT_LEAST, 8, "pyzmq")
    for row, case in (
        ("PUB to 100 SUBs", "pub100-tcp-64B-two"),
        ("ROUTER with 1,000 DEALERs", "router1000-tcp-64B-two"),
    ):
        yield Target(row, case, ABOVE, 1, "pyzmq")
        yield Target(row, case, BELOW, 1, "pyzmq", "cpu")
    row = "1,000 silent peers"
    yield Target(f"{row} (ms)", "idle1000-tcp-64B-free", AT_MOST, 1, "", "idle")
    yield Target(f"{row}, memory", "idle1000-tcp-64B-free", AT_MOST, 1, "pyzmq")
    row = "connections, opened and closed"
    yield Target(row, "connect-tcp-64B-two", ABOVE, 1, "pyzmq")


def large() -> Iterator[Target]:
    for transport in ("tcp", "ipc"):
        for size in ("64KiB", "1MiB"):
            row = f"{transport}, {size}"
            case = f"pushpull-{transport}-{size}-two"
            yield Target(row, case, AT_LEAST, 2, "pyzmq")
            yield Target(row, case, AT_LEAST, 1, "pyomq")
            yield Target(row, case, AT_LEAST, 1, "sockets")


def awaited() -> Iterator[Target]:
    row = "asyncio recv, 128 B"
    case = "pushpull-asyncio-tcp-128B-two"
    yield Target(row, case, AT_LEAST, 20, "pyzmq")
    yield Target(row, case, ABOVE, 1, "pyomq")
    for cores in ("one", "two"):
        row = f"asyncio round trip, {cores} core{'s' * (cores == 'two')}"
        yield Target(row, f"reqrep-asyncio-tcp-64B-{cores}", AT_MOST, 1, "sockets")


def cliffs() -> Iterator[Target]:
    for case in hard():
        row = f"no cliff: {name_of(case)}"
        if case.is_rate:
            bound = PACED if case.pause_us or case.slow_us else 1
            yield Target(row, case.name, AT_LEAST, bound, "pyzmq")
        else:
            yield Target(row, case.name, BELOW, 1, "pyzmq")
        yield Target(row, case.name, BELOW, 1, "pyzmq", "p99")


def hard() -> Iterator[Case]:
    for case in cases.hardships(is_quick=False):
        if not case.spin_us:
            yield case
    yield Case(cases.STREAM, "tcp", 64, peers_in_turn=100)
    yield Case(cases.ROUTED, "tcp", 64, n_peers=100)


def name_of(case: Case) -> str:
    if case.pattern == cases.ROUTED:
        return f"{case.n_peers} peers ask one ROUTER"
    said = ", ".join(case.conditions)
    return said if case.is_rate else f"{said}, round trip"


def is_wanted(case: Case) -> bool:
    """Whether a target is measured by the case."""
    return any(case.name == target.case for target in every())


# What was measured.


def find(report: dict[str, Any]) -> list[Finding]:
    """Return what the report has numbers for."""
    return [found for target in every() if (found := look(report, target))]


def look(report: dict[str, Any], target: Target) -> Finding | None:
    peers = report["cases"].get(target.case, {"peers": {}})["peers"]
    ours = numbers(peers.get(OURS), target.measure)
    if not target.peer:
        values = list(ours.values())
        return Finding(target, values, statistics.median(values)) if values else None
    other = peers.get(target.peer)
    theirs = numbers(other, target.measure)
    values = ratios(ours, theirs)
    if not values:
        return None
    cpu = ratios(numbers(peers.get(OURS), "cpu"), numbers(other, "cpu"))
    return Finding(
        target,
        values,
        ours=statistics.median(ours.values()),
        theirs=statistics.median(theirs.values()),
        cpu=statistics.median(cpu) if cpu else None,
    )


def ratios(ours: dict[int, float], theirs: dict[int, float]) -> list[float]:
    return [ours[number] / theirs[number] for number in ours if theirs.get(number)]


def numbers(peer: dict[str, Any] | None, measure: str) -> dict[int, float]:
    """Return by round what was measured."""
    found = {}
    for run in peer["runs"] if peer else ():
        found[run["round"]] = {
            "value": run["value"],
            "p99": run["more"].get("p99 us", 0.0),
            "cpu": run["server_cpu_us"] + run["client_cpu_us"],
            "idle": run["more"].get("idle ms", 0.0),
        }[measure]
    return found


def table(findings: Iterable[Finding]) -> Table:
    heading = ("work", "measure", "target", "verdict", "measured", "range")
    shown = Table("Targets", (*heading, OURS, "the other", "CPU"), n_left=4)
    for found in findings:
        target = found.target
        others = (found.theirs, found.cpu)
        shown.rows.append(
            (
                target.row,
                MEASURES[target.measure],
                target.text,
                "met" if found.is_met else "MISSED",
                number_text(found.median),
                f"{number_text(min(found.values))} to {number_text(max(found.values))}",
                number_text(found.ours),
                *("" if value is None else number_text(value) for value in others),
            )
        )
    return shown
