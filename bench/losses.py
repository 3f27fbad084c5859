# SPDX-License-Identifier: Apache-2.0
"""What a page says of the cases in which another is ahead: all of them, by measure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from bench import report as reports
from bench import targets
from bench.cases import Case
from bench.missed import ENDS, role_of
from bench.tables import Table, markdown, number_text
from bench.targets import OURS

# A peer is ahead in a case if we are behind it by more than this.
TOLERANCE = 0.02
# The kernel looks every few milliseconds whose time it is: less says nothing.
ENOUGH_S = 0.1


def lines(report: dict[str, Any]) -> Iterator[str]:
    yield "## Where fastmq is behind\n"
    entries = report["cases"].values()
    values = [row for entry in entries for row in behind(entry)]
    if values:
        yield (
            f"Every case and peer in which it is behind by more than {TOLERANCE:.0%}. "
            "*Range* is that of the rounds: where it crosses 1, the runs do not agree. "
            "An end is *running* for that part of the time, the rest it sleeps; "
            "*kernel* is the part of its running time that the kernel had.\n"
        )
        yield from markdown(table("times as good", values, "ends"))
    else:
        yield "In no case that was measured, beyond the tolerance.\n"
    for measure, title, said in MORE:
        rows = [row for entry in entries for row in dearer(entry, measure)]
        yield f"### {title}\n"
        if rows:
            yield f"{said}\n"
            yield from markdown(table("times as much", rows))
        else:
            yield "Nowhere, beyond the tolerance.\n"


MORE = (
    (
        "p99",
        "Longer 99th percentiles",
        "Microseconds within which 99 of 100 messages or round trips took; medians of "
        "the rounds.",
    ),
    (
        "cpu",
        "More of the processor",
        "Microseconds of the processor that both ends use for a message or round trip "
        "(of silent peers: for each, in a second). A receiver that looks for the next "
        "message runs meanwhile: where messages are up to 50 us apart, it has them "
        "sooner and uses more than one that sleeps.",
    ),
)


def table(ratio: str, rows: list[tuple[str, ...]], *more: str) -> Table:
    heading = ("case", "beside", ratio, "range", OURS, "the other", *more)
    return Table("", heading, rows, n_left=2)


def behind(entry: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each peer that has the better main value."""
    case = reports.case_of(entry)
    ours = entry["peers"].get(OURS, {"runs": []})
    for peer, numbers in others(entry):
        ratios = ratios_of(case, ours, numbers)
        if not ratios or statistics.median(ratios) >= 1 - TOLERANCE:
            continue
        values = [number_text(each["summary"]["median"]) for each in (ours, numbers)]
        said = "; ".join(state(case, ours))
        yield (f"`{case.name}`", peer, *ratio_text(ratios), *values, said)


def dearer(entry: dict[str, Any], measure: str) -> Iterator[tuple[str, ...]]:
    """Yield a row for each peer that needs less of a measure."""
    case = reports.case_of(entry)
    if measure == "p99" and not case.has_latency:
        return
    ours = targets.numbers(entry["peers"].get(OURS), measure)
    for peer, numbers in others(entry):
        theirs = targets.numbers(numbers, measure)
        ratios = targets.ratios(ours, theirs)
        if not ratios or statistics.median(ratios) <= 1 + TOLERANCE:
            continue
        medians = [statistics.median(each.values()) for each in (ours, theirs)]
        values = [number_text(median) for median in medians]
        yield (f"`{case.name}`", peer, *ratio_text(ratios), *values)


def others(entry: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from (found for found in entry["peers"].items() if found[0] != OURS)


def ratio_text(ratios: list[float]) -> tuple[str, str]:
    median = statistics.median(ratios)
    return f"{median:.2f}", f"{min(ratios):.2f} to {max(ratios):.2f}"


def ratios_of(case: Case, ours: dict[str, Any], theirs: dict[str, Any]) -> list[float]:
    """Return round by round how many times as good we are."""
    numbers = [targets.numbers(peer, "value") for peer in (ours, theirs)]
    return targets.ratios(*(numbers if case.is_rate else reversed(numbers)))


def state(case: Case, numbers: dict[str, Any]) -> Iterator[str]:
    """Say of each end what it did with the time."""
    more = numbers.get("more", {})
    n_ends = 1 if case.transport == "inproc" else 2
    for end in ENDS[:n_ends]:
        if f"{end} kernel" not in more:
            continue
        parts, seconds = running(case, numbers, end)
        said = [f"{role_of(case, end)} running {statistics.median(parts):.0%}"]
        if seconds >= ENOUGH_S:
            said.append(f"kernel {more[f'{end} kernel']:.0%}")
        said.append(f"{more[f'{end} sleeps']:.2g} sleeps a message")
        yield ", ".join(said)


def running(case: Case, numbers: dict[str, Any], end: str) -> tuple[list[float], float]:
    """Return the part of each run in which an end ran, and the seconds in all."""
    ends = ENDS if case.transport == "inproc" else (end,)
    parts, seconds = [], 0.0
    for run in numbers["runs"]:
        used = sum(run[f"{each}_cpu_us"] for each in ends) * run["n"] * 1e-6
        parts.append(used / run["seconds"])
        seconds += used
    return parts, seconds
