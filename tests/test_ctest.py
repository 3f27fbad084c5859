# SPDX-License-Identifier: Apache-2.0
"""The C unit tests, built and run by CTest under each preset."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("FASTMQ_BUILD_DIR", ROOT / "build"))
JOBS = str(min(os.cpu_count() or 1, 8))
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
CLANGS = ("clang", *(f"clang-{version}" for version in range(20, 13, -1)))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env={**os.environ, "PATH": PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def must(step: str, *command: str | Path) -> str:
    done = run(*command)
    if done.returncode != 0:
        report = re.sub(r"(?m)^\[\d+/\d+\] .*\n", "", done.stdout)
        pytest.fail(f"{step} failed:\n{tail(report)}", pytrace=False)
    return done.stdout


def tail(text: str, n_lines: int = 150) -> str:
    return "\n".join(text.splitlines()[-n_lines:])


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep two runs in one checkout from building in the same folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def still_addresses() -> list[str | Path]:
    """Return a prefix that turns address randomisation off, where that is allowed.

    ThreadSanitizer of older compilers refuses the layouts of newer kernels.
    """
    prefix: list[str | Path] = ["setarch", platform.machine(), "-R"]
    if shutil.which("setarch") and run(*prefix, "true").returncode == 0:
        return prefix
    return []


def build(preset: str) -> Path:
    folder = BUILD / preset
    cmake = shutil.which("cmake", path=PATH)
    assert cmake, "cmake is not installed (it is in the extra 'test')"
    must("configuring", cmake, "--preset", preset, "-B", folder)
    must("building", cmake, "--build", folder, "-j", JOBS)
    return folder


def ctest(folder: Path, *arguments: str, prefix: list[str | Path] = []) -> None:  # noqa: B006
    command = [shutil.which("ctest", path=PATH), "--test-dir", folder, "-j", JOBS]
    command += ["--output-on-failure", "--no-tests=error", *arguments]
    done = run(*prefix, *command)
    if done.returncode != 0:
        report = re.sub(r"(?m)^.* Passed .*\n|^ +Start +\d+:.*\n", "", done.stdout)
        pytest.fail(f"ctest failed in {folder.name}:\n{tail(report)}", pytrace=False)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("preset", ["dev", "asan", "tsan"])
def test_units(preset: str) -> None:
    with locked(BUILD / preset):
        folder = build(preset)
        ctest(folder, prefix=still_addresses() if preset == "tsan" else [])


@pytest.mark.fuzz
@pytest.mark.timeout(900)
def test_fuzz(tmp_path: Path) -> None:
    """Let every parser's fuzzer look for new inputs for a while."""
    if not any(shutil.which(clang) for clang in CLANGS):
        pytest.skip("libFuzzer needs clang")
    seconds = os.environ.get("FASTMQ_FUZZ_SECONDS", "20")
    with locked(BUILD / "fuzz"):
        folder = build("fuzz")
        sources = sorted((ROOT / "tests/fuzz").glob("fuzz_*.c"))
        assert sources, "no fuzz targets"
        for target in (folder / source.stem for source in sources):
            found = tmp_path / target.name
            found.mkdir()
            seeds = ROOT / "tests/fuzz/corpus" / target.name.removeprefix("fuzz_")
            limit = f"-max_total_time={seconds}"
            must(target.name, target, limit, "-print_final_stats=1", found, seeds)
