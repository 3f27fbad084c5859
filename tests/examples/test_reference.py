# SPDX-License-Identifier: Apache-2.0
"""The reference in docs/api has every public name, and Sphinx has nothing to say."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from examples.programs import ROOT
from source.test_docstrings import public_modules

import fastmq

PAGES = sorted((ROOT / "docs" / "api").glob("*.md"))
DIRECTIVE = re.compile(
    r"^\.\. (?:auto)?(module|class|function|data):: (\S+)\n((?:   :.*\n)*)",
    re.MULTILINE,
)
TOCTREE = re.compile(r"^```\{toctree\}\n(?::.*\n)+\n((?:[^`\n]+\n)+)```", re.MULTILINE)

# Whose names are those of other pages, or for who looks behind them.
NOT_THERE = {
    "fastmq.backend": "the public classes' bases, for programs that look behind them",
    "fastmq.curve_keygen": "a program",
    "fastmq.demo": "a program",
    "fastmq.green.eventloop": "the same as fastmq.eventloop, on gevent",
    "fastmq.options": "what options are as attributes; the guide has a page on them",
    "fastmq.sugar": "other names of the same",
    "fastmq.auth.certs": "as in fastmq.auth",
}


def find(path: str) -> Any:
    """Return what a dotted name of something in a module stands for."""
    parent, _, name = path.rpartition(".")
    return getattr(importlib.import_module(parent), name)


def exported(module: ModuleType) -> list[Any]:
    """Return what a module exports of ours, but for numbers and the like."""
    values = [getattr(module, name) for name in getattr(module, "__all__", ())]
    return [
        value
        for value in values
        if (inspect.isclass(value) or inspect.isroutine(value))
        and getattr(value, "__module__", "").startswith("fastmq")
    ]


def documented() -> Iterator[Any]:
    """Yield what the pages' directives stand for."""
    for page in PAGES:
        for kind, name, options in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
            if kind != "module":
                yield find(name)
            elif ":no-members:" not in options:
                yield from exported(importlib.import_module(name))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_public_name_is_in_the_reference() -> None:
    there = list(documented())
    assert fastmq.Socket in there
    missing = [
        f"{module.__name__}.{value.__name__}"
        for module in public_modules()
        if not any(f"{module.__name__}.".startswith(f"{name}.") for name in NOT_THERE)
        for value in exported(module)
        if not any(value is one for one in there)
    ]
    assert missing == []


def test_every_page_is_in_a_list_of_pages() -> None:
    """Where Sphinx looks for what a page is part of."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    pages += [ROOT / "csrc" / "README.md", ROOT / "examples" / "README.md"]
    listed = {ROOT / "docs" / "index.md"}
    for page in pages:
        for toctree in TOCTREE.findall(page.read_text(encoding="utf-8")):
            for entry in toctree.split():
                listed |= {path.resolve() for path in page.parent.glob(f"{entry}.md")}
    assert {str(page) for page in pages} - {str(page) for page in listed} == set()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_pages(tmp_path) -> None:
    pytest.importorskip("sphinx")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
    command += ["-c", str(ROOT / "docs"), "-d", str(tmp_path / "doctrees")]
    done = subprocess.run(
        [*command, str(ROOT), str(tmp_path / "pages")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    socket = tmp_path / "pages" / "docs" / "api" / "socket.html"
    text = plain(socket)
    # Of a compiled method: its types, which are the stub's, and its docstring.
    assert "send_many(messages: Iterable[Frame | Buffer], *, timeout: float" in text
    assert "Send many messages of one part each" in text


def plain(page: Path) -> str:
    """Return what a page says, in one line."""
    text = re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8"))
    return re.sub(r"\( ", "(", " ".join(text.split()))
