# SPDX-License-Identifier: Apache-2.0
"""The direct path beside pyzmq, in one run: ``python bench/first_light.py``.

Every number comes from processes of its own. The peers take turns within each run, in
changing order, so that what else the machine does falls on all of them alike; shown are
the median of the runs, the lowest and the highest, and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from collections.abc import Iterator
from typing import Any

import harness
from cases import CASES, Case
from peers import PEERS, Peer

BASE = "pyzmq"

Values = dict[str, dict[str, list[float]]]  # case, peer


def main() -> int:
    options = parse()
    cases = [
        case
        for name, case in CASES.items()
        if any(part in name for part in options.only or [""])
    ]
    wanted = options.peers or list(PEERS)
    peers = [PEERS[name] for name in wanted if PEERS[name].is_installed()]
    values: Values = {}
    try:
        for case, peer, value in measure(cases, peers, options.runs, options.quick):
            values.setdefault(case.name, {}).setdefault(peer.name, []).append(value)
    except harness.Failed as error:
        print(f"first_light: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        note("")
    report = describe(values, peers)
    if options.json == "-":
        print(json.dumps(report, indent=2))
        return 0
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
    show(report)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    parser.add_argument(
        "--only",
        action="append",
        metavar="PART",
        help=f"cases with PART in their name: {', '.join(CASES)}",
    )
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), help="default: all")
    parser.add_argument("--json", metavar="FILE", help="write all numbers (-: stdout)")
    return parser.parse_args()


def measure(
    cases: list[Case], peers: list[Peer], runs: int, is_quick: bool
) -> Iterator[tuple[Case, Peer, float]]:
    for run in range(runs):
        for case in cases:
            if not harness.is_possible(case):
                continue
            n = case.n_quick if is_quick else case.n
            turns = [peer for peer in peers if peer.name in case.peers]
            for peer in turns if run % 2 == 0 else reversed(turns):
                note(f"run {run + 1} of {runs}: {case.name}, {peer.name}")
                try:
                    yield case, peer, harness.run_once(case, peer, n)
                except harness.Failed as error:
                    where = f"{case.name}, {peer.name}"
                    raise harness.Failed(f"{where}: {error}") from None


def note(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def describe(values: Values, peers: list[Peer]) -> dict[str, Any]:
    return {
        "machine": {
            "system": platform.platform(),
            "processor": platform.machine(),
            "usable processors": len(harness.usable_cpus()),
            "load": os.getloadavg()[0],
            "python": platform.python_version(),
        },
        "peers": {peer.name: peer.version() for peer in peers},
        "cases": {
            name: {
                "title": CASES[name].title,
                "unit": CASES[name].unit,
                "is rate": CASES[name].is_rate,
                "peers": {
                    peer: {
                        "median": statistics.median(numbers),
                        "lowest": min(numbers),
                        "highest": max(numbers),
                        "values": numbers,
                    }
                    for peer, numbers in by_peer.items()
                },
            }
            for name, by_peer in values.items()
        },
    }


def show(report: dict[str, Any]) -> None:
    machine = report["machine"]
    print(", ".join(f"{key}: {value}" for key, value in machine.items()))
    print(", ".join(f"{name} {version}" for name, version in report["peers"].items()))
    heading = ("peer", "median", "lowest", "highest", f"against {BASE}")
    tables = [
        (f"{case['title']} ({case['unit']})", list(rows(case)))
        for case in report["cases"].values()
    ]
    if sys.stdout.isatty():
        try:
            show_rich(heading, tables)
            return
        except ImportError:
            pass
    show_plain(heading, tables)


Table = tuple[str, list[tuple[str, ...]]]


def rows(case: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    base = case["peers"].get(BASE)
    for name, numbers in case["peers"].items():
        ratio = ""
        if base is not None:
            ratio = f"{numbers['median'] / base['median']:.2f}x"
        shown = (number_text(numbers[key]) for key in ("median", "lowest", "highest"))
        yield (name, *shown, ratio)


def number_text(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"


def show_plain(heading: tuple[str, ...], tables: list[Table]) -> None:
    for title, lines in tables:
        print(f"\n{title}")
        for name, *numbers in (heading, *lines):
            print(f"  {name:<8}" + "".join(f"{number:>15}" for number in numbers))


def show_rich(heading: tuple[str, ...], tables: list[Table]) -> None:
    from rich import box, console, table

    screen = console.Console()
    for title, lines in tables:
        shown = table.Table(box=box.SIMPLE_HEAD, title=title, title_justify="left")
        for number, text in enumerate(heading):
            shown.add_column(text, justify="right" if number else "left", min_width=9)
        for line in lines:
            shown.add_row(*line)
        screen.print(shown)


if __name__ == "__main__":
    sys.exit(main())
