# SPDX-License-Identifier: Apache-2.0
"""C programs through zmq.h: one binary, on libzmq and on fastmq in its place.

The binary (bench/c/capi.c) asks for libzmq.so.5 and is run with the system's and with
ours by turns, so both see the same noise. Medians are shown with their ratio.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import cases, harness
from bench import report as reports
from bench.cases import size_text
from bench.harness import Failed, Run
from bench.instructions import FOLDER, Unable, build, must, tool
from bench.peers import Found
from bench.tables import Table, show

SOURCE = reports.ROOT / "bench" / "c" / "capi.c"
RUNS = 5
TIME_LIMIT_S = 120
# About a second each; of a stream, and round trips.
STREAM_COUNTS = {1: 3_000_000, 64: 3_000_000, 1024: 1_000_000, 65536: 50_000}
TRIP_COUNTS = {1: 50_000, 64: 50_000, 1024: 50_000, 65536: 5_000}


@dataclass(frozen=True)
class Case:
    kind: str
    """stream (messages a second) or trip (microseconds)."""
    transport: str
    size: int
    cores: str

    @property
    def name(self) -> str:
        size = size_text(self.size).replace(" ", "")
        return f"{self.kind}-{self.transport}-{size}-{self.cores}"

    @property
    def count(self) -> int:
        return (STREAM_COUNTS if self.kind == "stream" else TRIP_COUNTS)[self.size]


CASES = [
    Case(kind, transport, size, cores)
    for kind, cores in (("stream", "two"), ("trip", "one"))
    for transport in ("tcp", "ipc", "inproc")
    for size in STREAM_COUNTS
]


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        library, program = prepare(options.build)
        with tempfile.TemporaryDirectory() as folder:
            results = list(measure(library, program, Path(folder), options))
    except Unable as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    report = {
        "machine": reports.machine(),
        "commit": reports.commit(),
        "results": results,
    }
    if reports.write(report, options.json):
        show([table(results)])
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench capi",
        description="Measure one C program on libzmq and on fastmq.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="a hundredth of the messages, each once")
    add("--only", metavar="PART", default="", help="cases with PART in their name")
    add("--runs", type=int, default=RUNS, help="of each case (default: %(default)s)")
    add("--build", type=Path, default=FOLDER, metavar="DIR", help="where to build")
    add("--json", metavar="FILE", help="write everything (-: to the standard output)")
    return parser.parse_args(arguments)


def prepare(folder: Path) -> tuple[Path, Path]:
    """Build our library under libzmq's name, and a program linked with the system's."""
    build(folder, "fastmq_libzmq", "FASTMQ_LIBRARY=ON", "FASTMQ_AS_LIBZMQ=ON")
    return folder, compile_program(folder)


def compile_program(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "capi"
    compile_it = [tool("cc"), "-O2", f"-I{reports.ROOT / 'csrc' / 'include'}"]
    compile_it += [str(SOURCE), "-l:libzmq.so.5", "-lpthread", "-o", str(program)]
    try:
        must(compile_it)
    except Unable as error:
        raise Unable(f"there is no libzmq.so.5 to measure beside: {error}") from None
    return program


def measure(
    library: Path, program: Path, folder: Path, options: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    for case in CASES:
        if options.only not in case.name:
            continue
        values: dict[str, list[float]] = {"libzmq": [], "fastmq": []}
        for _ in range(1 if options.quick else options.runs):
            values["libzmq"].append(run(case, program, folder, None, options.quick))
            values["fastmq"].append(run(case, program, folder, library, options.quick))
        yield {"name": case.name, **asdict(case), **values}


def run(
    case: Case, program: Path, folder: Path, library: Path | None, is_quick: bool
) -> float:
    cpus = sorted(os.sched_getaffinity(0))
    second = cpus[0] if case.cores == "one" or len(cpus) == 1 else cpus[1]
    count = case.count // 100 if is_quick else case.count
    words = [case.kind, endpoint(case.transport, folder), case.size, count]
    try:
        said = call(program, [*words, cpus[0], second], TIME_LIMIT_S, library)
    except subprocess.SubprocessError as error:
        raise Unable(f"{case.name}: {error}") from None
    return float(said.split()[0])


def endpoint(transport: str, folder: Path) -> str:
    return {
        "tcp": "tcp://127.0.0.1:*",
        "ipc": f"ipc://{folder / 'socket'}",
        "inproc": "inproc://bench",
    }[transport]


def call(
    program: Path, words: list[object], limit_s: float, library: Path | None = None
) -> str:
    environment = dict(os.environ)
    if library is not None:
        environment["LD_LIBRARY_PATH"] = str(library)
    done = subprocess.run(
        [str(program), *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit_s,
        check=True,
    )
    return done.stdout


# As a peer of the other benchmarks.

FIRST_COUNT = 200


def look() -> Found:
    """Find out whether there is a libzmq to link with, and which."""
    try:
        version = call(compile_program(FOLDER), ["version"], TIME_LIMIT_S).strip()
    except (Unable, subprocess.SubprocessError, OSError) as error:
        return Found(missing=str(error).splitlines()[0])
    return Found(version=f"libzmq {version}, C to C")


def run_once(case: cases.Case, seconds: float, limit_s: float) -> Run:
    """Run a case of ``python -m bench`` with a C program at each end."""
    kind = "stream" if case.is_rate else "trip"
    cpus = [-1 if cpu is None else cpu for cpu in harness.cpus_of(case)]
    deadline = time.monotonic() + limit_s
    count, took = FIRST_COUNT, 0.0
    with tempfile.TemporaryDirectory(prefix="fastmq-bench-") as folder:
        where = endpoint(case.transport, Path(folder))
        while True:
            words = [kind, where, case.size, count, cpus[1], cpus[0]]
            try:
                limit = max(0.1, deadline - time.monotonic())
                said = call(FOLDER / "capi", words, limit)
            except subprocess.TimeoutExpired:
                raise harness.TimedOut(f"no end within {limit_s:g} s") from None
            except subprocess.SubprocessError as error:
                raise Failed(str(error)) from None
            value, passive, active = map(float, said.split())
            took = count / value if case.is_rate else count * value * 1e-6
            if took >= seconds / 2 or count >= case.n_max:
                break
            count = harness.raised(case, count, took, seconds)
    ends = (active, passive) if case.is_rate else (passive, active)
    return Run(value, count, took, *ends)


def table(results: list[dict[str, Any]]) -> Table:
    shown = Table(
        "C through zmq.h; streams: messages/s, round trips: us",
        ("case", "libzmq", "fastmq", "better by"),
    )
    for result in results:
        theirs = statistics.median(result["libzmq"])
        ours = statistics.median(result["fastmq"])
        ratio = ours / theirs if result["kind"] == "stream" else theirs / ours
        digits = ",.0f" if result["kind"] == "stream" else ".1f"
        shown.rows.append(
            (result["name"], f"{theirs:{digits}}", f"{ours:{digits}}", f"{ratio:.1f}")
        )
    return shown
