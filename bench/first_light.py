# SPDX-License-Identifier: Apache-2.0
"""The direct path beside pyzmq, in one run: ``python bench/first_light.py``.

Five cases of ``python -m bench`` and a table with few columns. Every number comes from
processes of its own. The peers take turns within each run, in changing order, so that
what else the machine does falls on all of them alike; shown are the median of the runs,
the lowest and the highest, and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    # The package is found by the checkout's top, which must not come first: the fastmq
    # folder there holds no built extension.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".") != HERE]
    sys.path.append(str(HERE.parent))

from bench import harness, measure, peers, tables  # noqa: E402
from bench import report as reports  # noqa: E402
from bench.cases import Case  # noqa: E402
from bench.cli import progress  # noqa: E402

BASE = "pyzmq"
SECONDS = 0.6
QUICK_SECONDS = 0.06
CASES = {
    "reqrep-one-core": Case("reqrep", "tcp", 64, cores="one"),
    "reqrep-two-cores": Case("reqrep", "tcp", 64, cores="two"),
    "pushpull-tcp": Case("pushpull", "tcp", 64, cores="free"),
    "pushpull-ipc": Case("pushpull", "ipc", 64, cores="free"),
    "pushpull-inproc": Case("pushpull", "inproc", 64, cores="free"),
}
PEERS = [name for name in peers.PEERS if name != "pyomq"]


def main() -> int:
    options = parse()
    chosen = {
        case: name
        for name, case in CASES.items()
        if any(part in name for part in options.only or [""])
        and harness.is_possible(case)
    }
    try:
        report = run(chosen, options)
    except KeyboardInterrupt:
        return 130
    for line in reports.failures(report):
        print(f"first_light: {line}", file=sys.stderr)
    described = describe(report, chosen)
    if options.json == "-":
        print(json.dumps(described, indent=2))
    else:
        if options.json:
            Path(options.json).write_text(json.dumps(described, indent=2))
        show(described)
    return 1 if reports.failures(report) or not report["cases"] else 0


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
    parser.add_argument("--peers", nargs="+", choices=PEERS, help="default: all")
    parser.add_argument("--json", metavar="FILE", help="write all numbers (-: stdout)")
    return parser.parse_args()


def run(chosen: dict[Case, str], options: argparse.Namespace) -> dict[str, Any]:
    wanted = [peers.PEERS[name] for name in options.peers or PEERS]
    found = {peer: peers.look(peer) for peer in wanted}
    present = [peer for peer, what in found.items() if not what.missing]
    seconds = QUICK_SECONDS if options.quick else SECONDS
    report = reports.start(" ".join(sys.argv), {}, found)
    n = sum(1 for _ in measure.turns(list(chosen), present, options.runs))
    with progress(n) as tell:
        for outcome in measure.measure(
            list(chosen),
            present,
            options.runs,
            lambda case, peer: harness.run_once(case, peer, seconds),
            tell,
        ):
            reports.add(report, outcome)
    return report


def describe(report: dict[str, Any], names: dict[Case, str]) -> dict[str, Any]:
    return {
        "machine": report["machine"],
        "peers": {
            name: peer["version"]
            for name, peer in report["peers"].items()
            if not peer["missing"]
        },
        "cases": {
            names[reports.case_of(case)]: {
                "title": case["title"],
                "unit": case["unit"],
                "is rate": case["is rate"],
                "peers": {
                    name: {
                        **{key: numbers["summary"][key] for key in SHOWN},
                        "values": [run["value"] for run in numbers["runs"]],
                    }
                    for name, numbers in case["peers"].items()
                    if "summary" in numbers
                },
            }
            for case in report["cases"].values()
        },
    }


SHOWN = ("median", "lowest", "highest")


def show(described: dict[str, Any]) -> None:
    print(", ".join(f"{key}: {value}" for key, value in described["machine"].items()))
    print(", ".join(f"{key} {value}" for key, value in described["peers"].items()))
    heading = ("peer", *SHOWN, f"against {BASE}")
    tables.show(
        tables.Table(f"{case['title']} ({case['unit']})", heading, list(rows(case)))
        for case in described["cases"].values()
    )


def rows(case: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    base = case["peers"].get(BASE)
    for name, numbers in case["peers"].items():
        ratio = ""
        if base is not None:
            ratio = f"{numbers['median'] / base['median']:.2f}x"
        yield (name, *(tables.number_text(numbers[key]) for key in SHOWN), ratio)


if __name__ == "__main__":
    sys.exit(main())
