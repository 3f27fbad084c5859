# SPDX-License-Identifier: Apache-2.0
"""The wheel: what is in it, and that it needs no compiler to install."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def run(*command: str | Path, path: str | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "PATH": path or os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, ROOT)
    (found,) = folder.glob("fastmq-*.whl")
    return found


def test_content(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    outside = [name for name in names if not name.startswith(("fastmq/", "fastmq-"))]
    assert outside == []
    sources = [name for name in names if name.endswith((".pyx", ".pxi", ".c", ".h"))]
    assert sources == []
    extensions = [name for name in names if name.endswith(".so")]
    assert len(extensions) == 1
    assert "fastmq/py.typed" in names


def test_installs_without_a_compiler(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    no_tools = str(tmp_path)
    run(python, "-m", "pip", "install", "--no-deps", wheel, path=no_tools)
    check = "import fastmq; print(fastmq.Context.__name__)"
    assert run(python, "-c", check, path=no_tools) == "Context\n"
