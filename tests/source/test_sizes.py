# SPDX-License-Identifier: Apache-2.0
"""Files and functions stay small enough to be read."""

from __future__ import annotations

import lizard
import pytest
from source.tree import complain, files, name

pytestmark = pytest.mark.timeout(300)

MAX_FILE_LINES = 700
MAX_C_FUNCTION_LINES = 90
MAX_PYTHON_FUNCTION_LINES = 60

# name: reason. A reason is not "it grew": it says why splitting would read worse.
LONG_FILES: dict[str, str] = {}
# "file:function": reason.
LONG_FUNCTIONS: dict[str, str] = {}


def test_files() -> None:
    long = []
    for path in files(".c", ".h", ".py", ".pyx", ".pxi", ".pxd"):
        n_lines = path.read_text(encoding="utf-8").count("\n")
        if n_lines > MAX_FILE_LINES and name(path) not in LONG_FILES:
            long.append(f"{name(path)}: {n_lines} lines")
    complain(f"files above {MAX_FILE_LINES} lines", long)


def test_functions() -> None:
    long = []
    for path in files(".c", ".h", ".py"):
        limit = MAX_PYTHON_FUNCTION_LINES
        if path.suffix in (".c", ".h"):
            limit = MAX_C_FUNCTION_LINES
        for function in lizard.analyze_file(str(path)).function_list:
            key = f"{name(path)}:{function.name}"
            if function.length > limit and key not in LONG_FUNCTIONS:
                long.append(f"{key}: {function.length} lines")
    complain("functions that are too long", long)


def test_exemptions_are_needed() -> None:
    there = {name(path) for path in files(".c", ".h", ".py", ".pyx", ".pxi", ".pxd")}
    named = {*LONG_FILES, *(key.partition(":")[0] for key in LONG_FUNCTIONS)}
    complain("exemptions of files that are gone", sorted(named - there))
