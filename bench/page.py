# SPDX-License-Identifier: Apache-2.0
"""A report as a page: ``python -m bench report`` writes docs/benchmarks.md.

Every sentence with a number or a judgement in it is made from the report, so the page
says what was measured, and says it anew when it is measured again.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from bench import report as reports
from bench import targets
from bench.cases import (
    CONNECTING,
    FAN_OUT,
    IDLE,
    LOOPS,
    MANY,
    ROUND_TRIP,
    ROUTED,
    STREAM,
    Case,
)
from bench.tables import Table, number_text
from bench.targets import OURS, Finding

HEAD = """\
<!-- Written by `python -m bench report`: measure again instead of editing. -->
# What was measured

The figures of one run of `python -m bench report`. The [guide](guide/benchmarks.md)
tells how it measures and what the names mean. All below is made from the results.
"""
# A peer is ahead in a case if we are behind it by more than this.
TOLERANCE = 0.02
ENDS = ("server", "client")
# The kernel looks every few milliseconds whose time it is: less says nothing.
ENOUGH_S = 0.1
ENOUGH_SAMPLES = 50


def write(report: dict[str, Any], file: Path) -> list[Path]:
    """Write the page, and its pictures in a folder of its name beside it."""
    pictures = draw(report, file.with_suffix(""))
    names = {path.stem: f"{path.parent.name}/{path.name}" for path in pictures}
    file.write_text("\n".join(lines(report, names)) + "\n", encoding="utf-8")
    return [file, *pictures]


def draw(report: dict[str, Any], folder: Path) -> list[Path]:
    try:
        from bench import plots
    except ImportError:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    return plots.draw(report, folder, "svg")


def lines(report: dict[str, Any], pictures: dict[str, str]) -> Iterator[str]:
    yield HEAD
    yield from setting(report)
    yield from of_targets(report)
    for title, wanted, names in SECTIONS:
        entries = [e for e in report["cases"].values() if wanted(reports.case_of(e))]
        if not entries:
            continue
        yield f"## {title}\n"
        for name in names:
            if name in pictures:
                yield f"![{title}]({pictures[name]})\n"
        yield from markdown(of_cases(entries))
    yield from losses(report)
    yield from profiles(report)


def setting(report: dict[str, Any]) -> Iterator[str]:
    machine = report["machine"]
    yield f"- Machine: {reports.machine_line(report)}."
    if machine["load"] > machine["usable cpus"] / 2:
        yield (
            f"- It was busy with something else (a load of {machine['load']:g} on "
            f"{machine['usable cpus']} processors), so times are longer and ranges "
            "wider than they would be. The peers took turns, and ratios suffer less."
        )
    settings = report["settings"]
    yield (
        f"- {settings['rounds']} rounds of about {settings['seconds']:g} s a run; "
        "every case once a round with every peer, in fresh processes; medians."
    )
    for name, peer in report["peers"].items():
        if peer["missing"]:
            yield f"- {name} was not measured: {peer['missing']}"
        else:
            what = [f"{peer['module']} {peer['version']}".strip()]
            what += [f"Python {peer['python']}"] if peer["python"] else []
            yield f"- {name}: {', '.join(what)}."
    yield f"- Commit {report['commit'] or 'unknown'}; command:\n"
    yield f"  ```sh\n  {report['command']}\n  ```\n"


def of_targets(report: dict[str, Any]) -> Iterator[str]:
    findings = targets.find(report)
    if not findings:
        return
    n_met = sum(found.is_met for found in findings)
    yield "## Targets\n"
    yield (
        f"{n_met} of {len(findings)} are met. A ratio is the median of the rounds' "
        "ratios, with the lowest and the highest. *CPU* is what both our ends use of "
        "the processor for a message, as a part of what both of theirs do.\n"
    )
    yield from markdown(targets.table(findings))


def of_cases(entries: Iterable[dict[str, Any]]) -> Table:
    heading = (
        "case",
        "peer",
        "median",
        "unit",
        "lowest",
        "highest",
        "p50 us",
        "p99 us",
    )
    ends = ("CPU us of the end that binds", "of the other")
    table = Table("", (*heading, *ends), n_left=2)
    for entry in entries:
        case = reports.case_of(entry)
        name = f"`{case.name}`"
        for peer, numbers in entry["peers"].items():
            table.rows.append((name, peer, *cells(case, numbers)))
            name = ""
    return table


def cells(case: Case, numbers: dict[str, Any]) -> tuple[str, ...]:
    if "summary" not in numbers:
        return (numbers.get("lacks") or "failed", *[""] * 7)
    found = numbers["summary"]
    more = numbers.get("more", {})
    return (
        number_text(found["median"]),
        case.unit,
        number_text(found["lowest"]),
        number_text(found["highest"]),
        *(
            number_text(more[key]) if key in more else ""
            for key in ("p50 us", "p99 us")
        ),
        *(number_text(numbers["cpu us"][end]) for end in ENDS),
    )


def markdown(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(table.heading) + " |"
    n_right = len(table.heading) - table.n_left
    yield "|" + "---|" * table.n_left + "--:|" * n_right
    for row in table.rows:
        yield "| " + " | ".join(text.replace("|", "\\|") for text in row) + " |"
    yield ""


# Which cases stand together, and the pictures that go with them.

Wanted = Callable[[Case], bool]
SECTIONS: tuple[tuple[str, Wanted, tuple[str, ...]], ...] = (
    (
        "Throughput by size",
        lambda case: case.pattern == STREAM and case.is_basic,
        ("throughput", "bandwidth", "cpu"),
    ),
    (
        "Round trips",
        lambda case: case.pattern == ROUND_TRIP and case.is_basic,
        ("round-trip", "percentiles"),
    ),
    (
        "Parts, and many messages a call",
        lambda case: case.parts > 1 or case.api == MANY,
        ("more",),
    ),
    ("Fan-out", lambda case: case.pattern == FAN_OUT, ("fan-out",)),
    (
        "Sealed by CURVE",
        lambda case: case.is_sealed and case.peers_in_turn == 1,
        (),
    ),
    ("Coroutines", lambda case: case.api in LOOPS, ("asyncio",)),
    (
        "Many connections",
        lambda case: (
            case.peers_in_turn > 1 or case.pattern in (ROUTED, CONNECTING, IDLE)
        ),
        ("peers-in-turn", "memory"),
    ),
    ("No cliff", lambda case: case.is_hard, ("pauses", "hardships")),
)


# Where somebody else is ahead.


def losses(report: dict[str, Any]) -> Iterator[str]:
    rows = [row for entry in report["cases"].values() for row in behind(entry)]
    yield "## Where fastmq is behind\n"
    if not rows:
        yield "In no case that was measured, beyond the tolerance.\n"
        return
    yield (
        f"Every case and peer in which it is behind by more than {TOLERANCE:.0%}. "
        "*Range* is that of the rounds: where it crosses 1, the runs do not agree. An "
        "end is *running* for that part of the time, the rest it sleeps; *kernel* is "
        "the part of its running time that the kernel had.\n"
    )
    heading = (
        "case",
        "beside",
        "times as good",
        "range",
        "fastmq",
        "the other",
        "ends",
    )
    yield from markdown(Table("", heading, rows, n_left=2))


def behind(entry: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    case = reports.case_of(entry)
    ours = entry["peers"].get(OURS, {"runs": []})
    for peer, numbers in entry["peers"].items():
        ratios = ratios_of(case, ours, numbers) if peer != OURS else []
        if not ratios or statistics.median(ratios) >= 1 - TOLERANCE:
            continue
        yield (
            f"`{case.name}`",
            peer,
            f"{statistics.median(ratios):.2f}",
            f"{min(ratios):.2f} to {max(ratios):.2f}",
            number_text(ours["summary"]["median"]),
            number_text(numbers["summary"]["median"]),
            "; ".join(state(case, ours)),
        )


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


def role_of(case: Case, end: str) -> str:
    if case.transport == "inproc" or end == "both":
        return "both ends"
    return case.ends[ENDS.index(end)]


def profiles(report: dict[str, Any]) -> Iterator[str]:
    """Say where the time goes in what was profiled."""
    if not report.get("profiles"):
        return
    yield "## Profiles\n"
    yield (
        "Of the cases of missed targets, sampled by perf: shares of the time that an "
        f"end runs, and where the samples fell most often. With fewer than "
        f"{ENOUGH_SAMPLES} samples nothing is said.\n"
    )
    heading = ("case", "peer", "end", "kernel", "interpreter", "library", "most")
    table = Table("", heading, n_left=3)
    for name, by_peer in report["profiles"].items():
        case = reports.case_of(report["cases"][name])
        for peer, by_end in by_peer.items():
            for end, found in by_end.items():
                if found["samples"] < ENOUGH_SAMPLES:
                    continue
                shares = [f"{found['shares'].get(p, 0):.0%}" for p in heading[3:6]]
                most = ", ".join(f"{part:.0%} `{what}`" for part, what in found["top"])
                row = (f"`{name}`", peer, role_of(case, end), *shares, most)
                table.rows.append(row)
    yield from markdown(table)


def missed(report: dict[str, Any]) -> list[Finding]:
    return [found for found in targets.find(report) if not found.is_met]
