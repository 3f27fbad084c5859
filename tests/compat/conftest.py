# SPDX-License-Identifier: Apache-2.0
"""Programs that run in a process of their own, with the alias or without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a command and gives what it printed."""

    def started(
        *command: str | Path, fails: bool = False, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert fails == (done.returncode != 0), done.stdout + done.stderr
        return done

    return started


@pytest.fixture
def python(run: Run) -> Callable[..., str]:
    """Return a function that runs code in another Python, and gives its output."""

    def code(program: str, *words: str, **environment: str) -> str:
        return run(sys.executable, "-c", program, *words, **environment).stdout

    return code


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a script."""

    def write(text: str, name: str = "script.py") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
