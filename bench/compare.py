# SPDX-License-Identifier: Apache-2.0
"""Two reports beside each other: a difference is called only beyond the noise.

The noise of a case and peer is the sum of both reports' spreads, and never less than
FLOOR: as far as the farthest runs of the two lie from their medians, the medians may
differ by chance. So no difference is called while the two ranges of runs overlap.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from bench import report as reports
from bench import targets
from bench.tables import Table, number_text, percent_text
from bench.targets import Finding

FLOOR = 0.02
# One run has no spread, and the spread of two says little.
MIN_RUNS = 3


class Verdict(enum.Enum):
    BETTER = "better"
    WORSE = "worse"
    SAME = "within the noise"
    UNSURE = f"fewer than {MIN_RUNS} runs"


@dataclass(frozen=True)
class Difference:
    """How one peer fares in one case."""

    case: str
    peer: str
    unit: str
    before: dict[str, Any]
    after: dict[str, Any]
    change: float
    """Of the median, as a part of the median before."""
    noise: float
    verdict: Verdict


def compare(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """Return what both reports have, in the order of the first."""
    return [
        difference(name, peer, case, numbers, after["cases"][name]["peers"][peer])
        for name, case in before["cases"].items()
        for peer, numbers in case["peers"].items()
        if "summary" in numbers
        and "summary" in after["cases"].get(name, {}).get("peers", {}).get(peer, {})
    ]


def difference(
    name: str,
    peer: str,
    case: dict[str, Any],
    before: dict[str, Any],
    after: dict[str, Any],
) -> Difference:
    old, new = before["summary"], after["summary"]
    change = new["median"] / old["median"] - 1
    # The second spread is a part of the second median; the change is one of the first.
    noise = old["spread"] + new["spread"] * new["median"] / old["median"]
    noise = max(FLOOR, noise)
    n_runs = min(len(before["runs"]), len(after["runs"]))
    return Difference(
        case=name,
        peer=peer,
        unit=case["unit"],
        before=old,
        after=new,
        change=change,
        noise=noise,
        verdict=judge(change, noise, n_runs, case["is rate"]),
    )


def judge(change: float, noise: float, n_runs: int, is_rate: bool) -> Verdict:
    if n_runs < MIN_RUNS:
        return Verdict.UNSURE
    if abs(change) <= noise:
        return Verdict.SAME
    return Verdict.BETTER if (change > 0) == is_rate else Verdict.WORSE


def reached(
    before: dict[str, Any], after: dict[str, Any]
) -> list[tuple[Finding, Finding]]:
    """Return what both reports say of the targets for which they have numbers."""
    others = {found.target: found for found in targets.find(after)}
    return [
        (found, others[found.target])
        for found in targets.find(before)
        if found.target in others
    ]


def one_sided(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return what only one of the reports has."""
    measured = []
    for report in (before, after):
        measured.append(
            {
                f"{name}, {peer}"
                for name, case in report["cases"].items()
                for peer, numbers in case["peers"].items()
                if "summary" in numbers
            }
        )
    only_before = sorted(measured[0] - measured[1])
    only_after = sorted(measured[1] - measured[0])
    return [
        *(f"only in the first: {name}" for name in only_before),
        *(f"only in the second: {name}" for name in only_after),
    ]


def is_other_machine(before: dict[str, Any], after: dict[str, Any]) -> bool:
    passing = {"load"}
    machines = [
        {key: value for key, value in report["machine"].items() if key not in passing}
        for report in (before, after)
    ]
    return machines[0] != machines[1]


def table(found: list[Difference], before: str, after: str) -> Table:
    heading = ("case", "peer", "unit", before, "", after, "", "change", "noise", "")
    shown = Table(f"{before} against {after}", heading, n_left=3)
    for each in found:
        shown.rows.append(
            (
                each.case,
                each.peer,
                each.unit,
                number_text(each.before["median"]),
                percent_text(each.before["spread"]),
                number_text(each.after["median"]),
                percent_text(each.after["spread"]),
                f"{each.change * 100:+.1f}%",
                percent_text(each.noise),
                each.verdict.value,
            )
        )
    return shown


def table_of_targets(
    found: list[tuple[Finding, Finding]], before: str, after: str
) -> Table:
    heading = ("work", "measure", "target", before, "range", "", after, "range", "")
    shown = Table("Targets", heading, n_left=3)
    for pair in found:
        target = pair[0].target
        row = [target.row, targets.MEASURES[target.measure], target.text]
        for each in pair:
            lowest, highest = min(each.values), max(each.values)
            row.append(number_text(each.median))
            row.append(f"{number_text(lowest)} to {number_text(highest)}")
            row.append("met" if each.is_met else "MISSED")
        shown.rows.append(tuple(row))
    return shown


def describe(report: dict[str, Any]) -> str:
    commit = report["commit"] or "no commit"
    return f"{commit}: {report['command']}\n  {reports.machine_line(report)}"
