# SPDX-License-Identifier: Apache-2.0
"""The page says what the report says, and nothing else."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from bench import cases, page
from bench.cases import Case

pytestmark = pytest.mark.timeout(180)

TRIP = Case("reqrep", "tcp", 64, cores="one")
STREAM = Case("pushpull", "tcp", 64)


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
    rows = [line for line in lost.splitlines() if line.startswith("| `")]
    assert len(rows) == 2
    assert "| sockets | 0.75 | 0.67 to 0.83 |" in lost
    assert "| libzmq-c | 0.90 |" in lost
    assert "answering running" in rows[0] or "answering running" in rows[1]
    assert "1 of 3 are met" in text


def test_nothing_is_lost(make_report) -> None:
    text = text_of(make_report({STREAM: {"fastmq": [90.0], "pyzmq": [10.0]}}))
    assert "In no case that was measured" in text
    assert "## Profiles" not in text


def test_profiles_are_shown(make_report) -> None:
    report = make_report({TRIP: {"fastmq": [6.0], "sockets": [5.0]}})
    shares = {"kernel": 0.9, "library": 0.1}
    end = {"samples": 99, "shares": shares, "top": [[0.5, "f"]]}
    few = {**end, "samples": 3}
    report["profiles"] = {
        TRIP.name: {"fastmq": {"server": end, "client": end}, "few": {"server": few}}
    }
    text = text_of(report)
    assert "| fastmq | answering | 90% | 0% | 10% | 50% `f` |" in text
    assert "| fastmq | asking |" in text
    assert "| few |" not in text


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
    again = tmp_path / "again.md"
    done = bench("report", "--from", numbers, "--no-profiles", "--out", again)
    assert done.returncode == 0, done.stderr
    assert again.read_text().replace("(again/", "(page/") == text


def test_a_case_of_a_library_that_lacks_it(make_report) -> None:
    fan_out = replace(STREAM, pattern="pubsub", subscribers=10)
    report = make_report({fan_out: {"fastmq": [9.0]}})
    report["cases"][fan_out.name]["peers"]["other"] = {
        "runs": [],
        "failures": [],
        "lacks": "has no XPUB_NODROP",
    }
    assert "|  | other | has no XPUB_NODROP |" in text_of(report)
