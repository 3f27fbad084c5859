# SPDX-License-Identifier: Apache-2.0
"""Where an end's processor time goes: the kernel, the interpreter, or the library.

``python -m bench profile PATTERN...`` runs cases under perf, which samples both ends
while they work, or while single messages are timed (``--probe``). Shares are of the
time that an end runs; what it sleeps is not in them. *Other* is the C library (copies,
the entries of system calls) and the clock that the kernel lends to programs.
Functions have names where the library was built with them (``install.strip=false``).
"""

from __future__ import annotations

import argparse
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import cases, harness
from bench import peers as peering
from bench import report as reports
from bench.cases import Case
from bench.harness import Failed, Process
from bench.peers import Peer
from bench.tables import Table, show

SECONDS = 1.0
HERTZ = 4999
PATIENCE_S = 10
TOP = 6
SHOWN = KERNEL, INTERPRETER, LIBRARY, REST = (
    "kernel",
    "interpreter",
    "library",
    "other",
)
# Which file a sample fell in, by the beginning of its name.
PLACES = (
    ("[vdso", REST),
    ("[", KERNEL),
    ("libpython", INTERPRETER),
    ("python", INTERPRETER),
    # Modules of its own, where they are files of their own.
    ("_socket.", INTERPRETER),
    ("_asyncio.", INTERPRETER),
    ("select.", INTERPRETER),
    ("libc.", REST),
    ("libc-", REST),
    ("ld-", REST),
    ("libpthread", REST),
)


@dataclass
class Profile:
    """What one end did."""

    samples: int = 0
    shares: dict[str, float] = field(default_factory=dict)
    """Parts of the whole by place."""
    top: list[tuple[float, str]] = field(default_factory=list)
    """The functions with the greatest shares, each with its place."""


def is_possible() -> bool:
    return shutil.which("perf") is not None


def run(
    case: Case, peer: Peer, seconds: float, limit_s: float, is_probe: bool = False
) -> dict[str, Profile]:
    """Profile a case; return what each end did.

    Args:
        case: The case.
        peer: Who plays it.
        seconds: About so long.
        limit_s: After which it has failed.
        is_probe: The phase in which single messages are timed, and not that in which
            as many as can be are passed.

    Raises:
        Failed: It did not work, or perf did not.
    """
    with tempfile.TemporaryDirectory(prefix="fastmq-bench-") as folder:
        with harness.started(case, peer, limit_s) as ends:
            measured = harness.measure(case, ends, seconds / 4)
            n = max(10, min(case.n_max, round(measured.n * seconds / measured.seconds)))
            if is_probe:
                n = harness.n_timed(case, measured, seconds)
            files = [Path(folder) / f"{i}.data" for i in range(len(ends.processes))]
            with sampled(ends.processes, files):
                ends.phase(n, is_probe)
        roles = ("server", "client") if len(files) == 2 else ("both",)
        return {role: read(file) for role, file in zip(roles, files, strict=True)}


@contextmanager
def sampled(processes: list[Process], files: list[Path]) -> Iterator[None]:
    """Have perf sample the processes meanwhile."""
    with ExitStack() as stack:
        for process, file in zip(processes, files, strict=True):
            stack.enter_context(sampled_one(process.popen.pid, file))
        yield


@contextmanager
def sampled_one(pid: int, file: Path) -> Iterator[None]:
    with ExitStack() as stack:
        reading, orders = stack.enter_context(pipe())
        answers, writing = stack.enter_context(pipe())
        popen = subprocess.Popen(
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ)]
            + ["-D", "-1", "--control", f"fd:{reading},{writing}"]
            + ["-o", str(file), "-p", str(pid)],
            pass_fds=[reading, writing],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            os.write(orders, b"enable\n")
            if not select.select([answers], [], [], PATIENCE_S)[0]:
                raise Failed("perf does not begin")
            yield
            popen.send_signal(signal.SIGINT)
            popen.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Failed("perf does not end") from None
        finally:
            popen.kill()
            popen.wait()


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    try:
        yield ends
    finally:
        for end in ends:
            os.close(end)


def read(file: Path) -> Profile:
    command = ["perf", "report", "-i", str(file), "--stdio", "-q", "-t", ";"]
    command += ["--sort", "dso,sym", "-F", "sample,dso,sym"]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Failed(f"perf: {error}") from None
    return summed(done.stdout)


def summed(said: str) -> Profile:
    """Return what lines of samples, file and function come to."""
    counts: dict[str, int] = {}
    functions: list[tuple[int, str]] = []
    for line in said.splitlines():
        words = [word.strip() for word in line.split(";")]
        if len(words) != 3 or not words[0].isdigit():
            continue
        n, file, function = int(words[0]), words[1], words[2][4:]
        counts[place_of(file)] = counts.get(place_of(file), 0) + n
        functions.append((n, f"{plain(function)} ({place_of(file)})"))
    total = sum(counts.values())
    functions.sort(reverse=True)
    return Profile(
        samples=total,
        shares={place: n / total for place, n in counts.items()},
        top=[(n / total, name) for n, name in functions[:TOP]],
    )


def plain(function: str) -> str:
    """Leave out what a compiler added to the name."""
    return function.partition(".")[0]


def place_of(file: str) -> str:
    for beginning, place in PLACES:
        if file.startswith(beginning):
            return place
    return LIBRARY


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench profile",
        description="Sample both ends of cases with perf.",
    )
    add = parser.add_argument
    add("patterns", nargs="+", metavar="PATTERN", help="as with --only")
    add("--peers", nargs="+", default=["fastmq"], metavar="PEER")
    add("--probe", action="store_true", help="while single messages are timed")
    add("--seconds", type=float, default=SECONDS, help="default: %(default)g")
    add("--time-limit", type=float, default=60.0, help="default: %(default)g")
    add("--json", metavar="FILE", help="write everything (-: to the standard output)")
    options = parser.parse_args(arguments)
    if not is_possible():
        print("bench: perf is not installed", file=sys.stderr)
        return 2
    report: dict[str, Any] = {"machine": reports.machine(), "profiles": []}
    status = 0
    chosen = cases.chosen(cases.matrix(), options.patterns, None)
    if options.probe:
        chosen = [case for case in chosen if case.has_latency]
    for case in chosen:
        for peer in [peering.parse(text) for text in options.peers]:
            limits = (options.seconds, options.time_limit)
            try:
                found = run(case, peer, *limits, options.probe)
            except Failed as error:
                print(f"bench: {case.name}, {peer.name}: {error}", file=sys.stderr)
                status = 1
                continue
            report["profiles"].append(entry(case, peer, options.probe, found))
    if reports.write(report, options.json):
        show([table(report["profiles"])])
    return status


def entry(
    case: Case, peer: Peer, is_probe: bool, found: dict[str, Profile]
) -> dict[str, Any]:
    """Return a profile as reports have it."""
    return {
        "case": case.name,
        "peer": peer.name,
        "is probe": is_probe,
        "ends": {end: asdict(profile) for end, profile in found.items()},
    }


def shares_text(found: dict[str, Any]) -> list[str]:
    """Return the shares of the places in percent, which come to a hundred."""
    exact = [found["shares"].get(place, 0) * 100 for place in SHOWN]
    parts = [math.floor(part) for part in exact]
    left = round(sum(exact)) - sum(parts)
    by_rest = sorted(range(len(exact)), key=lambda i: parts[i] - exact[i])
    for number in by_rest[:left]:
        parts[number] += 1
    return [f"{part}%" for part in parts]


def table(profiles: list[dict[str, Any]]) -> Table:
    shown = Table("Shares", ("case", "peer", "end", *SHOWN, "most"), n_left=3)
    for each in profiles:
        for end, found in each["ends"].items():
            most = ", ".join(f"{part:.0%} {where}" for part, where in found["top"])
            row = (each["case"], each["peer"], end, *shares_text(found), most)
            shown.rows.append(row)
    return shown
