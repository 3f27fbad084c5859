# SPDX-License-Identifier: Apache-2.0
"""Thousands of peers and a million topics: python -m bench scale checks as it goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(300)
ROOT = Path(__file__).resolve().parents[2]


def scale(*arguments: str, limit: float = 280) -> dict[str, Any]:
    """Run it; every peer was heard, and every message was the right one."""
    plain = {key: os.environ[key] for key in os.environ if key != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "bench", "scale", "--json", "-", *arguments],
        cwd=ROOT,
        env=plain,
        capture_output=True,
        text=True,
        check=False,
        timeout=limit,
    )
    assert done.returncode == 0, done.stderr
    return {
        name: case["libraries"]
        for name, case in json.loads(done.stdout)["cases"].items()
    }


def test_hundreds_of_peers() -> None:
    found = scale("--peers", "300", "--only", "router", "pub")
    for case in ("router", "pub"):
        assert list(found[case]) == ["fastmq", "pyzmq"]
        ours, theirs = found[case].values()
        assert ours["memory a peer (KiB)"] < theirs["memory a peer (KiB)"]


def test_thousands_of_topics() -> None:
    found = scale("--topics", "50000", "--only", "topics", "--libraries", "fastmq")
    check_topics(found["topics"]["fastmq"], 50_000)


def check_topics(ours: dict[str, float], n: int) -> None:
    """What was cancelled gives its memory back, but for what is kept for others."""
    for end in ("PUB", "SUB"):
        grown = ours[f"memory a topic, {end} (bytes)"] * n / 2**20
        assert ours[f"memory kept, {end} (MiB)"] < max(grown / 3, 12)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nine_thousand_peers() -> None:
    found = scale("--peers", "9000", "--only", "router", "pub", limit=580)
    for case in ("router", "pub"):
        ours, theirs = found[case].values()
        assert ours["memory a peer (KiB)"] < theirs["memory a peer (KiB)"] / 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_topics() -> None:
    found = scale("--topics", "1000000", "--only", "topics", limit=580)
    ours, theirs = found["topics"].values()
    check_topics(ours, 1_000_000)
    for end in ("PUB", "SUB"):
        key = f"memory a topic, {end} (bytes)"
        assert ours[key] < theirs[key]
