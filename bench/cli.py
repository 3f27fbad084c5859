# SPDX-License-Identifier: Apache-2.0
"""The command line: measuring, or one of the subcommands on what was measured."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import (
    capi,
    cases,
    compare,
    harness,
    instructions,
    missed,
    page,
    profile,
    runs,
    scale,
    tables,
    targets,
)
from bench import measure as measuring
from bench import peers as peering
from bench import report as reports
from bench.cases import CORES, Case
from bench.peers import Peer

SECONDS = 0.3
QUICK_SECONDS = 0.02
ROUNDS = 5
TIME_LIMIT_S = 30.0

PROGRAM = "python -m bench"
PAGE = reports.ROOT / "docs" / "benchmarks.md"
PROFILED_S = 0.5
EPILOG = f"""\
subcommands:
  {PROGRAM} report                      docs/benchmarks.md, with pictures
  {PROGRAM} compare A.json B.json       what changed beyond the noise
  {PROGRAM} plot FILE.json --out DIR    pictures alone
  {PROGRAM} profile PATTERN...          where the processor's time goes; needs perf
  {PROGRAM} instructions                instructions a message of the C paths
  {PROGRAM} capi                        C programs on libzmq and on fastmq
  {PROGRAM} scale                       thousands of peers, a million topics
each has --help; docs/guide/benchmarks.md says how to read it all.
"""


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    commands: dict[str, Callable[[list[str]], int]] = {
        "compare": main_compare,
        "plot": main_plot,
        "report": main_report,
        "instructions": instructions.main,
        "capi": capi.main,
        "scale": scale.main,
        "profile": profile.main,
    }
    try:
        if arguments and arguments[0] in commands:
            return commands[arguments[0]](arguments[1:])
        return main_measure(arguments)
    except reports.Malformed as error:
        complain(str(error))
        return 2
    except KeyboardInterrupt:
        return 130


def complain(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr)


# Measuring.


def measure_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Measure streams and round trips beside other libraries.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_choices(parser)
    return parser


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add what says which cases are measured, and how."""
    add = parser.add_argument
    add("--list", action="store_true", help="list the cases and stop")
    add("--quick", action="store_true", help="few sizes and short runs, 3 of them")
    add(
        "--only",
        action="append",
        metavar="PATTERN",
        help="cases whose name has PATTERN in it, or fits it (*, ?); may be repeated",
    )
    add("--targets", action="store_true", help="only cases that a target is set for")
    add(
        "--peers",
        nargs="+",
        metavar="PEER",
        help=f"of {', '.join(peering.PEERS)} (default: all that are installed), or "
        "NAME=MODULE[@PYTHON] for another one with the same interface",
    )
    add("--runs", type=positive, metavar="N", help=f"runs a case (default: {ROUNDS})")
    add(
        "--seconds",
        type=positive_seconds,
        metavar="S",
        help=f"about so long a run (default: {SECONDS})",
    )
    add("--cores", nargs="+", choices=list(CORES), help="pin every case like this")
    add(
        "--time-limit",
        type=positive_seconds,
        default=TIME_LIMIT_S,
        metavar="S",
        help="after which a run has failed (default: %(default)g)",
    )
    add("--json", metavar="FILE", help="write everything (-: to the standard output)")


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return value


def positive_seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def main_measure(arguments: list[str]) -> int:
    parser = measure_parser()
    options = parser.parse_args(arguments)
    chosen = choose(options)
    if options.list:
        for case in chosen:
            print(f"{case.name:<28} {case.title}")
        return 0
    report, is_whole = measure_chosen(
        parser, options, chosen, [*PROGRAM.split(), *arguments]
    )
    write(report, options.json)
    return verdict(report, is_whole, has_named_peers=bool(options.peers))


def choose(options: argparse.Namespace) -> list[Case]:
    every = cases.matrix(options.quick)
    if options.targets:
        every = filter(targets.is_wanted, every)
    return cases.chosen(every, options.only, options.cores)


def measure_chosen(
    parser: argparse.ArgumentParser,
    options: argparse.Namespace,
    chosen: list[Case],
    command: list[str],
) -> tuple[dict[str, Any], bool]:
    possible = [case for case in chosen if harness.is_possible(case)]
    if len(possible) < len(chosen):
        complain(f"{len(chosen) - len(possible)} cases need a second processor")
    if not possible:
        parser.error("no case to measure (--list shows them)")
    return measure(possible, wanted_peers(parser, options), options, command)


def wanted_peers(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> list[Peer]:
    try:
        return [peering.parse(text) for text in options.peers or peering.PEERS]
    except ValueError as error:
        parser.error(str(error))


def measure(
    chosen: list[Case],
    wanted: list[Peer],
    options: argparse.Namespace,
    command: list[str],
) -> tuple[dict[str, Any], bool]:
    found = {peer: runs.look(peer) for peer in wanted}
    seconds = options.seconds or (QUICK_SECONDS if options.quick else SECONDS)
    rounds = options.runs or (3 if options.quick else ROUNDS)
    settings = {"rounds": rounds, "seconds": seconds, "limit": options.time_limit}
    report = reports.start(shlex.join(command), settings, found)
    present = [peer for peer, what in found.items() if not what.missing]
    n = sum(1 for _ in measuring.turns(chosen, present, rounds))

    def run_once(case: Case, peer: Peer) -> harness.Run:
        return runs.run_once(case, peer, seconds, options.time_limit)

    try:
        with progress(n) as tell:
            for outcome in measuring.measure(chosen, present, rounds, run_once, tell):
                reports.add(report, outcome)
    except KeyboardInterrupt:
        report["is interrupted"] = True
        return report, False
    return report, True


@contextlib.contextmanager
def progress(n: int) -> Iterator[Callable[[int, Case, Peer], None]]:
    """Show on a terminal what is being measured; elsewhere nothing."""
    n_done = 0

    def tell(number: int, case: Case, peer: Peer) -> None:
        nonlocal n_done
        n_done += 1
        text = f"{n_done} of {n}: round {number + 1}, {case.name}, {peer.name}"
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    try:
        yield tell
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def write(report: dict[str, Any], file: str | None) -> None:
    if not reports.write(report, file):
        return
    print(reports.machine_line(report))
    machine = report["machine"]
    if machine["load"] > machine["usable cpus"] / 2:
        print("The machine was busy with something else: expect wide spreads.")
    for name, peer in report["peers"].items():
        if not peer["missing"]:
            python = f"Python {peer['python']}" if peer["python"] else ""
            print(f"{name}: {', '.join(filter(None, (peer['version'], python)))}")
    print(
        f"{report['settings']['rounds']} rounds of about "
        f"{report['settings']['seconds']:g} s a run; median of the runs, and the "
        "distance of the farthest from it\n"
    )
    tables.show(tables.of_report(report))
    if findings := targets.find(report):
        tables.show([targets.table(findings)])


def verdict(report: dict[str, Any], is_whole: bool, has_named_peers: bool) -> int:
    for line in (*reports.missing(report), *reports.failures(report)):
        complain(line)
    if not is_whole:
        complain("interrupted; what there is, is above")
        return 130
    has_failed = bool(reports.failures(report)) or not report["cases"]
    lacks_named = has_named_peers and bool(reports.missing(report))
    return 1 if has_failed or lacks_named else 0


# What was measured.


def main_compare(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} compare", description="Say what changed beyond the noise."
    )
    parser.add_argument("before", metavar="A.json")
    parser.add_argument("after", metavar="B.json")
    parser.add_argument(
        "--fail", action="store_true", help="exit status 1 if something got worse"
    )
    options = parser.parse_args(arguments)
    before, after = map(reports.read, (options.before, options.after))
    for name, report in (("A", before), ("B", after)):
        print(f"{name}: {compare.describe(report)}")
    if compare.is_other_machine(before, after):
        complain("the machines differ, so differences may be theirs")
    found = compare.compare(before, after)
    tables.show([compare.table(found, "A", "B")])
    if reached := compare.reached(before, after):
        tables.show([compare.table_of_targets(reached, "A", "B")])
    for line in compare.one_sided(before, after):
        print(line)
    counts = {
        kind: sum(each.verdict is kind for each in found) for kind in compare.Verdict
    }
    print(", ".join(f"{n} {kind.value}" for kind, n in counts.items() if n))
    if not found:
        complain("the two have nothing in common")
        return 2
    return 1 if options.fail and counts[compare.Verdict.WORSE] else 0


def main_plot(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} plot", description="Draw a report as pictures."
    )
    parser.add_argument("file", metavar="FILE.json")
    parser.add_argument("--out", metavar="DIR", default=".", help="default: here")
    parser.add_argument("--format", choices=("png", "svg"), default="png")
    options = parser.parse_args(arguments)
    report = reports.read(options.file)
    try:
        from bench import plots
    except ImportError as error:
        complain(f"plots need matplotlib (pip install matplotlib): {error}")
        return 2
    folder = Path(options.out)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = plots.draw(report, folder, options.format)
    for path in drawn:
        print(path)
    if not drawn:
        complain("there is nothing to draw in it")
    return 0 if drawn else 2


# All of it as a page.


def main_report(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} report",
        description="Measure, profile what misses its target, and write a page.",
    )
    add = parser.add_argument
    add("--from", dest="file", metavar="FILE.json", help="of what was measured before")
    add("--out", metavar="FILE.md", default=str(PAGE), help="default: %(default)s")
    add("--no-profiles", action="store_true", help="do not profile")
    add_choices(parser)
    options = parser.parse_args(arguments)
    if options.file:
        report, is_whole = reports.read(options.file), True
    else:
        command = [*PROGRAM.split(), "report", *without(arguments, "--out", "--json")]
        report, is_whole = measure_chosen(parser, options, choose(options), command)
    if is_whole and not (options.no_profiles or "profiles" in report):
        add_profiles(report, wanted_peers(parser, options))
    reports.write(report, options.json)
    for path in page.write(report, Path(options.out)):
        print(path, file=sys.stderr)
    return verdict(report, is_whole, has_named_peers=bool(options.peers))


def without(arguments: list[str], *names: str) -> list[str]:
    """Leave out options that say where something is written."""
    kept: list[str] = []
    for argument in arguments:
        if kept and kept[-1] in names:
            kept.pop()
        elif argument.partition("=")[0] not in names or argument in names:
            kept.append(argument)
    return kept


def add_profiles(report: dict[str, Any], wanted: list[Peer]) -> None:
    """Profile what missed its target, and beside it who it is compared with."""
    if not profile.is_possible():
        complain("there are no profiles: perf is not installed")
        return
    found = report["profiles"] = []
    peers, limit_s = {peer.name: peer for peer in wanted}, report["settings"]["limit"]
    for case, is_probe, names in missed.to_profile(report):
        for peer in [peers[name] for name in names if name in peers]:
            try:
                ends = profile.run(case, peer, PROFILED_S, limit_s, is_probe)
            except harness.Failed as error:
                complain(f"{case.name}, {peer.name}: no profile: {error}")
            else:
                found.append(profile.entry(case, peer, is_probe, ends))
