# SPDX-License-Identifier: Apache-2.0
"""Every block of code in the README, the docs and the docstrings runs.

``python`` blocks are programs: each runs in a process of its own. Those whose first
line is a comment with a file's name (``# worker.py``) belong to the page's program of
several processes and run together; one that loops for ever is interrupted when the
others have ended. ``pycon`` blocks are sessions that doctest compares, one after the
other in one namespace; so are those in docstrings.
"""

from __future__ import annotations

import contextlib
import doctest
import re
import signal
import sys
from pathlib import Path

import pytest
from examples.programs import ROOT, finish, started

import fastmq

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(python|pycon)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# \w+\.py\b")


def blocks(path: Path, kind: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [found[2] for found in BLOCK.finditer(text) if found[1] == kind]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


ALONE = [
    pytest.param(block, id=f"{name(path)}-{i}")
    for path in PAGES
    for i, block in enumerate(blocks(path, "python"))
    if not NAMED.match(block)
]
TOGETHER = [
    pytest.param(group, id=name(path))
    for path in PAGES
    if (group := [block for block in blocks(path, "python") if NAMED.match(block)])
]
SESSIONS = [
    pytest.param(path, id=name(path)) for path in PAGES if blocks(path, "pycon")
]
# The modules of the package with a session in a docstring.
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "fastmq").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


def test_there_are_blocks() -> None:
    assert ALONE
    assert TOGETHER
    assert SESSIONS


@pytest.mark.parametrize("block", ALONE)
def test_program(block, tmp_path) -> None:
    program = tmp_path / "program.py"
    program.write_text(block, encoding="utf-8")
    with started(program) as process:
        _, errors = finish(process)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("group", TOGETHER)
def test_programs_of_several_processes(group, tmp_path) -> None:
    with contextlib.ExitStack() as stack:
        ends, loops = [], []
        for i, block in enumerate(group):
            program = tmp_path / f"program-{i}.py"
            # No fixed ports in a test.
            text = re.sub(r"tcp://[\w.]+:(\d+)", rf"ipc://{tmp_path}/\1", block)
            program.write_text(text, encoding="utf-8")
            process = stack.enter_context(started(program))
            (loops if "while True:" in block else ends).append(process)
        for process in ends:
            _, errors = finish(process)
            assert (process.returncode, errors) == (0, "")
        for process in loops:
            assert process.stdout is not None
            assert process.stdout.readline()
            _, errors = finish(process, signal.SIGINT)
            assert errors.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.parametrize("path", SESSIONS)
def test_session(path) -> None:
    parser = doctest.DocTestParser()
    runner = doctest.DocTestRunner(
        optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    )
    globs = {"__name__": "session"}
    for i, block in enumerate(blocks(path, "pycon")):
        test = parser.get_doctest(block, globs, f"{name(path)}-{i}", str(path), 0)
        runner.run(test, clear_globs=False, out=sys.stdout.write)
        globs.update(test.globs)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.parametrize("module", MODULES)
def test_docstrings(module) -> None:
    found = pytest.importorskip(module, exc_type=ImportError)
    assert doctest.testmod(found).failed == 0


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links(path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_every_public_name_is_on_the_map() -> None:
    page = (ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8")
    constants = {*fastmq.constants.__all__, "constants", "error"}
    socket = {*vars(fastmq.Socket), *vars(fastmq.Socket.__mro__[1])}
    methods = {name for name in socket if callable(getattr(fastmq.Socket, name))}
    names = {*fastmq.__all__} - constants | methods
    public = {name for name in names if not name.startswith("_")}
    assert {name for name in public if f"`{name}`" not in page} == set()
