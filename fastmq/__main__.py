# SPDX-License-Identifier: Apache-2.0
"""The command line: ``python -m fastmq demo``, ``run`` and ``hook``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fastmq import _run
from fastmq.demo import cli


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments of ``python -m fastmq``."""
    parser = argparse.ArgumentParser(prog="python -m fastmq")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    demo = commands.add_parser(
        "demo",
        help="count the words of many files by a pipeline of processes",
        description="Push every line of every text file under PATH through a pipeline "
        "of processes that count words, and verify that each came exactly once.",
    )
    cli.add_arguments(demo)
    demo.set_defaults(main=cli.main)
    # For its help alone: the words after it are Python's, and not to be parsed here.
    commands.add_parser(
        "run",
        help="run a program that imports zmq on fastmq",
        description="Run a program as Python would, with `import zmq` giving fastmq: "
        "in it, and in the Python processes it starts.",
        usage="python -m fastmq run SCRIPT | -m MODULE | -c CODE [ARGUMENT ...]",
    ).set_defaults(main=_no_program)
    hook = commands.add_parser(
        "hook",
        help="have FASTMQ_AS_ZMQ=1 obeyed in this environment",
        description="With `on`, every Python of this environment looks at FASTMQ_AS_ZMQ"
        " when it starts; where that is 1, `import zmq` gives fastmq.",
    )
    _run.add_hook(hook)
    hook.set_defaults(main=_run.hook)
    return parser.parse_args(words)


def _no_program(arguments: argparse.Namespace) -> int:
    print("fastmq run: which program? See run --help", file=sys.stderr)
    return _run.WRONG_USE


def main(words: Sequence[str]) -> int:
    """Run a command; the result is the exit status."""
    if words[:1] == ["run"] and words[1:] and words[1] not in ("-h", "--help"):
        return _run.run(words[1:])
    arguments = parse(words)
    status: int = arguments.main(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
