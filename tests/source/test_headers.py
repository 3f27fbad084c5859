# SPDX-License-Identifier: Apache-2.0
"""Every header of the core compiles alone and is guarded by its own name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from source.tree import CSRC, WARNINGS, complain, files, name

# One of each family, under whichever name it goes here.
FAMILIES = (("gcc", "cc"), ("clang", *(f"clang-{n}" for n in range(20, 13, -1))))
COMPILERS = [
    found[0]
    for family in FAMILIES
    if (found := [command for command in family if shutil.which(command)])
]


def headers() -> list[Path]:
    return files(".h", under="csrc")


def compile_alone(compiler: str, header: Path) -> str:
    command = [compiler, *WARNINGS, "-fsyntax-only", "-x", "c", f"-I{CSRC}"]
    command += [f"-I{CSRC / 'include'}", "-include", str(header), os.devnull]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"{name(header)}\n{done.stderr}"


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.timeout(300)
def test_every_header_compiles_alone(compiler: str) -> None:
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = pool.map(lambda header: compile_alone(compiler, header), headers())
        complain("headers that do not stand alone", [text for text in results if text])


def test_a_compiler_was_there() -> None:
    assert COMPILERS


def test_guards() -> None:
    wrong = []
    for header in headers():
        parts = header.relative_to(CSRC).with_suffix("").parts
        guard = "_".join(["FMQ", *parts, "H"]).upper()
        text = header.read_text(encoding="utf-8")
        if parts[0] == "include":
            good = re.search(r"^#ifndef (\w+)\n#define \1$", text, re.MULTILINE)
        else:
            good = re.search(rf"^#ifndef {guard}\n#define {guard}$", text, re.MULTILINE)
        if not good:
            wrong.append(f"{name(header)}: {guard}")
    complain("headers without their guard", wrong)
