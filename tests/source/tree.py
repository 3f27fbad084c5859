# SPDX-License-Identifier: Apache-2.0
"""The files of the checkout and the tools that check them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from native import ROOT, run

CSRC = ROOT / "csrc"
# From the top; an include may go to the same layer or to one further down this list.
LAYERS = (
    "capi",
    "socket",
    "session",
    "pattern",
    "transport",
    "security",
    "loop",
    "pipe",
    "wire",
    "msg",
    "base",
)
WARNINGS = (
    "-std=c11",
    "-D_GNU_SOURCE",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wconversion",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
    "-Wvla",
    "-Werror",
)
_NOT_OURS = {".git", ".venv", "build", "dist"}


@lru_cache(maxsize=1)
def all_files() -> tuple[Path, ...]:
    """Return every file that is, or is about to be, under version control."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(git, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return _walk()
    names = listing.stdout.decode().split("\0")
    return tuple(ROOT / name for name in sorted(names) if (ROOT / name).is_file())


def _walk() -> tuple[Path, ...]:
    # An exported tree without git: everything but what a build leaves.
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in _NOT_OURS
            and not name.endswith((".egg-info", "_cache", "__pycache__"))
        ]
        found += [Path(folder) / name for name in names]
    return tuple(sorted(found))


def files(*suffixes: str, under: str = "") -> list[Path]:
    """Return the files with one of ``suffixes`` in folder ``under``."""
    top = ROOT / under
    return [
        path
        for path in all_files()
        if path.suffix in suffixes and (path.is_relative_to(top))
    ]


def name(path: Path) -> str:
    """Return ``path`` as it is called from the top of the checkout."""
    return path.relative_to(ROOT).as_posix()


def tool(command: str) -> str:
    """Return the path of a tool installed beside the running Python."""
    beside = Path(sys.executable).parent / command
    found = str(beside) if beside.exists() else shutil.which(command)
    if found is None:
        pytest.fail(f"{command} is not installed (it is in the extra 'dev')")
    return found


def check(*command: str | Path) -> None:
    """Run a checker from the top of the checkout and fail with what it says."""
    done = run(*command)
    if done.returncode != 0:
        pytest.fail(f"{Path(command[0]).name} complains:\n{done.stdout}", pytrace=False)


def complain(rule: str, violations: list[str]) -> None:
    """Fail with one line a violation, if there are any."""
    if violations:
        lines = "\n  ".join(sorted(violations))
        pytest.fail(f"{rule}:\n  {lines}", pytrace=False)
