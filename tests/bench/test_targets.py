# SPDX-License-Identifier: Apache-2.0
"""What is to be reached: every target has a case, and rounds' ratios judge it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import cases, targets
from bench.cases import Case
from bench.targets import Target

TRIP = Case("reqrep", "tcp", 64, cores="one")
STREAM = Case("pushpull", "tcp", 64)
PAUSED = replace(STREAM, pause_us=10)
IDLE = Case("idle", "tcp", 64, n_peers=1000, cores="free")


def test_every_target_has_its_case() -> None:
    names = {case.name for case in cases.matrix()}
    every = list(targets.every())
    assert {target.case for target in every} <= names
    assert len(set(every)) == len(every)
    wanted = {case.name for case in cases.matrix() if targets.is_wanted(case)}
    assert wanted == {target.case for target in every}


def test_every_measure_is_taken() -> None:
    for target in targets.every():
        assert target.measure in targets.MEASURES
        (case,) = [case for case in cases.matrix() if case.name == target.case]
        if target.measure == "p99":
            assert case.has_latency
        if target.peer == "sockets":
            assert case.is_plain
        if target.peer == "libzmq-c":
            assert case.is_basic


@pytest.mark.parametrize(
    ("sign", "met"),
    [(">=", {2.0, 3.0}), (">", {3.0}), ("<=", {1.0, 2.0}), ("<", {1.0})],
)
def test_signs(sign: str, met: set[float]) -> None:
    target = Target("work", "case", sign, 2, "pyzmq")
    assert {value for value in (1.0, 2.0, 3.0) if target.is_met_by(value)} == met


def test_ratios_are_of_one_round(make_report) -> None:
    # The second round was ten times slower, for both.
    report = make_report({STREAM: {"fastmq": [90.0, 8.0], "pyzmq": [10.0, 1.0]}})
    (found,) = targets.find(report)
    assert found.values == [9.0, 8.0]
    assert found.median == 8.5
    assert found.is_met
    assert found.cpu == 8.5


def test_what_is_judged(make_report) -> None:
    values = {
        TRIP: {"fastmq": [6.0], "sockets": [5.0], "pyzmq": [20.0]},
        PAUSED: {"fastmq": [100.0, 96.0], "pyzmq": [100.0, 100.0]},
        IDLE: {"fastmq": [2.0], "pyzmq": [20.0]},
    }
    found = {
        (f.target.case, f.target.measure): f for f in targets.find(make_report(values))
    }
    assert found[TRIP.name, "value"].median == 1.2
    assert found[TRIP.name, "value"].is_met
    assert found[PAUSED.name, "value"].is_met
    assert not found[PAUSED.name, "p99"].is_met  # as long, not shorter
    assert found[IDLE.name, "idle"].theirs is None
    assert found[IDLE.name, "idle"].is_met
    shown = targets.table(found.values())
    assert [row[3] for row in shown.rows].count("MISSED") == 1


def test_nothing_is_judged_without_its_peer(make_report) -> None:
    assert targets.find(make_report({TRIP: {"fastmq": [6.0], "pyzmq": [20.0]}})) == []
    assert targets.find(make_report({TRIP: {"sockets": [6.0]}})) == []
