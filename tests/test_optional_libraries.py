# SPDX-License-Identifier: Apache-2.0
"""FASTMQ_SODIUM and FASTMQ_GSSAPI: what a build finds is what ``has`` says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from native import BUILD, PATH, ROOT, run

import fastmq

CAPABILITIES = {"SODIUM": "curve", "GSSAPI": "gssapi"}
NAMES = {"SODIUM": "libsodium", "GSSAPI": "libgssapi_krb5"}

each_library = pytest.mark.parametrize("library", CAPABILITIES)


def configure(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    cmake = shutil.which("cmake", path=PATH)
    assert cmake, "cmake is not installed (it is in the extra 'test')"
    nothing_else = ("-DFASTMQ_TESTS=OFF", "-DFASTMQ_LIBRARY=OFF")
    return run(cmake, "-G", "Ninja", "-S", ROOT, "-B", folder, *nothing_else, *options)


@each_library
def test_a_library_that_has_to_be_there_and_is_not(
    library: str, tmp_path: Path
) -> None:
    done = configure(tmp_path, f"-DFASTMQ_{library}=on", f"-DFASTMQ_{library}_LIBRARY=")
    assert done.returncode != 0
    assert f"FASTMQ_{library}=on, but {NAMES[library]} was not found" in done.stdout


def test_libraries_that_may_be_there_and_are_not(tmp_path: Path) -> None:
    missing = [f"-DFASTMQ_{library}_LIBRARY=" for library in CAPABILITIES]
    done = configure(tmp_path, *missing)
    assert done.returncode == 0, done.stdout
    assert "libsodium not found, building without CURVE" in done.stdout
    assert "libgssapi_krb5 not found, building without GSSAPI" in done.stdout


def test_libraries_that_nobody_wants(tmp_path: Path) -> None:
    unwanted = [f"-DFASTMQ_{library}=off" for library in CAPABILITIES]
    done = configure(tmp_path, *unwanted)
    assert done.returncode == 0, done.stdout
    assert not re.search("sodium|krb5", done.stdout)


def found_by_the_build(library: str) -> bool:
    """Return whether the build of the installed extension had a library."""
    kind = os.environ.get("FASTMQ_SANITIZER", sys.implementation.cache_tag)
    cache = BUILD / f"wheel-{kind}" / "CMakeCache.txt"
    if not cache.exists():
        pytest.skip("it was not built here")
    known = dict(
        re.findall(r"^(FASTMQ_\w+):\w+=(.*)$", cache.read_text(encoding="utf-8"), re.M)
    )
    if known[f"FASTMQ_{library}"].lower() in ("off", "0", "false"):
        return False
    paths = [known[f"FASTMQ_{library}_{what}"] for what in ("INCLUDE", "LIBRARY")]
    return all(path and not path.endswith("-NOTFOUND") for path in paths)


@each_library
def test_what_was_found_is_there(library: str) -> None:
    assert fastmq.has(CAPABILITIES[library]) is found_by_the_build(library)
