# SPDX-License-Identifier: Apache-2.0
"""libfastmq as it is installed, in libzmq's place, and programs that run on it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from native import BUILD, JOBS, PATH, ROOT, locked, must

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Installed:
    prefix: Path

    @property
    def lib(self) -> Path:
        return self.prefix / "lib"

    @property
    def include(self) -> Path:
        return self.prefix / "include"

    def environment(self, **more: str) -> dict[str, str]:
        """Return what makes a program find it before any libzmq."""
        return {**os.environ, "LD_LIBRARY_PATH": str(self.lib), **more}

    def run(self, *command: str | Path, log: Path) -> str:
        """Run a program that must load it, and return what it says."""
        environment = self.environment(LD_DEBUG="libs", LD_DEBUG_OUTPUT=str(log / "ld"))
        done = subprocess.run(
            [str(part) for part in command],
            cwd=log,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        loaded = "".join(path.read_text(errors="replace") for path in log.glob("ld.*"))
        assert done.returncode == 0, done.stdout
        assert f"calling init: {self.lib / 'libfastmq.so.0'}" in loaded, done.stdout
        return done.stdout


def need(*commands: str) -> None:
    """Skip unless these commands are there."""
    for command in commands:
        if shutil.which(command) is None:
            pytest.skip(f"no {command}")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    prefix = tmp_path_factory.mktemp("prefix")
    folder = BUILD / "library"
    cmake = shutil.which("cmake", path=PATH)
    assert cmake, "cmake is not installed (it is in the extra 'test')"
    options = ("-DFASTMQ_TESTS=OFF", "-DFASTMQ_LIBRARY=ON", "-DFASTMQ_AS_LIBZMQ=ON")
    options += ("-DFASTMQ_LTO=ON", "-DCMAKE_BUILD_TYPE=Release")
    options += ("-DCMAKE_INSTALL_LIBDIR=lib", f"-DCMAKE_INSTALL_PREFIX={prefix}")
    with locked(folder):
        must("configuring", cmake, "-G", "Ninja", "-S", ROOT, "-B", folder, *options)
        must("building", cmake, "--build", folder, "-j", JOBS)
        must("installing", cmake, "--install", folder)
    return Installed(prefix)
