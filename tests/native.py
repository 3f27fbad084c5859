# SPDX-License-Identifier: Apache-2.0
"""Building the C side, for the tests that run it."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("FASTMQ_BUILD_DIR", ROOT / "build"))
JOBS = str(min(os.cpu_count() or 1, 8))
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, "PATH": PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def must(step: str, *command: str | Path) -> str:
    done = run(*command)
    if done.returncode != 0:
        report = re.sub(r"(?m)^\[\d+/\d+\] .*\n", "", done.stdout)
        pytest.fail(f"{step} failed:\n{tail(report)}", pytrace=False)
    return done.stdout


def tail(text: str, n_lines: int = 150) -> str:
    return "\n".join(text.splitlines()[-n_lines:])


# For a test that builds, or waits until another one has.
patient = pytest.mark.timeout(900)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep two runs in one checkout from building in the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(preset: str) -> Path:
    folder = BUILD / preset
    cmake = shutil.which("cmake", path=PATH)
    assert cmake, "cmake is not installed (it is in the extra 'test')"
    must("configuring", cmake, "--preset", preset, "-B", folder)
    must("building", cmake, "--build", folder, "-j", JOBS)
    return folder
