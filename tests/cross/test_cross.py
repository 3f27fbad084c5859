# SPDX-License-Identifier: Apache-2.0
"""The core compiles, with the same warnings, for systems that this one is not."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from source.tree import CSRC, LAYERS, ROOT, WARNINGS

# ziglang is a C compiler with the headers of many systems: pip install ziglang
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        importlib.util.find_spec("ziglang") is None, reason="ziglang is not installed"
    ),
]

TARGETS = ("aarch64-macos", "x86_64-macos", "x86_64-freebsd")
# From here on down the list of layers everything is portable, and linked as a proof
# that no function is missing.
PORTABLE = LAYERS[LAYERS.index("transport") :]
# Files that do not compile for the systems named yet, and why.
NOT_YET = {
    "socket/poll.c": ("macos", "ppoll"),
}
STRICT_LINKING = {"macos": ["-Wl,-undefined,error"], "freebsd": ["-Wl,-z,defs"]}
VERSION = [
    "-DFMQ_VERSION_MAJOR=0",
    "-DFMQ_VERSION_MINOR=0",
    "-DFMQ_VERSION_PATCH=0",
    '-DFMQ_VERSION_STRING="0.0.0"',
]


@pytest.fixture(scope="session")
def zig_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the compiler keeps what it has made of the C libraries."""
    return tmp_path_factory.mktemp("zig")


def system(target: str) -> str:
    return target.partition("-")[2]


def sources(layer: str, target: str) -> list[Path]:
    """Return the files of ``layer`` that are expected to compile for ``target``."""
    found = []
    for path in sorted((CSRC / layer).glob("*.c")):
        missing, _ = NOT_YET.get(path.relative_to(CSRC).as_posix(), ("", ""))
        if missing != system(target):
            found.append(path)
    return found


def compile_for(
    target: str, cache: Path, folder: Path, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, "-fPIC"]
    command += [*WARNINGS, *VERSION, f"-I{CSRC}", f"-I{CSRC / 'include'}"]
    command += [str(argument) for argument in arguments]
    folder.mkdir(exist_ok=True)
    return subprocess.run(
        command,
        cwd=folder,
        env={
            **os.environ,
            "ZIG_GLOBAL_CACHE_DIR": str(cache),
            "ZIG_LOCAL_CACHE_DIR": str(cache),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def must_compile(
    target: str, cache: Path, folder: Path, *arguments: str | Path
) -> None:
    done = compile_for(target, cache, folder, *arguments)
    if done.returncode != 0:
        pytest.fail(f"for {target}:\n{done.stderr}", pytrace=False)


@pytest.mark.parametrize("target", TARGETS)
def test_the_lower_layers_link(target: str, zig_cache: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    files = [path for layer in PORTABLE for path in sources(layer, target)]
    assert CSRC / "loop" / "poller_kqueue.c" in files
    arguments = ["-shared", "-o", library, "-lpthread", *STRICT_LINKING[system(target)]]
    must_compile(target, zig_cache, tmp_path, *arguments, *files)
    symbols = library.read_bytes()
    assert b"fmq__poller_kqueue" in symbols
    assert b"fmq__poller_epoll" not in symbols


@pytest.mark.parametrize("target", TARGETS)
def test_the_upper_layers_compile(target: str, zig_cache: Path, tmp_path: Path) -> None:
    for layer in LAYERS[: LAYERS.index("transport")]:
        # A folder each: objects are named after their files.
        files = sources(layer, target)
        must_compile(target, zig_cache, tmp_path / layer, "-c", *files)


def test_a_missing_function_is_found(zig_cache: Path, tmp_path: Path) -> None:
    source = tmp_path / "source.c"
    source.write_text("int fmq_missing(void);\nint fmq_x(void);\n")
    with open(source, "a", encoding="utf-8") as file:
        file.write("int\nfmq_x(void)\n{\n    return fmq_missing();\n}\n")
    for target in TARGETS:
        arguments = ["-shared", "-o", "library", *STRICT_LINKING[system(target)]]
        done = compile_for(target, zig_cache, tmp_path, *arguments, source)
        assert done.returncode != 0
        assert "fmq_missing" in done.stderr


def test_exemptions_are_of_files() -> None:
    for path in NOT_YET:
        assert (ROOT / "csrc" / path).is_file()
