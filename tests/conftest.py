# SPDX-License-Identifier: Apache-2.0
"""What holds for every test: the installed fastmq, and no process left behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent


def _leave_out_the_checkout() -> None:
    """Its fastmq folder has no extension in it.

    Tests use the installed wheel, and so do the processes they start.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]


_leave_out_the_checkout()
os.environ["PYTHONSAFEPATH"] = "1"

# A run in the background of a shell ignores SIGINT, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collectstart() -> None:
    """Before each module is imported: a parallel run's worker has added it again."""
    _leave_out_the_checkout()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left with it at the end."""
    long = {"test_ctest.py", "test_other_poller.py"}
    items.sort(key=lambda item: item.path.name not in long)


@pytest.fixture(scope="session", autouse=True)
def _away_from_the_checkout(tmp_path_factory: pytest.TempPathFactory) -> None:
    # A worker of a parallel run puts the current folder first after it has come here.
    _leave_out_the_checkout()
    if sys.version_info < (3, 11) and Path.cwd() == ROOT:
        # No safe path there, so a process started here would find the wrong folder.
        os.chdir(tmp_path_factory.mktemp("cwd"))


@pytest.fixture(scope="module", autouse=True)
def _no_process_left_behind() -> Iterator[None]:
    mine = psutil.Process()
    before = set(mine.children(recursive=True))
    yield
    started = [child for child in mine.children(recursive=True) if child not in before]
    _, alive = psutil.wait_procs(
        [child for child in started if not _belongs_to_python(child)], timeout=5
    )
    commands = []
    for child in alive:
        commands.append(f"{child.pid}: {_command(child)}")
        child.kill()
    assert not commands, f"processes left behind: {commands}"


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return "?"


def _belongs_to_python(process: psutil.Process) -> bool:
    # multiprocessing's helpers live as long as their parent.
    command = _command(process)
    return "resource_tracker" in command or "forkserver" in command
