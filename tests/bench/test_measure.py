# SPDX-License-Identifier: Apache-2.0
"""The order of runs, what failures do to it, and what the report says of both."""

from __future__ import annotations

import pytest

from bench import report as reports
from bench.cases import Case
from bench.harness import Failed, Run, TimedOut
from bench.measure import Outcome, measure
from bench.peers import Found, Peer

A, B = Peer("a", "a"), Peer("b", "b")
ONE, OTHER = Case("pushpull", "tcp", 64), Case("reqrep", "tcp", 64)
RUN = Run(10, 100, 0.1, 2, 3)


def test_peers_take_turns() -> None:
    outcomes = measure([ONE, OTHER], [A, B], 2, lambda case, peer: RUN)
    order = [(each.round, each.case, each.peer) for each in outcomes]
    assert order == [
        (0, ONE, A),
        (0, ONE, B),
        (0, OTHER, A),
        (0, OTHER, B),
        (1, ONE, B),
        (1, ONE, A),
        (1, OTHER, B),
        (1, OTHER, A),
    ]


@pytest.mark.parametrize(("error", "n_tried"), [(Failed, 2), (TimedOut, 1)])
def test_failures_do_not_end_the_others(error: type[Failed], n_tried: int) -> None:
    def run_once(case: Case, peer: Peer) -> Run:
        if peer is A and case is ONE:
            raise error("why")
        return RUN

    outcomes = list(measure([ONE, OTHER], [A, B], 5, run_once))
    failed = [each for each in outcomes if each.run is None]
    assert [each.failure for each in failed] == ["why"] * n_tried
    assert {(each.case, each.peer) for each in failed} == {(ONE, A)}
    assert len(outcomes) - len(failed) == 15


def test_one_failure_leaves_the_later_runs() -> None:
    tried: list[int] = []

    def run_once(case: Case, peer: Peer) -> Run:
        tried.append(1)
        if len(tried) == 1:
            raise Failed("once")
        return RUN

    assert len(list(measure([ONE], [A], 4, run_once))) == 4


def test_the_report_names_who_failed_and_who_was_missing() -> None:
    found = {A: Found("1", "3.11"), B: Found(missing="No module")}
    report = reports.start("command", {}, found)
    reports.add(report, Outcome(ONE, A, 0, failure="it broke"))
    assert reports.failures(report) == ["pushpull-tcp-64B-two, a: it broke (round 1)"]
    assert reports.missing(report) == ["b: not measured: No module"]


def test_the_report_keeps_every_number() -> None:
    report = reports.start("command", {}, {A: Found("1", "3.11")})
    for n, value in enumerate((30.0, 10.0, 20.0)):
        reports.add(report, Outcome(ONE, A, n, Run(value, 5, 0.5, value / 2, 1)))
    case = report["cases"][ONE.name]
    assert reports.case_of(case) == ONE
    assert (case["title"], case["unit"], case["is rate"]) == (
        ONE.title,
        "messages/s",
        True,
    )
    numbers = case["peers"]["a"]
    assert [run["value"] for run in numbers["runs"]] == [30.0, 10.0, 20.0]
    assert numbers["summary"]["median"] == 20
    assert numbers["cpu us"] == {"server": 10, "client": 1}
    assert report["machine"]["usable cpus"] >= 1
    assert "load" in reports.machine_line(report)
