# SPDX-License-Identifier: Apache-2.0
"""Instructions a message of the C paths, counted by callgrind: no clock, little noise.

Only what runs inside a function ``measured_*`` of bench/c/bench_instructions.c counts,
so neither setting up nor the I/O thread. Each path is run with N and with 2 N messages;
the difference, over N, is free of what happens once. Queues give the same count every
time. Through sockets a count may vary with when a read or write is due, so each is
repeated, and the median is shown with the lowest and the highest.

The last paths are Python's (counted.py), both ends with the loop around the calls, by
the interpreter that runs this and the fastmq that it imports.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report as reports
from bench.tables import Table, show

FOLDER = reports.ROOT / "build" / "bench"
PROGRAM = "bench_instructions"
MESSAGES = 10_000
QUICK_MESSAGES = 1_000
REPEATS = 3
TIME_LIMIT_S = 120
BUILD_LIMIT_S = 280
CALLGRIND = ("--tool=callgrind", "--callgrind-out-file=/dev/null")
COLLECTED = re.compile(r"Collected : (\d+)")
PYTHON = "python"
CALLS = Path(__file__).with_name("counted.py")


class Unable(Exception):
    """A tool is missing or fails."""


@dataclass(frozen=True)
class Counted:
    """What is counted: a function of the program, on one of its paths."""

    path: str
    function: str
    burst: int
    """Messages written before as many are read."""

    @property
    def name(self) -> str:
        return f"{self.path} {self.burst} {self.function}"


PATHS = (
    Counted("fq", "fq_append", 100),
    Counted("fq", "fq_pop", 100),
    Counted("duct", "duct_write", 100),
    Counted("duct", "duct_read", 100),
    Counted("inproc", "send", 1),
    Counted("inproc", "recv", 1),
    Counted("inproc", "send", 100),
    Counted("inproc", "recv", 100),
    Counted("tcp", "send", 1),
    Counted("tcp", "recv", 1),
    Counted("tcp", "send", 100),
    Counted("tcp", "recv", 100),
    Counted(PYTHON, "calls", 100),
    Counted(PYTHON, "methods", 100),
    Counted(PYTHON, "parts", 100),
    Counted(PYTHON, "many", 100),
    Counted(PYTHON, "asyncio", 100),
    Counted(PYTHON, "trips", 1),
)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        program = build(options.build)
        counts = list(count_all(program, options))
    except Unable as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    report = {
        "machine": reports.machine(),
        "commit": reports.commit(),
        "size": options.size,
        "counts": counts,
    }
    if reports.write(report, options.json):
        show([table(report)])
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench instructions",
        description="Count instructions a message with callgrind.",
    )
    add = parser.add_argument
    add("--size", type=int, default=64, help="bytes of a body (default: %(default)s)")
    add("--quick", action="store_true", help="fewer messages, and each but once")
    add("--only", metavar="PART", default="", help="paths with PART in their name")
    add("--build", type=Path, default=FOLDER, metavar="DIR", help="where to build")
    add("--json", metavar="FILE", help="write everything (-: to the standard output)")
    return parser.parse_args(arguments)


def build(folder: Path, target: str = PROGRAM, *more: str) -> Path:
    """Build a target as the extension is built, and return where it is."""
    cmake, ninja = tool("cmake"), tool("ninja")
    settings = ("FASTMQ_BENCH=ON", "FASTMQ_TESTS=OFF", "FASTMQ_LTO=ON")
    configure = [cmake, "-G", "Ninja", "-S", str(reports.ROOT), "-B", str(folder)]
    configure += ["-DCMAKE_BUILD_TYPE=Release", f"-DCMAKE_MAKE_PROGRAM={ninja}"]
    must([*configure, *(f"-D{setting}" for setting in (*settings, *more))])
    make = [cmake, "--build", str(folder), "--target", target, "-j", jobs()]
    must(make, limit_s=BUILD_LIMIT_S)
    return folder / target


def jobs() -> str:
    return str(min(os.cpu_count() or 1, 8))


def tool(name: str) -> str:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise Unable(f"{name} is not installed")
    return found


def must(command: list[str], limit_s: float = TIME_LIMIT_S, **more: Any) -> str:
    """Run a command and return all that it says."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=limit_s,
            **more,
        )
    except subprocess.TimeoutExpired:
        raise Unable(f"{command[0]} took more than {limit_s:g} s") from None
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-20:])
        raise Unable(f"{command[0]} failed with {done.returncode}:\n{said}")
    return done.stdout


def count_all(program: Path, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    valgrind = tool("valgrind")
    for path in PATHS:
        if options.only not in path.name:
            continue
        is_short = options.quick and path.path != PYTHON  # that takes long to begin
        n = QUICK_MESSAGES if is_short else MESSAGES
        values = [
            per_message(valgrind, program, path, n, options.size)
            for _ in range(1 if options.quick else REPEATS)
        ]
        yield {
            **dataclasses.asdict(path),
            "median": statistics.median(values),
            "lowest": min(values),
            "highest": max(values),
            "values": values,
        }


def per_message(
    valgrind: str, program: Path, path: Counted, n: int, size: int
) -> float:
    once, twice = (collect(valgrind, program, path, m, size) for m in (n, 2 * n))
    return (twice - once) / n


def collect(valgrind: str, program: Path, path: Counted, n: int, size: int) -> int:
    numbers = [str(n), str(path.burst), str(size)]
    callgrind = [valgrind, *CALLGRIND]
    if path.path == PYTHON:
        same = {**os.environ, "PYTHONHASHSEED": "0"}
        run = [sys.executable, "-c", CALLS.read_text(), path.function, *numbers]
        said = must([*callgrind, *run], cwd="/", env=same)  # where no fastmq lies
    else:
        count = f"--toggle-collect=measured_{path.function}*"
        said = must([*callgrind, count, str(program), path.path, *numbers])
    found = COLLECTED.search(said)
    if found is None:
        raise Unable(f"callgrind tells no count:\n{said}")
    return int(found[1])


def table(report: dict[str, Any]) -> Table:
    title = f"Instructions a message, {report['size']} B, in the calling thread"
    heading = ("path", "function", "burst", "median", "lowest", "highest")
    shown = Table(title, heading, n_left=2)
    for count in report["counts"]:
        numbers = (count["median"], count["lowest"], count["highest"])
        texts = (f"{number:,.1f}" for number in numbers)
        shown.rows.append(
            (count["path"], count["function"], str(count["burst"]), *texts)
        )
    return shown
