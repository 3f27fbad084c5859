# SPDX-License-Identifier: Apache-2.0
"""What a page says of missed targets: where the time goes, and what was tried.

What was tried is written by hand, in tried.md; a section of it is on the page while one
of its cases is among the missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import cases, profile, targets
from bench import report as reports
from bench.cases import Case
from bench.tables import Table, markdown, number_text
from bench.targets import MEASURES, OURS, Finding

TRIED = Path(__file__).with_name("tried.md")
CASES = "Cases: "
ENDS = ("server", "client")
ENOUGH_SAMPLES = 50


@dataclass(frozen=True)
class Tried:
    """A section of tried.md."""

    title: str
    patterns: tuple[str, ...]
    text: str

    def is_about(self, name: str) -> bool:
        return any(cases.fits(name, pattern) for pattern in self.patterns)


def tried(text: str) -> list[Tried]:
    """Return the sections of such a file.

    Raises:
        ValueError: A section does not begin with its cases.
    """
    found = []
    for section in text.split("\n## ")[1:]:
        title, _, rest = section.partition("\n")
        first, _, said = rest.strip().partition("\n")
        if not first.startswith(CASES):
            raise ValueError(f"{title!r} does not say which cases it is about")
        patterns = tuple(first[len(CASES) :].replace("`", "").split(", "))
        # The page lies in docs.
        said = said.strip().replace("](../docs/", "](")
        found.append(Tried(title, patterns, said))
    return found


def findings(report: dict[str, Any]) -> list[Finding]:
    return [found for found in targets.find(report) if not found.is_met]


def to_profile(report: dict[str, Any]) -> Iterator[tuple[Case, bool, list[str]]]:
    """Yield what makes profiles of the missed: case, phase, and who is to play it.

    Beside us that is who we are compared with, or plain sockets where that is nobody.
    """
    wanted: dict[tuple[str, bool], list[str]] = {}
    for found in findings(report):
        target = found.target
        names = wanted.setdefault((target.case, target.measure == "p99"), [OURS])
        other = target.peer or "sockets"
        is_there = other in report["cases"][target.case]["peers"]
        if is_there and other != "libzmq-c" and other not in names:
            names.append(other)
    for (name, is_probe), names in wanted.items():
        case = reports.case_of(report["cases"][name])
        if case.pattern != cases.IDLE:  # where nothing is done that could be sampled
            yield case, is_probe, names


def lines(report: dict[str, Any]) -> Iterator[str]:
    missed = findings(report)
    if not missed:
        return
    yield "## Missed targets\n"
    yield (
        "Where the time goes, and what was tried. Shares are of the time that an end "
        "runs, sampled by perf, beside the one that it is compared with; *other* is "
        "the C library and the clock. A 99th percentile is of the phase in which "
        "single messages are timed: there a sender that waits computes "
        f"(*interpreter*). With fewer than {ENOUGH_SAMPLES} samples nothing is said.\n"
    )
    for title, some, said in groups(missed):
        yield f"### {title}\n"
        yield from (f"- {summary(found)}" for found in some)
        yield ""
        table = profiles(report, some)
        if table.rows:
            yield from markdown(table)
        yield f"{said or 'Nothing is noted of what was tried.'}\n"


def groups(missed: list[Finding]) -> Iterator[tuple[str, list[Finding], str]]:
    """Yield title, findings and text by the sections of tried.md, then the others."""
    left = list(missed)
    for section in tried(TRIED.read_text(encoding="utf-8")):
        some = [found for found in left if section.is_about(found.target.case)]
        if some:
            left = [found for found in left if found not in some]
            yield section.title, some, section.text
    for name in dict.fromkeys(found.target.case for found in left):
        yield name, [found for found in left if found.target.case == name], ""


def summary(found: Finding) -> str:
    target = found.target
    measure = MEASURES[target.measure]
    lowest, highest = number_text(min(found.values)), number_text(max(found.values))
    return (
        f"`{target.case}`{measure and f', {measure}'}: {number_text(found.median)} "
        f"({lowest} to {highest}), to be {target.text}."
    )


def profiles(report: dict[str, Any], missed: Iterable[Finding]) -> Table:
    wanted = {(found.target.case, found.target.measure == "p99") for found in missed}
    heading = ("case", "phase", "who", "end", *profile.SHOWN, "most")
    table = Table("", heading, n_left=4)
    for each in report.get("profiles", ()):
        if (each["case"], each["is probe"]) not in wanted:
            continue
        case = reports.case_of(report["cases"][each["case"]])
        phase = "single messages" if each["is probe"] else "throughput"
        phase = "round trips" if not case.is_rate else phase
        for end, found in each["ends"].items():
            if found["samples"] < ENOUGH_SAMPLES:
                continue
            most = ", ".join(f"{part:.0%} `{what}`" for part, what in found["top"])
            row = (f"`{case.name}`", phase, each["peer"], role_of(case, end))
            table.rows.append((*row, *profile.shares_text(found), most))
    return table


def role_of(case: Case, end: str) -> str:
    if case.transport == "inproc" or end == "both":
        return "both ends"
    return case.ends[ENDS.index(end)]
