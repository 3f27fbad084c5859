# SPDX-License-Identifier: Apache-2.0
"""From runs to a report: all raw numbers, and what is said of them.

The *spread* of a peer in a case is how far its farthest run lies from the median, as a
part of the median; no run was farther off. The quartiles are given beside it.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import platform
import statistics
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.cases import Case
from bench.harness import Run, usable_cpus
from bench.measure import Outcome
from bench.peers import Found, Peer

FORMAT = 1
ROOT = Path(__file__).resolve().parents[1]

Json = dict[str, Any]


def write(report: Json, file: str | None) -> bool:
    """Write a report as JSON; return whether it is still to be shown as text.

    Args:
        report: The report.
        file: Where to, compressed if the name ends in .gz; "-" is the standard output,
            which then has nothing else.
    """
    text = json.dumps(report, indent=1)
    if file == "-":
        print(text)
    elif file and file.endswith(".gz"):
        # Without the time, so that the same report gives the same bytes.
        Path(file).write_bytes(gzip.compress(text.encode(), mtime=0))
    elif file:
        Path(file).write_text(text + "\n", encoding="utf-8")
    return file != "-"


class Malformed(Exception):
    """A file is not a report of ours."""


def read(file: str) -> Json:
    """Read a report, compressed or not.

    Raises:
        Malformed: It is none, or cannot be read.
    """
    try:
        data = Path(file).read_bytes()
        if file.endswith(".gz"):
            data = gzip.decompress(data)
        return check(json.loads(data))
    except OSError as error:
        raise Malformed(f"{file}: {error.strerror or error}") from None
    except (EOFError, ValueError, zlib.error, Malformed) as error:
        raise Malformed(f"{file}: {error}") from None


def machine() -> Json:
    return {
        "processor": processor_name(),
        "cpus": os.cpu_count(),
        "usable cpus": len(usable_cpus()),
        "memory MiB": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "tcp": congestion_control(),
        "load": round(os.getloadavg()[0], 2),
        "nice": niceness(),
    }


CONGESTION = Path("/proc/sys/net/ipv4/tcp_congestion_control")


def congestion_control() -> str:
    """Return how the system's new connections are controlled, if it tells."""
    try:
        return CONGESTION.read_text(encoding="utf-8").strip()
    except OSError:
        return "unknown"


AUTOGROUP = Path("/proc/self/autogroup")


def niceness() -> int:
    """Return how much the scheduler favours us, or our session where that counts."""
    try:
        return int(AUTOGROUP.read_text(encoding="utf-8").rpartition(" ")[2])
    except (OSError, ValueError):
        return os.nice(0)


def preparation() -> str:
    """Return the command that gives a shell our niceness, or nothing."""
    nice = niceness()
    if not nice:
        return ""
    # Where sessions are groups, `nice` counts within one alone.
    is_grouped = AUTOGROUP.exists()
    return f"echo {nice} > {AUTOGROUP}" if is_grouped else f"renice {nice} $$"


def machine_line(report: Json) -> str:
    told = dict(report["machine"])
    processor = told.pop("processor")
    return ", ".join([processor, *(f"{key} {value}" for key, value in told.items())])


def processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def commit() -> str:
    """Return the checkout's commit, marked if there are changes, or nothing."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def start(command: str, settings: Json, found: dict[Peer, Found]) -> Json:
    """Begin a report without any runs."""
    return {
        "format": FORMAT,
        "command": command,
        "preparation": preparation(),
        "commit": commit(),
        "machine": machine(),
        "settings": settings,
        "peers": {
            peer.name: {"module": peer.module, **dataclasses.asdict(what)}
            for peer, what in found.items()
        },
        "cases": {},
        "is interrupted": False,
    }


def add(report: Json, outcome: Outcome) -> None:
    """Add a run or a failure, and bring the summary up to date."""
    case = report["cases"].setdefault(outcome.case.name, describe(outcome.case))
    peer = case["peers"].setdefault(outcome.peer.name, {"runs": [], "failures": []})
    if outcome.is_unfit:
        peer["lacks"] = outcome.failure
        return
    if outcome.run is None:
        failure = {"round": outcome.round, "failure": outcome.failure}
        peer["failures"].append(failure)
        return
    peer["runs"].append({"round": outcome.round, **dataclasses.asdict(outcome.run)})
    runs = [field(Run, run) for run in peer["runs"]]
    peer["summary"] = summary([run.value for run in runs])
    peer["cpu us"] = {
        "server": statistics.median(run.server_cpu_us for run in runs),
        "client": statistics.median(run.client_cpu_us for run in runs),
    }
    peer["more"] = {
        name: statistics.median(run.more[name] for run in runs) for name in runs[0].more
    }


def describe(case: Case) -> Json:
    return {
        **dataclasses.asdict(case),
        "title": case.title,
        "unit": case.unit,
        "is rate": case.is_rate,
        "peers": {},
    }


def field(cls: type[Any], data: Json) -> Any:
    """Make a dataclass of those items that are its fields."""
    names = {field.name for field in dataclasses.fields(cls)}
    return cls(**{name: value for name, value in data.items() if name in names})


def case_of(entry: Json) -> Case:
    found = field(Case, entry)
    assert isinstance(found, Case)
    return found


def summary(values: Sequence[float]) -> Json:
    median = statistics.median(values)
    quartiles = [median] * 3
    if len(values) > 1:
        quartiles = statistics.quantiles(values, n=4, method="inclusive")
    return {
        "median": median,
        "lowest": min(values),
        "highest": max(values),
        "quartiles": [quartiles[0], quartiles[2]],
        "spread": max(max(values) - median, median - min(values)) / median,
    }


def failures(report: Json) -> list[str]:
    """Return a line for each peer that failed in a case."""
    return [
        f"{name}, {peer}: {each['failure']} (round {each['round'] + 1})"
        for name, case in report["cases"].items()
        for peer, entry in case["peers"].items()
        for each in entry["failures"]
    ]


def missing(report: Json) -> list[str]:
    """Return a line for each peer that could not be measured at all."""
    return [
        f"{name}: not measured: {peer['missing']}"
        for name, peer in report["peers"].items()
        if peer["missing"]
    ]


def check(data: object) -> Json:
    """Return the report if it is one.

    Raises:
        Malformed: It is something else, or of another format.
    """
    if not isinstance(data, dict) or not isinstance(data.get("cases"), dict):
        raise Malformed("not a report of python -m bench")
    if not isinstance(data.get("profiles", []), list):
        raise Malformed("profiles of another form: measure again")
    if data.get("format") != FORMAT:
        raise Malformed(f"format {data.get('format')!r}; this is format {FORMAT}")
    return data
