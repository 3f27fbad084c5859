# SPDX-License-Identifier: Apache-2.0
"""bench/sealing.py runs, and says what it is asked for."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastmq

SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "sealing.py"


@pytest.mark.timeout(180)
@pytest.mark.skipif(not fastmq.has("curve"), reason="built without libsodium")
@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="for Linux")
def test_it_runs() -> None:
    quick = ["--runs=1", "--seconds=0.02", "--trips=20", "--size=20000"]
    quick += ["--threads", "1", "2"]
    done = subprocess.run(
        [sys.executable, "-P", SCRIPT, *quick],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    numbers = re.findall(r"(\w+) +(\d) I/O thread\(s\): (MB/s|mean us) \d", done.stdout)
    streams = [(library, n, "MB/s") for n in "12" for library in ("fastmq", "zmq")]
    assert numbers == [*streams, ("fastmq", "1", "mean us"), ("zmq", "1", "mean us")]
