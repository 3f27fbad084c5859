# SPDX-License-Identifier: Apache-2.0
"""The rows of C programs: every case runs on libzmq and on ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_every_case_runs(bench, tmp_path: Path) -> None:
    done = bench("capi", "--quick", "--build", tmp_path, "--json", "-")
    if "no libzmq.so.5" in done.stderr:
        pytest.skip("no libzmq to measure beside")
    assert (done.returncode, done.stderr) == (0, "")
    results = json.loads(done.stdout)["results"]
    assert len(results) == 24
    for result in results:
        assert result["libzmq"][0] > 0
        assert result["fastmq"][0] > 0
