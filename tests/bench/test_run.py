# SPDX-License-Identifier: Apache-2.0
"""python -m bench from end to end, with peers that work and peers that do not.

No number is judged.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bench import report as reports

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(180)

FAULTY = {
    "killed": """
import os, signal
def Context():
    os.kill(os.getpid(), signal.SIGKILL)
""",
    "quitting": """
import os
from fastmq import *
import fastmq
class Context(fastmq.Context):
    def socket(self, kind):
        return Socket(self, kind)
class Socket(fastmq.Socket):
    n = 0
    def send(self, message):
        self.n += 1
        if self.n > 300:
            os.write(2, b"had enough\\n")
            os._exit(3)
        return super().send(message)
""",
    "raising": """
def Context():
    raise RuntimeError("no luck")
""",
    "hanging": """
import threading
def Context():
    threading.Event().wait()
""",
    "broken": """
raise ImportError("half installed")
""",
}


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    """Return a folder with modules that fail in different ways."""
    folder = tmp_path / "faulty"
    folder.mkdir()
    for name, text in FAULTY.items():
        (folder / f"faulty_{name}.py").write_text(text)
    return str(folder)


def test_every_kind_of_case(bench, tmp_path) -> None:
    file = tmp_path / "numbers.json"
    parts = ["pushpull-tcp-64B-free", "reqrep-tcp-64B-free", "*-inproc-64B-free"]
    parts += ["*-ipc-64B-free", "*-2x128B-free", "*-tcp-64KiB-free", "turn8-*"]
    only = [word for part in parts for word in ("--only", part)]
    options = ("--quick", "--runs", "1", "--seconds", "0.005", "--cores", "free")
    peers = ("--peers", "fastmq", "pyzmq", "sockets")
    done = bench(*options, *only, *peers, "--json", file)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(file.read_text())
    assert report["command"].startswith("python -m bench --quick")
    assert report["peers"]["pyzmq"]["version"]
    transports, patterns = set(), set()
    for name, case in report["cases"].items():
        transports.add(case["transport"])
        patterns.add(case["pattern"])
        is_plain = reports.case_of(case).is_plain
        assert set(case["peers"]) == {"fastmq", "pyzmq"} | (
            {"sockets"} if is_plain else set()
        ), name
        for numbers in case["peers"].values():
            (run,) = numbers["runs"]
            assert run["value"] == numbers["summary"]["median"] > 0
            assert run["n"] > 0
            assert run["server_cpu_us"] >= 0
    assert transports == {"tcp", "ipc", "inproc"}
    assert patterns == {"pushpull", "reqrep", "pubsub"}
    for text in ("PUSH/PULL, tcp", "REQ/REP round trip, ipc", "8 peers in turn"):
        assert text in done.stdout


OTHERS = (
    "pushpull-many-tcp",
    "pushpull-asyncio-tcp",
    "reqrep-asyncio-tcp-64B",
    "pause10us",
    "slow20us",
    "poll10",
    "reqrep-busy4",
    "reqrep-threads1",
    "router100-",
    "connect-",
)


def test_what_is_harder(bench, tmp_path) -> None:
    file = tmp_path / "numbers.json"
    only = [word for part in OTHERS for word in ("--only", part)]
    options = ("--quick", "--runs", "1", "--seconds", "0.005", "--cores", "free")
    done = bench(*options, *only, "--peers", "fastmq", "--json", file)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(file.read_text())
    assert len(report["cases"]) == len(OTHERS)
    for name, case in report["cases"].items():
        (run,) = case["peers"]["fastmq"]["runs"]
        assert run["value"] > 0, name
        if reports.case_of(case).has_latency:
            assert 0 < run["more"]["p50 us"] <= run["more"]["p99 us"], name


@pytest.mark.slow
@pytest.mark.timeout(960)
def test_every_case_with_every_peer(bench, tmp_path) -> None:
    file = tmp_path / "numbers.json"
    bench("--quick", "--runs", "1", "--seconds", "0.005", "--json", file, limit=900)
    report = json.loads(file.read_text())
    assert reports.failures(report) == []
    found = {name for case in report["cases"].values() for name in case["peers"]}
    assert {"fastmq", "pyzmq", "sockets"} <= found


def test_what_a_library_lacks_is_no_failure(bench, tmp_path) -> None:
    text = "from fastmq import *\nimport fastmq\ndel XPUB_NODROP\n"
    (tmp_path / "lacking.py").write_text(text)
    options = ("--quick", "--runs", "1", "--json", "-", "--peers", "lack=lacking")
    done = bench(*options, "--only", "pub10-tcp-64B", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    (case,) = json.loads(done.stdout)["cases"].values()
    assert case["peers"]["lack"]["lacks"] == "has no XPUB_NODROP"


def test_pinned(bench, tmp_path) -> None:
    file = tmp_path / "numbers.json"
    options = ("--quick", "--runs", "2", "--seconds", "0.005", "--json", file)
    cores = ("--cores", "one", "two", "--peers", "fastmq")
    done = bench(*options, *cores, "--only", "reqrep-inproc-64B", "--only", "ipc-64B")
    assert done.returncode == 0, done.stderr
    found = {case["cores"] for case in json.loads(file.read_text())["cases"].values()}
    n_cpus = len(psutil.Process().cpu_affinity())
    assert found == ({"one", "two"} if n_cpus > 1 else {"one"})


# For inproc all of them fail in the one process that there is.
WITH_FAULTY = ("--only", "pushpull-tcp-64B-free", "--only", "reqrep-inproc-64B")
WITH_FAULTY += ("--cores", "free")


def test_faulty_peers_are_named_and_the_others_measured(bench, faulty) -> None:
    names = [*FAULTY, "absent"]
    names.remove("hanging")
    peers = ("--peers", "fastmq", *(f"{name}=faulty_{name}" for name in names))
    options = ("--quick", "--runs", "2", "--json", "-", *WITH_FAULTY)
    done = bench(*options, *peers, PYTHONPATH=faulty)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    for name in ("pushpull-tcp-64B-free", "reqrep-inproc-64B-free"):
        assert len(report["cases"][name]["peers"]["fastmq"]["runs"]) == 2
        for reason in (
            "killed: a process was ended by SIGKILL",
            "quitting: a process ended with status 3: had enough",
            "raising: RuntimeError: no luck",
        ):
            assert f"{name}, {reason}" in done.stderr
    assert "broken: not measured: ImportError: half installed" in done.stderr
    assert "absent: not measured: ModuleNotFoundError" in done.stderr


def test_a_peer_that_hangs_is_named(bench, faulty) -> None:
    """By itself: within so little time a busy machine may measure nobody."""
    options = ("--quick", "--runs", "2", "--time-limit", "2", *WITH_FAULTY)
    done = bench(*options, "--peers", "hanging=faulty_hanging", PYTHONPATH=faulty)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name, what in (
        ("pushpull-tcp-64B-free", "'endpoint'"),
        ("reqrep-inproc-64B-free", "'done'"),
    ):
        reason = f"{name}, hanging: no {what} within 2 s (round 1)"
        assert reason in done.stderr


def test_an_interpreter_that_is_not_there(bench, tmp_path) -> None:
    other = f"other=fastmq@{tmp_path}/python"
    done = bench("--quick", "--only", "reqrep-ipc-64B", "--peers", other)
    assert done.returncode == 1
    assert "other: not measured: " in done.stderr


def test_another_interpreter(bench) -> None:
    other = f"other=fastmq@{sys.executable}"
    options = ("--quick", "--runs", "1", "--seconds", "0.005", "--cores", "free")
    done = bench(*options, "--only", "ipc-64B", "--peers", other, "--json", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["peers"]["other"]["python"]


def test_list(bench) -> None:
    done = bench("--list", "--only", "reqrep-tcp-64B-*")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "reqrep-tcp-64B-two",
        "reqrep-tcp-64B-one",
        "reqrep-tcp-64B-free",
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--peers", "nobody"], "'nobody' is none of"),
        (["--only", "nothing"], "no case"),
        (["--runs", "0"], "must be 1 or more"),
        (["--seconds", "-1"], "must be more than 0"),
    ],
)
def test_wrong_arguments(bench, arguments: list[str], reason: str) -> None:
    done = bench(*arguments)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def long_run(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen, list]]:
    """Start a long measurement; yield it and its two processes, both at work."""
    command = [sys.executable, "-m", "bench", "--only", "pushpull-tcp-64B-free"]
    command += ["--seconds", "20", "--peers", "fastmq", *map(str, arguments)]
    program = subprocess.Popen(
        command,
        cwd=ROOT,
        env={key: os.environ[key] for key in os.environ if key != "PYTHONSAFEPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        parent = psutil.Process(program.pid)
        while not (ends := ends_at_work(parent)):
            assert program.poll() is None, program.stderr.read()
        yield program, ends
    finally:
        program.kill()
        program.communicate()


def ends_at_work(parent: psutil.Process) -> list[psutil.Process]:
    """Return both processes of a measurement, once they have their connections."""
    try:
        ends = [child for child in parent.children() if is_end(child)]
        is_ready = len(ends) == 2 and all(end.net_connections() for end in ends)
    except psutil.NoSuchProcess:  # the program ends, and says why
        return []
    return ends if is_ready else []


def is_end(process: psutil.Process) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    return any("child.py" in word for word in command) and "--probe" not in command


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_keeps_what_there_is(tmp_path, number: signal.Signals) -> None:
    file = tmp_path / "numbers.json"
    with long_run("--json", file) as (program, ends):
        program.send_signal(number)
        _, said = program.communicate(timeout=30)
        assert program.returncode == 130
        assert "interrupted" in said
        assert "Traceback" not in said
        assert psutil.wait_procs(ends, timeout=10)[1] == []
    assert json.loads(file.read_text())["is interrupted"] is True


def test_no_end_outlives_the_harness() -> None:
    with long_run() as (program, ends):
        program.kill()
        assert psutil.wait_procs(ends, timeout=10)[1] == []


def test_a_reader_that_has_seen_enough() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    listing = subprocess.run(
        [sys.executable, "-m", "bench", "--list"],
        cwd=ROOT,
        env={**os.environ, "PYTHONSAFEPATH": ""},
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert listing.stderr == b""
    assert listing.returncode == 1
