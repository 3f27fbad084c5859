# SPDX-License-Identifier: Apache-2.0
"""The example programs, and how to run them on either library."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples"
PROGRAMS = sorted(FOLDER.glob("*.py"))
IMPORT = "import fastmq as zmq"
DEADLINE_S = 40

# Each writes errors to standard error, where the tests want to see nothing.
OPTIONS = ["-u", "-W", "error", "-X", "utf8"]


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def prints(path: Path) -> str:
    """Return what the program says that it prints."""
    found = re.search(
        r"^Prints::\n\n((?:    .*\n?|\n)+)", docstring(path), re.MULTILINE
    )
    return textwrap.dedent(found[1]).strip() + "\n" if found else ""


def other_end(path: Path) -> Path | None:
    found = re.search(r"^Other end: (.*)$", docstring(path), re.MULTILINE)
    return FOLDER / found[1] if found else None


def variant(path: Path, library: str, folder: Path) -> Path:
    """Return the program with ``library`` in the place of fastmq."""
    text = path.read_text(encoding="utf-8")
    assert text.count(IMPORT) == 1
    copy = folder / f"{library}-{path.name}"
    text = re.sub(
        r"^(import|from) fastmq\b", rf"\1 {library}", text, flags=re.MULTILINE
    )
    copy.write_text(text, encoding="utf-8")
    return copy


@contextlib.contextmanager
def started(path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, *OPTIONS, str(path), *arguments]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def finish(process: subprocess.Popen[str], sent: int | None = None) -> tuple[str, str]:
    """Return what the program wrote until it ended."""
    if sent is not None:
        os.kill(process.pid, sent)
    return process.communicate(timeout=DEADLINE_S)
