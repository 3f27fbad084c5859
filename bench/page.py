# SPDX-License-Identifier: Apache-2.0
"""A report as a page: ``python -m bench report`` writes docs/benchmarks.md.

Every sentence with a number or a judgement in it is made from the report, so the page
says what was measured, and says it anew when it is measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from bench import losses, missed, targets
from bench import report as reports
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
from bench.missed import ENDS
from bench.tables import Table, markdown, number_text
from bench.targets import OURS, Finding

HEAD = """\
<!-- Written by `python -m bench report`: measure again instead of editing. -->
# What was measured

The figures of one run of `python -m bench report`. The [guide](guide/benchmarks.md)
tells how it measures and what the names mean. All below is made from the results.
"""
RESULTS = "results.json.gz"
# With fewer single messages the 99th percentile is the longest, or nearly.
FEW = 1000


def write(report: dict[str, Any], file: Path) -> list[Path]:
    """Write the page, and pictures and numbers in a folder of its name beside it."""
    folder = file.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    pictures = draw(report, folder)
    results = folder / RESULTS
    reports.write(report, str(results))
    names = {path.stem: f"{folder.name}/{path.name}" for path in pictures}
    names[RESULTS] = f"{folder.name}/{RESULTS}"
    file.write_text("\n".join(lines(report, names)) + "\n", encoding="utf-8")
    return [file, results, *pictures]


def draw(report: dict[str, Any], folder: Path) -> list[Path]:
    try:
        from bench import plots
    except ImportError:
        return []
    return plots.draw(report, folder, "svg")


def lines(report: dict[str, Any], files: dict[str, str]) -> Iterator[str]:
    yield HEAD
    yield from setting(report)
    yield from repeating(report, files.get(RESULTS))
    yield from of_targets(report)
    for title, wanted, names in SECTIONS:
        entries = [e for e in report["cases"].values() if wanted(reports.case_of(e))]
        if not entries:
            continue
        yield f"## {title}\n"
        for name in names:
            if name in files:
                yield f"![{title}]({files[name]})\n"
        notes = Notes()
        yield from markdown(of_cases(entries, notes))
        yield from notes.lines()
    yield from losses.lines(report)
    yield from missed.lines(report)


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
    command = [*filter(None, [report.get("preparation")]), report["command"]]
    yield "\n".join(["  ```sh", *(f"  {line}" for line in command), "  ```\n"])


def repeating(report: dict[str, Any], results: str | None) -> Iterator[str]:
    """Say how to measure it again, and what to compare that with."""
    if report["machine"]["nice"]:
        yield (
            f"The first line gives the shell, and what it starts, the niceness of this "
            f"run, {report['machine']['nice']}; below 0 it has to be root's.\n"
        )
    if results:
        yield (
            f"Every single run is in [{results}]({results}): `python -m bench compare "
            f"docs/{results} NEW.json` says what is different in another run "
            "(`--json NEW.json`) beyond the noise, and which targets it meets.\n"
        )


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
    yield from remarks(report, findings)


def remarks(report: dict[str, Any], findings: list[Finding]) -> Iterator[str]:
    if any(found.target.is_paced for found in findings):
        yield (
            "In rows that are *paced*, a sender that pauses or a receiver that works "
            f"sets everybody's rate: {targets.PACED:g} of it is taken for as much.\n"
        )
    few = {
        name: min(run["more"]["timed"] for run in runs)
        for name, entry in report["cases"].items()
        if (runs := entry["peers"].get(OURS, {"runs": []})["runs"])
        and runs[0]["more"].get("timed", FEW) < FEW
    }
    if few:
        yield (
            "A 99th percentile is nearly the longest time where few messages were "
            "timed in a run: "
            + ", ".join(f"{n:.0f} in `{name}`" for name, n in few.items())
            + ".\n"
        )


class Notes:
    """Numbered remarks below a table."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, text: str) -> str:
        """Return the mark of a remark, which is made if it is new."""
        if text not in self.texts:
            self.texts.append(text)
        return f" ({self.texts.index(text) + 1})"

    def lines(self) -> Iterator[str]:
        if self.texts:
            yield from (f"({n}) {text}  " for n, text in enumerate(self.texts, 1))
            yield ""


def failed(numbers: dict[str, Any], notes: Notes) -> str:
    """Return the mark of how runs failed, or nothing."""
    said = dict.fromkeys(each["failure"] for each in numbers["failures"])
    if not said:
        return ""
    firsts = [f"`{(text.splitlines() or [''])[0]}`" for text in said]
    n_failed, n_good = len(numbers["failures"]), len(numbers["runs"])
    of_all = f"{n_failed} of {n_failed + n_good} runs failed: " if n_good else ""
    return notes.mark(of_all + ", ".join(firsts))


def of_cases(entries: Iterable[dict[str, Any]], notes: Notes) -> Table:
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
            table.rows.append((name, peer, *cells(case, numbers, notes)))
            name = ""
    return table


def cells(case: Case, numbers: dict[str, Any], notes: Notes) -> tuple[str, ...]:
    mark = failed(numbers, notes)
    if "summary" not in numbers:
        return (numbers.get("lacks") or f"failed{mark}", *[""] * 7)
    found = numbers["summary"]
    more = numbers.get("more", {})
    return (
        number_text(found["median"]) + mark,
        case.unit,
        number_text(found["lowest"]),
        number_text(found["highest"]),
        *(
            number_text(more[key]) if key in more else ""
            for key in ("p50 us", "p99 us")
        ),
        *(number_text(numbers["cpu us"][end]) for end in ENDS),
    )


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
