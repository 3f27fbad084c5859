# SPDX-License-Identifier: Apache-2.0
"""The page says what the report says, and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from bench import cases, missed, page, targets
from bench import report as reports
from bench.cases import Case

pytestmark = pytest.mark.timeout(180)

TRIP = Case("reqrep", "tcp", 64, cores="one")
STREAM = Case("pushpull", "tcp", 64)
SPINNING = replace(TRIP, cores="two", spin_us=50)


def text_of(report: dict) -> str:
    return "\n".join(page.lines(report, {}))


def test_every_case_is_in_one_section() -> None:
    for case in cases.matrix():
        titles = [title for title, wanted, _ in page.SECTIONS if wanted(case)]
        assert len(titles) == 1, (case.name, titles)


def test_what_is_lost_is_said(make_report) -> None:
    report = make_report(
        {
            TRIP: {"fastmq": [6.0, 6.0], "sockets": [5.0, 4.0], "pyzmq": [20.0, 20.0]},
            STREAM: {"fastmq": [90.0], "pyzmq": [10.0], "libzmq-c": [100.0]},
        }
    )
    text = text_of(report)
    _, _, lost = text.partition("## Where fastmq is behind")
    lost, _, longer = lost.partition("### Longer 99th percentiles")
    longer, _, dearer = longer.partition("### More of the processor")
    rows = [line for line in lost.splitlines() if line.startswith("| `")]
    assert len(rows) == 2
    assert "Nowhere, beyond the tolerance." in longer
    dearer, _, _ = dearer.partition("## Missed")
    assert len([line for line in dearer.splitlines() if line.startswith("| `")]) == 2
    assert (
        f"| `{STREAM.name}` | pyzmq | 9.00 | 9.00 to 9.00 | 450.0 | 50.00 |" in dearer
    )
    assert "| sockets | 0.75 | 0.67 to 0.83 |" in lost
    assert "| libzmq-c | 0.90 |" in lost
    assert "answering running" in rows[0] or "answering running" in rows[1]
    assert "1 of 3 are met" in text


def test_nothing_is_lost(make_report) -> None:
    text = text_of(make_report({STREAM: {"fastmq": [90.0], "pyzmq": [10.0]}}))
    assert "In no case that was measured" in text
    assert "## Missed" not in text


def test_longer_percentiles_are_said(make_report) -> None:
    report = make_report({TRIP: {"fastmq": [5.0, 5.0], "sockets": [9.0, 9.0]}})
    for run in report["cases"][TRIP.name]["peers"]["fastmq"]["runs"]:
        run["more"]["p99 us"] *= 1.5
    row = f"| `{TRIP.name}` | sockets | 1.50 | 1.50 to 1.50 | 150.8 | 100.5 |"
    text = text_of(report)
    assert "In no case that was measured" in text
    assert row in text


def test_failures_have_their_reason(make_report) -> None:
    report = make_report({STREAM: {"fastmq": [90.0, 91.0]}})
    peers = report["cases"][STREAM.name]["peers"]
    failure = {"round": 0, "failure": "no luck\nat all"}
    peers["fastmq"]["failures"] = [failure]
    peers["other"] = {"runs": [], "failures": [failure, failure]}
    text = text_of(report)
    assert "|  | other | failed (2) |" in text
    assert "| 90.50 (1) |" in text
    assert "(1) 1 of 3 runs failed: `no luck`" in text
    assert "(2) `no luck`" in text
    assert "at all" not in text


def test_how_it_is_measured_again(make_report) -> None:
    report = make_report({STREAM: {"fastmq": [90.0]}})
    report["machine"]["nice"], report["preparation"] = -20, "favour me"
    text = "\n".join(page.lines(report, {page.RESULTS: "page/numbers.gz"}))
    assert "  favour me\n  made up\n" in text
    assert "`python -m bench compare docs/page/numbers.gz NEW.json`" in text
    report["machine"]["nice"], report["preparation"] = 0, ""
    assert "niceness" not in text_of(report)


def test_what_is_relaxed_is_said(make_report) -> None:
    paused = replace(STREAM, pause_us=10_000)
    report = make_report({paused: {"fastmq": [90.0], "pyzmq": [90.0]}})
    text = text_of(report)
    assert ">= 0.95 x pyzmq (paced)" in text
    assert "In rows that are *paced*" in text
    assert "nearly the longest" not in text
    (run,) = report["cases"][paused.name]["peers"]["fastmq"]["runs"]
    run["more"]["timed"] = 100
    assert f"100 in `{paused.name}`" in text_of(report)


def test_profiles_are_shown(make_report) -> None:
    report = make_report({SPINNING: {"fastmq": [11.0], "sockets": [9.0]}})
    shares = {"kernel": 0.9, "library": 0.1}
    end = {"samples": 99, "shares": shares, "top": [[0.5, "f"]]}
    few = {**end, "samples": 3}
    about = {"case": SPINNING.name, "is probe": False}
    report["profiles"] = [
        {**about, "peer": "fastmq", "ends": {"server": end, "client": end}},
        {**about, "peer": "few", "ends": {"server": few}},
        {**about, "is probe": True, "peer": "probed", "ends": {"server": end}},
    ]
    text = text_of(report)
    assert "| fastmq | answering | 90% | 0% | 10% | 0% | 50% `f` |" in text
    assert "| fastmq | asking |" in text
    assert "| few |" not in text
    assert "| probed |" not in text


def test_who_is_profiled(make_report) -> None:
    report = make_report(
        {
            SPINNING: {"fastmq": [11.0], "sockets": [9.0]},
            STREAM: {"fastmq": [9.0], "pyzmq": [9.0], "libzmq-c": [9.0]},
            replace(STREAM, pause_us=10): {"fastmq": [9.0], "pyzmq": [8.0]},
        }
    )
    found = {
        (case.name, is_probe): names
        for case, is_probe, names in missed.to_profile(report)
    }
    assert found == {
        (SPINNING.name, False): ["fastmq", "sockets"],
        (STREAM.name, False): ["fastmq", "pyzmq"],
        ("pushpull-pause10us-tcp-64B-two", True): ["fastmq", "pyzmq"],
    }


def test_what_was_tried_is_about_cases_with_targets() -> None:
    sections = missed.tried(missed.TRIED.read_text())
    assert len({section.title for section in sections}) == len(sections) > 3
    names = {target.case for target in targets.every()}
    for section in sections:
        assert section.text
        assert "../docs" not in section.text
        for pattern in section.patterns:
            assert any(cases.fits(name, pattern) for name in names), pattern


def test_what_was_tried_is_said_of_the_missed_alone(make_report) -> None:
    title = "### A round trip that never sleeps"
    measured = {STREAM: {"fastmq": [9.0], "pyzmq": [9.0]}, SPINNING: {"fastmq": [11.0]}}
    text = text_of(make_report(measured))
    assert text.count(title) == 1
    assert f"- `{SPINNING.name}`: 11.00 (11.00 to 11.00), to be <= 10." in text
    assert f"### {STREAM.name}\n" in text
    assert text.count("Nothing is noted of what was tried.") == 1
    assert title not in text_of(make_report({**measured, SPINNING: {"fastmq": [9.0]}}))


def test_a_page_of_a_quick_run(bench, tmp_path) -> None:
    file = tmp_path / "docs" / "page.md"
    file.parent.mkdir()
    only = [w for part in ("tcp-64B-one", "pause10us") for w in ("--only", part)]
    options = ("--quick", "--runs", "1", "--seconds", "0.005", "--no-profiles")
    numbers = tmp_path / "numbers.json"
    more = ("--cores", "free", "--peers", "fastmq", "sockets", "--json", numbers)
    done = bench("report", *options, *only, *more, "--out", file)
    assert done.returncode == 0, done.stderr
    text = file.read_text()
    report = json.loads(numbers.read_text())
    assert set(re.findall(r"\| `([a-z0-9A-Z-]+)`", text)) == set(report["cases"])
    assert f"python -m bench report {' '.join(options[:3])}" in text
    pictures = re.findall(r"\]\((page/[a-z-]+\.svg)\)", text)
    assert all((file.parent / picture).exists() for picture in pictures)
    results = file.parent / "page" / page.RESULTS
    assert reports.read(str(results)) == report
    done = bench("compare", numbers, results)
    assert done.returncode == 0, done.stderr
    again = tmp_path / "again.md"
    done = bench("report", "--from", numbers, "--no-profiles", "--out", again)
    assert done.returncode == 0, done.stderr
    assert again.read_text().replace("again/", "page/") == text


def test_a_case_of_a_library_that_lacks_it(make_report) -> None:
    fan_out = replace(STREAM, pattern="pubsub", subscribers=10)
    report = make_report({fan_out: {"fastmq": [9.0]}})
    report["cases"][fan_out.name]["peers"]["other"] = {
        "runs": [],
        "failures": [],
        "lacks": "has no XPUB_NODROP",
    }
    assert "|  | other | has no XPUB_NODROP |" in text_of(report)
