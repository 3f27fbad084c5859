# SPDX-License-Identifier: Apache-2.0
"""pyzmq's wheel, as it is, with libfastmq preloaded in the place of its libzmq.

Its own test suite, taken from its source distribution, runs once on its libzmq and once
on ours. What differs must be what is listed here, test by test.
"""

from __future__ import annotations

import fnmatch
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zmq
from bindings.conftest import Installed
from compat import suite
from native import BUILD, build, locked, patient
from source.tree import complain

# Types of Python, and 2 GiB a message: neither has to do with what is preloaded.
LEFT_OUT = ("--ignore=tests/test_mypy.py", *suite.LARGE)

# Names of tests, how they end on ours, and why.
DIFFERENCES: dict[str, tuple[str, str]] = {}

PRELOADED = """
import zmq
with zmq.Context() as c, c.socket(zmq.REP) as a, c.socket(zmq.REQ) as b:
    a.bind("tcp://127.0.0.1:*")
    b.connect(a.last_endpoint)
    b.send_multipart([b"one", b"x" * 100000])
    assert a.recv_multipart(copy=False)[1].get("Socket-Type") == "REQ"
    a.send(b"back")
    assert b.poll(20000)
    assert b.recv() == b"back"
assert "libfastmq" in open("/proc/self/maps").read()
print(zmq.zmq_version())
"""


@patient
def test_the_wheel_runs_with_it_preloaded() -> None:
    """In each default run: the library of the `dev` build."""
    if not sys.platform.startswith("linux"):
        pytest.skip("LD_PRELOAD is Linux's")
    if os.environ.get("FASTMQ_SANITIZER"):
        pytest.skip("the sanitizer's library is preloaded")
    with locked(BUILD / "dev"):
        library = build("dev") / "libfastmq.so"
    done = subprocess.run(
        [sys.executable, "-c", PRELOADED],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "4.3.5\n", done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the suite, and with what it tests."""
    folder = tmp_path_factory.mktemp("suite")
    try:
        suite.fetch(folder, zmq.__version__, f"pyzmq=={zmq.__version__}")
    except suite.Unavailable as error:
        pytest.skip(str(error))
    return folder


def listed(name: str) -> str | None:
    for pattern, (ended, _) in DIFFERENCES.items():
        if fnmatch.fnmatchcase(name, pattern):
            return ended
    return None


def surprises(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """Return the tests that end neither as is listed nor, unlisted, as on libzmq."""
    return [
        name
        for name, ended in ours.items()
        if ended != (listed(name) or theirs[name])
        and not (theirs[name] == "skipped" == ended)
    ]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_pyzmqs_own_suite(folder: Path, installed: Installed) -> None:
    """Some of its tests hope for the best: that a subscription is there already.

    One that fails takes the rest of its file with it, so what is a surprise is asked
    again, by files.
    """
    preload = {"LD_PRELOAD": str(installed.lib / "libfastmq.so.0")}
    theirs = suite.outcomes(folder, "theirs", {}, *LEFT_OUT)
    ours = suite.outcomes(folder, "ours", preload, *LEFT_OUT)
    assert len(theirs) > 400
    assert ours.keys() == theirs.keys()
    for attempt in range(3):
        found = surprises(ours, theirs)
        if found:
            files = " or ".join(sorted({name.partition(".")[0] for name in found}))
            only = (*LEFT_OUT, "-k", f"({files}) and not large")
            again = suite.outcomes(folder, f"again{attempt}", preload, *only)
            ours |= {name: again[name] for name in found}
    complain(
        "tests that end otherwise than is listed",
        [
            f"{name}: {theirs[name]} on libzmq, {ours[name]} on ours"
            for name in surprises(ours, theirs)
        ],
    )
    stale = [
        pattern
        for pattern in DIFFERENCES
        if all(ours[name] == theirs[name] for name in fnmatch.filter(ours, pattern))
    ]
    complain("differences that are none any more", stale)
