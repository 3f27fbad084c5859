# SPDX-License-Identifier: Apache-2.0
"""Sockets of gevent's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gevent")


@pytest.mark.parametrize("library", ["fastmq", "zmq"])
def test_greenlets(library) -> None:
    program = Path(__file__).with_name("green_program.py")
    ended = subprocess.run(
        [sys.executable, str(program), library],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
