# SPDX-License-Identifier: Apache-2.0
"""The bench script runs every case and writes what it found; no number is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(300)
SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "first_light.py"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Its modules lie beside it, which a safe path would leave out.
    environment = dict(os.environ)
    environment.pop("PYTHONSAFEPATH", None)
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def test_every_case_once(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    done = run(tmp_path, "--quick", "--runs", "1", "--json", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(file.read_text())
    assert {"pushpull-tcp", "pushpull-ipc", "pushpull-inproc"} <= set(report["cases"])
    for case in report["cases"].values():
        assert {"fastmq", "pyzmq"} <= set(case["peers"])
        for numbers in case["peers"].values():
            assert len(numbers["values"]) == 1
            assert numbers["lowest"] == numbers["median"] == numbers["highest"] > 0
        assert case["title"] in done.stdout


def test_only_and_peers(tmp_path: Path) -> None:
    options = ("--only", "inproc", "--peers", "pyzmq", "--json", "-")
    done = run(tmp_path, "--quick", "--runs", "2", *options)
    assert (done.returncode, done.stderr) == (0, "")
    cases = json.loads(done.stdout)["cases"]
    assert list(cases) == ["pushpull-inproc"]
    assert list(cases["pushpull-inproc"]["peers"]) == ["pyzmq"]
    assert len(cases["pushpull-inproc"]["peers"]["pyzmq"]["values"]) == 2
