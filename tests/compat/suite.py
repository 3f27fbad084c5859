# SPDX-License-Identifier: Apache-2.0
"""Runs pyzmq's own test suite, taken from its source distribution, on fastmq.

Nothing of the suite is kept: it is fetched into a folder for each run. What does not
pass must be listed here, test by test, with the reason.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

PYZMQ = "27.3.0"
PLUGINS = ("pytest-asyncio", "pytest-rerunfailures", "pytest-timeout")
MODULES = ("tornado", "gevent", "cython", "setuptools", "mypy")

# Two messages of 2 GiB each: with --large.
LARGE = ("-k", "not large")

# Names of tests that cannot apply, and why. All others pass.
EXCLUDED = {
    "test_cffi_backend.*": "calls libzmq by pyzmq's CFFI backend",
    "test_etc.test_has_curve": "asks a copy of libzmq that pyzmq had once",
    "test_etc.test_has_ipc": "asks a copy of libzmq that pyzmq had once",
    "test_includes.*.test_get_library_dirs": "wants a folder called zmq",
    "test_proxy_steerable.*": "skips itself for libzmq 4.3.5, which had none",
    "test_win32_shim.*": "for Windows",
    "*.test_shadow_pyczmq": "shares contexts with CZMQ on libzmq",
    "test_retry_eintr.*.test_retry_getsockopt": "always skips itself",
    "test_retry_eintr.*.test_retry_setsockopt": "always skips itself",
    "test_pubsub.TestPubSubGreen.test_topic": "skips itself on gevent",
    "test_socket.TestSocketGreen.test_bad_attr": "skips itself on gevent",
    "test_socket.TestSocketGreen.test_close_after_destroy": "skips itself on gevent",
}

# For the Python of these tests the types of numpy do not say that arrays are buffers:
# three of them fail on pyzmq as well. They are written for a mypy without numpy.
WITHOUT_NUMPY = """
[mypy-numpy.*]
follow_imports = skip
follow_imports_for_stubs = True
"""


class Unavailable(Exception):
    """The suite, or what it needs, cannot be had."""


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Unavailable(f"pip cannot get what the suite needs: {done.stderr[-200:]}")


def fetch(folder: Path, version: str = PYZMQ, *modules: str) -> None:
    """Put the suite into ``run``, and what its tests import into ``site``."""
    pip("download", "-q", "--no-binary", ":all:", "--no-deps", "--no-build-isolation",
        f"pyzmq=={version}", "-d", folder)  # fmt: skip
    (archive,) = folder.glob("pyzmq-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    (source,) = folder.glob("pyzmq-*/")
    for name in ("tests", "examples", "mypy_tests"):
        shutil.copytree(source / name, folder / "run" / name)
    for name in ("pytest.ini", "mypy.ini"):
        shutil.copy(source / name, folder / "run")
    with (folder / "run" / "mypy.ini").open("a", encoding="utf-8") as settings:
        settings.write(WITHOUT_NUMPY)
    target = ["install", "-q", "--target", folder / "site"]
    pip(*target, "pytest", *PLUGINS, *MODULES, *modules)


def outcomes(
    folder: Path, name: str, environment: dict[str, str], *words: str
) -> dict[str, str]:
    """Run the suite.

    Args:
        folder: Where it was fetched to.
        name: Of this run.
        environment: What its processes get beside ``os.environ``.
        words: Further arguments of pytest.

    Returns:
        How each test ended: passed, failed or skipped.
    """
    report = folder / f"{name}.xml"
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "no:randomly", "-p", "no:benchmark", "--timeout=30", *words]
    command += ["--continue-on-collection-errors", "--reruns=2"]
    command += [f"--junitxml={report}", "tests"]
    path = [environment.get("PYTHONPATH", ""), str(folder / "site")]
    done = subprocess.run(
        command,
        cwd=folder / "run",
        env={
            **os.environ,
            **environment,
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    if not report.exists():
        raise Unavailable(done.stdout[-3000:])
    return dict(map(outcome, ET.parse(report).getroot().iter("testcase")))


def outcome(case: ET.Element) -> tuple[str, str]:
    """Return the name of a test and how it ended."""
    module = case.get("classname") or ""
    name = f"{module}.{case.get('name')}".removeprefix(".").removeprefix("tests.")
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return name, "failed"
    return name, "skipped" if "skipped" in kinds else "passed"


def on_fastmq(folder: Path, *words: str) -> dict[str, str]:
    """Run the suite with fastmq as ``zmq``."""
    import fastmq
    from fastmq import _alias

    environment = {"PYTHONPATH": ""}
    _alias.pass_on(environment)
    # For mypy, which knows no import hooks.
    stubs = folder / "stubs"
    stubs.mkdir(exist_ok=True)
    link = stubs / "zmq"
    if not link.exists():
        link.symlink_to(Path(fastmq.__file__).parent)
    environment["MYPYPATH"] = str(stubs)
    return outcomes(folder, "fastmq", environment, *words)


def reason(name: str) -> str | None:
    """Return why a test need not pass; None if it has to."""
    for pattern, why in EXCLUDED.items():
        if fnmatch.fnmatchcase(name, pattern):
            return why
    return None


def wrong(found: dict[str, str]) -> list[str]:
    """Return what neither passed nor is listed."""
    return [
        f"{name}: {ended}"
        for name, ended in found.items()
        if ended != "passed" and reason(name) is None
    ]


def stale(found: dict[str, str]) -> list[str]:
    """Return what is listed as excluded, though all of its tests pass."""
    return [
        pattern
        for pattern in EXCLUDED
        if (names := fnmatch.filter(found, pattern))
        and all(found[name] == "passed" for name in names)
    ]


def summary(found: dict[str, str]) -> str:
    """Return the numbers of a run."""
    counts = Counter(found.values())
    excluded = sum(
        ended != "passed" and any(fnmatch.fnmatchcase(name, p) for p in EXCLUDED)
        for name, ended in found.items()
    )
    return (
        f"{len(found)} tests: {counts['passed']} passed, {counts['failed']} failed, "
        f"{counts['skipped']} skipped; {excluded} of those that did not pass are "
        "excluded"
    )
