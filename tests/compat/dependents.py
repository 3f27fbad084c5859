# SPDX-License-Identifier: Apache-2.0
"""Runs packages that live on pyzmq on both libraries, and compares what they print.

Each has a program in ``programs``. All of them are installed into one environment, with
pyzmq; for a run on fastmq pyzmq's folder is moved away, so that nothing can fall
through to it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from compat.suite import PYZMQ, Unavailable

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE_S = 240


class Dependent(NamedTuple):
    """A package, what to install for it, and its program."""

    name: str
    packages: tuple[str, ...]
    program: str
    options: tuple[str, ...] = ()


DEPENDENTS = (
    Dependent("imagezmq", ("imagezmq", "numpy"), "images.py"),
    Dependent("zerorpc", ("zerorpc",), "rpc.py"),
    Dependent("aiozmq", ("aiozmq", "msgpack"), "loops.py"),
    Dependent("scoop", ("scoop",), "farm.py", options=("-m", "scoop", "-n", "3")),
    Dependent("zeroless", ("zeroless",), "plain.py"),
    Dependent("commlink", ("commlink",), "proxies.py"),
    Dependent("ipykernel", ("jupyter_client", "ipykernel"), "jupyter.py"),
    Dependent("ipyparallel", ("ipyparallel",), "parallel.py"),
    Dependent("circus", ("circus",), "watcher.py"),
    Dependent("bluesky", ("bluesky",), "documents.py"),
    Dependent("locust", ("locust",), "swarm.py"),
    Dependent("parsl", ("parsl",), "parslhtex.py"),
    Dependent("zprocess", ("zprocess",), "labs.py"),
)


class Result(NamedTuple):
    """How it went: the lines that both printed, or what is wrong."""

    n_lines: int
    complaint: str | None


class Environment:
    """A virtual environment with the packages, pyzmq and fastmq."""

    def __init__(self, folder: Path, dependents: Sequence[Dependent]) -> None:
        import fastmq

        self._folder = folder
        venv.create(folder / "env", with_pip=True, symlinks=True)
        self._python = folder / "env" / "bin" / "python"
        packages = {package for d in dependents for package in d.packages}
        pip = [self._python, "-m", "pip", "--disable-pip-version-check", "install"]
        done = subprocess.run(
            [*pip, "-q", f"pyzmq=={PYZMQ}", *sorted(packages)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Unavailable(f"pip cannot get the packages: {done.stderr[-300:]}")
        (self._site,) = (folder / "env").glob("lib/python*/site-packages")
        shutil.copytree(Path(fastmq.__file__).parent, self._site / "fastmq")

    def compare(self, dependent: Dependent) -> Result:
        """Run a program on both libraries."""
        theirs = self._run(dependent, "pyzmq", [])
        with self._without_pyzmq():
            ours = self._run(dependent, "fastmq", ["-m", "fastmq", "run"])
        if theirs.returncode != 0 or not theirs.stdout:
            return Result(0, f"fails on pyzmq:\n{theirs.stderr[-2000:]}")
        if ours.returncode != 0:
            return Result(0, f"fails on fastmq:\n{ours.stderr[-2000:]}")
        if ours.stdout != theirs.stdout:
            return Result(0, f"pyzmq:\n{theirs.stdout}\nfastmq:\n{ours.stdout}")
        return Result(ours.stdout.count("\n"), None)

    @contextmanager
    def _without_pyzmq(self) -> Iterator[None]:
        here, away = self._site / "zmq", self._folder / "zmq"
        here.rename(away)
        try:
            yield
        finally:
            away.rename(here)

    def _run(
        self, dependent: Dependent, library: str, start: list[str]
    ) -> subprocess.CompletedProcess[str]:
        folder = self._folder / library / dependent.name
        folder.mkdir(parents=True)
        environment = dict(os.environ)
        for name in ("PYTHONPATH", "PYTHONSAFEPATH", "FASTMQ_AS_ZMQ"):
            environment.pop(name, None)
        path = f"{self._python.parent}{os.pathsep}{environment['PATH']}"
        words = [*dependent.options, str(PROGRAMS / dependent.program)]
        return subprocess.run(
            [str(self._python), "-W", "ignore", *start, *words],
            cwd=folder,
            env={**environment, "PATH": path, "HOME": str(folder)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


def chosen(names: Sequence[str]) -> list[Dependent]:
    """Return the dependents of these names; all, if there are none."""
    unknown = {*names} - {d.name for d in DEPENDENTS}
    if unknown:
        raise Unavailable(f"no such dependent: {', '.join(sorted(unknown))}")
    return [d for d in DEPENDENTS if not names or d.name in names]


def compare_all(folder: Path, names: Sequence[str] = ()) -> dict[str, Result]:
    """Run them, and print how each goes."""
    found: dict[str, Result] = {}
    wanted = chosen(names)
    environment = Environment(folder, wanted)
    for dependent in wanted:
        result = found[dependent.name] = environment.compare(dependent)
        state = "FAILS" if result.complaint else "the same"
        print(f"{state:8} {dependent.name}: {result.complaint or result.n_lines}")
        sys.stdout.flush()
    return found
