# SPDX-License-Identifier: Apache-2.0
"""The demo as a process, with everything that it could leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from types import TracebackType

import psutil

COMMAND = [sys.executable, "-m", "fastmq", "demo"]
PATIENCE_S = 50

_MARK = "FASTMQ_DEMO_TEST"


class Demo:
    """One run; leaving the ``with`` block ends what is still there of it."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        stdout: int = subprocess.PIPE,
        first_in_path: Path | None = None,
    ) -> None:
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self._mark = uuid.uuid4().hex
        environment = dict(os.environ, TMPDIR=str(self.scratch))
        environment[_MARK] = self._mark
        if first_in_path is not None:
            path = [str(first_in_path), os.environ.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env=environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Demo:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()
        for child in self.find_processes():
            child.kill()
        self.process.communicate()

    def find_processes(self) -> list[psutil.Process]:
        """Whatever process of the run lives, its children's children included."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(_MARK) == self._mark:
                    found.append(process)
            except psutil.Error:
                pass
        return found

    def read_until(self, word: str) -> list[str]:
        """Read lines of output until one that begins with ``word``."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith(word):
                return lines
        raise AssertionError(f"no {word!r} in {lines}, {self.process.communicate()}")

    def read_workers(self) -> list[int]:
        """Read until the pipeline begins; the workers' process ids."""
        lines = self.read_until("workers ")
        names = lines[-1].partition(":")[0].split()[1:]
        self.read_until("ventilator, ")
        return [int(name) for name in names]

    def finish(self) -> tuple[int, str, str]:
        """Wait for the end: exit status, output, errors."""
        output, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output, errors

    def assert_nothing_left(self) -> None:
        """No process and no temporary file."""
        assert self.find_processes() == []
        assert list(self.scratch.iterdir()) == []
