# SPDX-License-Identifier: Apache-2.0
"""The command ``python -m fastmq demo``.

Exit status: 0 verified, 1 the run failed, 2 it could not begin, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from types import FrameType

from fastmq.demo import corpus, display, library
from fastmq.demo.run import ChildFailed, NotVerified, Settings, run

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 128 + signal.SIGINT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        help="a folder of text files, or one (default: Python's standard library)",
    )
    parser.add_argument(
        "--workers",
        metavar="N",
        type=_at_least_one,
        default=_default_workers(),
        help="worker processes (default here: %(default)s)",
    )
    parser.add_argument(
        "--peer",
        choices=sorted(library.MODULES),
        default="fastmq",
        help="the library the workers use (default: fastmq)",
    )
    parser.add_argument(
        "--transport",
        choices=("tcp", "ipc"),
        default="tcp",
        help="how the processes are connected (default: tcp)",
    )
    parser.add_argument(
        "--port",
        metavar="P",
        type=_port,
        help="TCP ports P and P+1 instead of any two free ones",
    )
    parser.add_argument(
        "--top",
        metavar="K",
        type=_at_least_one,
        default=10,
        help="how many words to show (default: 10)",
    )
    parser.add_argument(
        "--batch",
        metavar="BYTES",
        type=_at_least_one,
        default=corpus.BATCH_BYTES,
        help="text in one message, about (default: %(default)s)",
    )
    parser.add_argument(
        "--patience",
        metavar="SECONDS",
        type=_at_least_one,
        default=Settings.patience_s,
        help="give up when nothing has come for so long (default: %(default)s)",
    )


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 65534:
        raise ValueError
    return value


# argparse says "invalid <name> value".
_at_least_one.__name__ = "number"
_port.__name__ = "port"


def _default_workers() -> int:
    return min(8, max(2, os.cpu_count() or 2))


def main(arguments: argparse.Namespace) -> int:
    """Run the demo; the result is the exit status."""
    path = arguments.path or corpus.default_path()
    if arguments.port is not None and arguments.transport != "tcp":
        return _fail(WRONG_USE, "--port is for --transport tcp")
    if not library.is_installed(arguments.peer):
        return _fail(WRONG_USE, "pyzmq is not installed (python -m pip install pyzmq)")
    if not os.path.exists(path):
        return _fail(WRONG_USE, f"no such file or folder: {path}")
    settings = Settings(
        n_workers=arguments.workers,
        peer=arguments.peer,
        transport=arguments.transport,
        port=arguments.port,
        n_top=arguments.top,
        batch_bytes=arguments.batch,
        patience_s=arguments.patience,
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_in_order)
    try:
        return _run(settings, path)
    except KeyboardInterrupt:
        return _fail(INTERRUPTED, "interrupted")


def _run(settings: Settings, path: str) -> int:
    files = corpus.find_files(path)
    if not files:
        return _fail(WRONG_USE, f"no text file found under {path}")
    try:
        with display.choose() as shown:
            n_bytes = sum(file.size for file in files)
            shown.say(f"{len(files):,} text files, {n_bytes / 1e6:,.1f} MB: {path}")
            run(settings, files, shown)
    except ChildFailed as error:
        return _fail(FAILED, str(error))
    except NotVerified as error:
        return _fail(FAILED, f"NOT verified: {error}")
    return 0


def _end_in_order(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _fail(status: int, why: str) -> int:
    print(f"fastmq demo: {why}", file=sys.stderr)
    return status
