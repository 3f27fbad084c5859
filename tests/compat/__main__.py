# SPDX-License-Identifier: Apache-2.0
"""Compare with pyzmq: ``python -m tests.compat surface``, ``suite``, ``dependents``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent

# The checkout's fastmq folder has no extension in it: the installed package is meant.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != TESTS.parent]
sys.path.append(str(TESTS))

from compat import dependents, suite, surface  # noqa: E402


def compare_surface(arguments: argparse.Namespace) -> int:
    """Show every difference of names; the status says if one is not intended."""
    warnings.simplefilter("ignore")
    found = surface.differences()
    for difference in found:
        print("intended " if difference.is_intended else "DIFFERENT", difference)
    return not all(difference.is_intended for difference in found)


def run_suite(arguments: argparse.Namespace) -> int:
    """Run pyzmq's suite; the status says if a test failed that is not listed."""
    words = [] if arguments.large else [*suite.LARGE]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        try:
            suite.fetch(folder)
            found = suite.on_fastmq(folder, *words, *arguments.words)
        except suite.Unavailable as error:
            print(error, file=sys.stderr)
            return 2
    for name, ended in sorted(found.items()):
        if ended != "passed":
            print(f"{ended:8} {name}: {suite.reason(name) or 'NOT LISTED'}")
    print(suite.summary(found))
    return bool(suite.wrong(found))


def run_dependents(arguments: argparse.Namespace) -> int:
    """Run packages on both libraries; the status says if one does not do the same."""
    with tempfile.TemporaryDirectory() as temporary:
        try:
            found = dependents.compare_all(Path(temporary), arguments.names)
        except suite.Unavailable as error:
            print(error, file=sys.stderr)
            return 2
    return any(result.complaint for result in found.values())


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    command = commands.add_parser("surface", help="compare names and signatures")
    command.set_defaults(main=compare_surface)
    command = commands.add_parser("suite", help="run pyzmq's own tests on fastmq")
    command.add_argument("--large", action="store_true", help="messages of 2 GiB, too")
    command.add_argument("words", nargs="*", help="of pytest, behind --")
    command.set_defaults(main=run_suite)
    command = commands.add_parser("dependents", help="run packages on both")
    command.add_argument("names", nargs="*", metavar="NAME", help="those alone")
    command.set_defaults(main=run_dependents)
    arguments = parser.parse_args(words)
    status: int = arguments.main(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
