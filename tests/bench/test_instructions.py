# SPDX-License-Identifier: Apache-2.0
"""Instruction counts: built, run under callgrind, and the same every time."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bench import instructions

pytestmark = pytest.mark.timeout(300)
RECORDED = json.loads(Path(__file__).with_name("counts.json").read_text())
TRIES = 5  # on a busy machine the other end may take part of the work


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the program built in it."""
    made = tmp_path_factory.mktemp("instructions")
    instructions.build(made)
    return made


def test_counts(bench, folder: Path) -> None:
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    counts = []
    for _ in range(2):
        options = ("--quick", "--build", folder, "--only", "fq", "--json", "-")
        done = bench("instructions", *options)
        assert (done.returncode, done.stderr) == (0, "")
        counts.append(json.loads(done.stdout)["counts"])
    assert [count["function"] for count in counts[0]] == ["fq_append", "fq_pop"]
    for count in counts[0]:
        assert 1 < count["median"] < 1000
    assert counts[0] == counts[1]


def test_sockets_too(bench, folder: Path, tmp_path: Path) -> None:
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    file = tmp_path / "counts.json"
    options = ("--quick", "--build", folder, "--only", "tcp", "--json", file)
    done = bench("instructions", *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Instructions a message, 64 B" in done.stdout
    counts = json.loads(file.read_text())["counts"]
    assert {(c["path"], c["function"], c["burst"]) for c in counts} == {
        ("tcp", "send", 1),
        ("tcp", "recv", 1),
        ("tcp", "send", 100),
        ("tcp", "recv", 100),
    }


@pytest.mark.parametrize("only", RECORDED["counts"])
def test_no_more_than_are_recorded(bench, folder: Path, only: str) -> None:
    """A tenth more fails; a tenth less should be recorded (counts.json)."""
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    made_by = {"machine": platform.machine(), "compiler": compiler(folder)}
    if only.startswith(instructions.PYTHON):
        made_by["python"] = ".".join(platform.python_version_tuple()[:2])
    recorded = {name: RECORDED[name] for name in made_by}
    if made_by != recorded:
        pytest.skip(f"recorded with {recorded}")
    allowed = RECORDED["counts"][only]
    found: list[float] = []
    for _ in range(TRIES):
        options = ("--quick", "--build", folder, "--only", only, "--json", "-")
        done = bench("instructions", *options)
        assert (done.returncode, done.stderr) == (0, "")
        (count,) = json.loads(done.stdout)["counts"]
        found.append(count["median"])
        if 0.5 * allowed < found[-1] < 1.1 * allowed:
            return
    said = f"{only}: {found} instructions, {allowed} recorded"
    if only.startswith("tcp") and max(found) <= 0.5 * allowed:
        pytest.skip(f"{said}: the I/O thread of a busy machine does it instead")
    pytest.fail(said)


def compiler(folder: Path) -> str:
    """Return the name and the major version of the compiler of a build."""
    (made,) = folder.glob("CMakeFiles/*/CMakeCCompiler.cmake")
    found = dict(re.findall(r'set\(CMAKE_C_COMPILER_(\w+) "(.*)"\)', made.read_text()))
    return f"{found['ID']} {found['VERSION'].partition('.')[0]}"


def test_every_path_runs_by_itself(folder: Path) -> None:
    program = folder / instructions.PROGRAM
    for path in instructions.PATHS:
        if path.path == instructions.PYTHON:
            continue
        command = [str(program), path.path, "1000", str(path.burst), "300"]
        subprocess.run(command, check=True, timeout=60)
    for wrong in (["none", "1", "1"], ["fq", "x", "1"], ["fq", "1", "0"], ["fq"]):
        done = subprocess.run([str(program), *wrong], check=False, capture_output=True)
        assert done.returncode == 2
        assert done.stderr


def test_without_tools(bench, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(instructions.Unable, match="no-such-tool is not installed"):
        instructions.tool("no-such-tool")
