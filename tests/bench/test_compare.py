# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of summaries and comparisons, on made-up numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import compare
from bench import report as reports
from bench.cases import Case
from bench.compare import Verdict
from bench.report import summary

RATE, TRIP = Case("pushpull", "tcp", 64), Case("reqrep", "tcp", 64)


def test_summary() -> None:
    found = summary([100, 90, 130, 110, 105])
    assert (found["median"], found["lowest"], found["highest"]) == (105, 90, 130)
    assert found["quartiles"] == [100, 110]
    # The farthest run, 130, is 25 away.
    assert found["spread"] == pytest.approx(25 / 105)


def test_summary_of_one_run() -> None:
    found = summary([7.0])
    assert found["quartiles"] == [7, 7]
    assert found["spread"] == 0


@pytest.mark.parametrize(
    ("case", "after", "verdict"),
    [
        (RATE, [120, 121, 122], Verdict.BETTER),
        (RATE, [80, 81, 82], Verdict.WORSE),
        (TRIP, [120, 121, 122], Verdict.WORSE),
        (TRIP, [80, 81, 82], Verdict.BETTER),
        (RATE, [99, 100, 104], Verdict.SAME),
        # A median far off, but one run as before.
        (RATE, [100, 120, 121], Verdict.SAME),
        (RATE, [200, 201], Verdict.UNSURE),
    ],
)
def test_verdicts(make_report, case, after, verdict) -> None:
    before = make_report({case: {"a": [99, 100, 101]}})
    (found,) = compare.compare(before, make_report({case: {"a": after}}))
    assert found.verdict is verdict


def test_noise_is_the_sum_of_both_spreads(make_report) -> None:
    before = make_report({RATE: {"a": [90, 100, 105]}})  # 10 from the median
    after = make_report({RATE: {"a": [195, 200, 230]}})  # 30 from the median
    (found,) = compare.compare(before, after)
    assert found.change == pytest.approx(1.0)
    assert found.noise == pytest.approx(0.4)


def test_no_difference_while_ranges_overlap(make_report) -> None:
    before = make_report({RATE: {"a": [90, 100, 110.1]}})
    after = make_report({RATE: {"a": [110, 120, 125]}})
    (found,) = compare.compare(before, after)
    assert found.verdict is Verdict.SAME


def test_noise_has_a_floor(make_report) -> None:
    before = make_report({RATE: {"a": [100, 100, 100]}})
    (found,) = compare.compare(before, make_report({RATE: {"a": [101.5] * 3}}))
    assert found.noise == compare.FLOOR
    assert found.verdict is Verdict.SAME
    (found,) = compare.compare(before, make_report({RATE: {"a": [102.5] * 3}}))
    assert found.verdict is Verdict.BETTER


def test_what_one_side_lacks_is_named(make_report) -> None:
    before = make_report({RATE: {"a": [1], "b": [1]}})
    after = make_report({RATE: {"a": [1]}, TRIP: {"a": [1]}})
    assert [each.peer for each in compare.compare(before, after)] == ["a"]
    assert compare.one_sided(before, after) == [
        f"only in the first: {RATE.name}, b",
        f"only in the second: {TRIP.name}, a",
    ]


def write(folder: Path, name: str, report: object) -> Path:
    file = folder / name
    file.write_text(json.dumps(report))
    return file


def test_program(bench, make_report, tmp_path) -> None:
    before = write(tmp_path, "a.json", make_report({RATE: {"a": [99, 100, 101]}}))
    after = write(tmp_path, "b.json", make_report({RATE: {"a": [49, 50, 51]}}))
    done = bench("compare", before, after)
    assert (done.returncode, done.stderr) == (0, "")
    assert "-50.0%" in done.stdout
    assert "worse" in done.stdout
    assert bench("compare", "--fail", before, after).returncode == 1
    assert bench("compare", "--fail", after, before).returncode == 0
    same = bench("compare", "--fail", before, before)
    assert same.returncode == 0
    assert "1 within the noise" in same.stdout


def test_program_says_when_machines_differ(bench, make_report, tmp_path) -> None:
    report = make_report({RATE: {"a": [1, 1, 1]}})
    before = write(tmp_path, "a.json", report)
    report["machine"]["processor"] = "another"
    done = bench("compare", before, write(tmp_path, "b.json", report))
    assert done.returncode == 0
    assert "machines differ" in done.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "b.json"),
        ("[]", "not a report"),
        ('{"cases": {}, "format": 99}', "format 99"),
        (None, "No such file"),
    ],
)
def test_other_files_are_refused(
    bench, make_report, tmp_path, content: str | None, reason: str
) -> None:
    before = write(tmp_path, "a.json", make_report({RATE: {"a": [1]}}))
    after = tmp_path / "b.json"
    if content is not None:
        after.write_text(content)
    done = bench("compare", before, after)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_targets_of_both(make_report) -> None:
    before = make_report({RATE: {"a": [9.0], "fastmq": [90.0], "pyzmq": [10.0]}})
    after = make_report({RATE: {"fastmq": [70.0], "pyzmq": [10.0]}})
    found = compare.reached(before, after)
    assert [each.median for each in found[0]] == [9.0, 7.0]
    (row,) = compare.table_of_targets(found, "A", "B").rows
    assert row[2:] == (
        ">= 8 x pyzmq",
        *("9.00", "9.00 to 9.00", "met"),
        *("7.00", "7.00 to 7.00", "MISSED"),
    )


def test_a_file_that_was_cut(tmp_path) -> None:
    file = tmp_path / "numbers.json.gz"
    reports.write({"format": reports.FORMAT, "cases": {}}, str(file))
    assert reports.read(str(file))["cases"] == {}
    whole = file.read_bytes()
    for part in (whole[:-9], whole[:5], b"", b"{}"):
        file.write_bytes(part)
        with pytest.raises(reports.Malformed, match="numbers"):
            reports.read(str(file))
