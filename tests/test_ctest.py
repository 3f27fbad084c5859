# SPDX-License-Identifier: Apache-2.0
"""The C unit tests, built and run by CTest under each preset."""

from __future__ import annotations

import os
import platform
import re
import shutil
from pathlib import Path

import pytest
from native import BUILD, JOBS, PATH, ROOT, build, locked, must, patient, run, tail

CLANGS = ("clang", *(f"clang-{version}" for version in range(20, 13, -1)))


def still_addresses() -> list[str | Path]:
    """Return a prefix that turns address randomisation off, where that is allowed.

    ThreadSanitizer of older compilers refuses the layouts of newer kernels.
    """
    prefix: list[str | Path] = ["setarch", platform.machine(), "-R"]
    if shutil.which("setarch") and run(*prefix, "true").returncode == 0:
        return prefix
    return []


def ctest(folder: Path, *arguments: str, prefix: list[str | Path] = []) -> None:  # noqa: B006
    command = [shutil.which("ctest", path=PATH), "--test-dir", folder, "-j", JOBS]
    command += ["--output-on-failure", "--no-tests=error", *arguments]
    done = run(*prefix, *command)
    if done.returncode != 0:
        report = re.sub(r"(?m)^.* Passed .*\n|^ +Start +\d+:.*\n", "", done.stdout)
        pytest.fail(f"ctest failed in {folder.name}:\n{tail(report)}", pytrace=False)


@patient
@pytest.mark.parametrize("preset", ["dev", "asan", "tsan"])
def test_units(preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every fuzz target goes on from its corpus for a second where reads are checked.
    monkeypatch.setenv("FASTMQ_FUZZ_SECONDS", "1" if preset == "asan" else "0")
    with locked(BUILD / preset):
        folder = build(preset)
        ctest(folder, prefix=still_addresses() if preset == "tsan" else [])


@pytest.mark.fuzz
@patient
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
