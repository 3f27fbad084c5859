# SPDX-License-Identifier: Apache-2.0
"""What the tests of the benchmarks share: the package, its program, made-up reports."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

# By path: the checkout's top must not be where modules are looked for.
if "bench" not in sys.modules or not hasattr(sys.modules["bench"], "__file__"):
    spec = importlib.util.spec_from_file_location(
        "bench",
        ROOT / "bench" / "__init__.py",
        submodule_search_locations=[str(ROOT / "bench")],
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["bench"] = package
    spec.loader.exec_module(package)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def bench() -> Run:
    """Return a function that runs python -m bench in the checkout."""
    # `-m bench` is found in the current folder, which a safe path would leave out.
    plain = {key: os.environ[key] for key in os.environ if key != "PYTHONSAFEPATH"}

    def run(
        *arguments: str | Path, limit: float = 110, **more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bench", *map(str, arguments)],
            cwd=ROOT,
            env={**plain, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )

    return run


def more_of(case: Any, number: int) -> dict[str, float]:
    more = {f"{end} {what}": 0.5 for end in ("server", "client") for what in MORE}
    if case.has_latency:
        more.update({"p50 us": 10.0 + number, "p99 us": 100.0 + number})
    if case.pattern == "idle":
        more["idle ms"] = 0.2
    return more


MORE = ("kernel", "sleeps")


@pytest.fixture
def make_report() -> Callable[..., dict[str, Any]]:
    """Return a function that makes a report of {case: {peer: values}}."""
    from bench import report as reports
    from bench.harness import Run
    from bench.measure import Outcome
    from bench.peers import Found, Peer

    def make(values: dict[Any, dict[str, list[float]]]) -> dict[str, Any]:
        names = dict.fromkeys(name for peers in values.values() for name in peers)
        peers = {name: Peer(name, name) for name in names}
        found = {peer: Found("1.0", "3.11") for peer in peers.values()}
        settings = {"rounds": 5, "seconds": 0.1, "limit": 30}
        report = reports.start("made up", settings, found)
        for case, by_peer in values.items():
            for name, numbers in by_peer.items():
                for n, value in enumerate(numbers):
                    run = Run(value, 100, 0.1, 2 * value, 3 * value, more_of(case, n))
                    reports.add(report, Outcome(case, peers[name], n, run))
        return report

    return make
