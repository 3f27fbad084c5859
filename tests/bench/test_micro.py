# SPDX-License-Identifier: Apache-2.0
"""The micro benchmarks run, and measure when asked to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pytest_benchmark")
pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).resolve().parents[2]


def micro(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    # In a worker of a parallel run pytest-benchmark would not measure.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_XDIST")
    }
    return subprocess.run(
        [*command, "bench/micro", *arguments],
        cwd=ROOT,
        env={**environment, "PYTHONSAFEPATH": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=100,
    )


def test_each_once() -> None:
    done = micro()
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout
    assert "skipped" not in done.stdout


def test_measuring(tmp_path: Path) -> None:
    file = tmp_path / "micro.json"
    limits = ("--benchmark-max-time=0.001", "--benchmark-min-rounds=2")
    chosen = ("-k", "test_bytes and 64", "--benchmark-warmup=off")
    done = micro("--benchmark-enable", f"--benchmark-json={file}", *limits, *chosen)
    assert done.returncode == 0, done.stdout
    measured = json.loads(file.read_text())["benchmarks"]
    names = {each["name"] for each in measured}
    assert {"test_bytes[fastmq-64]", "test_bytes[zmq-64]"} <= names
    assert all(each["stats"]["rounds"] >= 2 for each in measured)
