# SPDX-License-Identifier: Apache-2.0
"""The stub of the extension says what the extension does."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Python 3.12 gives every exporter of buffers this method.
ALLOWED = "fastmq._core.Frame.__buffer__\n"


@pytest.mark.timeout(120)
def test_the_stub_of_the_extension(tmp_path) -> None:
    pytest.importorskip("mypy.stubtest")
    allowed = tmp_path / "allowed.txt"
    allowed.write_text(ALLOWED)
    command = [sys.executable, "-m", "mypy.stubtest", "--concise"]
    command += [
        "--ignore-unused-allowlist",
        "--allowlist",
        str(allowed),
        "fastmq._core",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
