# SPDX-License-Identifier: Apache-2.0
"""The command ``python -m fastmq.log``: shows what a PUBHandler publishes."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from ..constants import SocketType
from ..context import Context

# Escapes of a terminal, for the colours of levels.
_COLORS = {
    "DEBUG": "\x1b[36m",
    "INFO": "\x1b[32m",
    "WARNING": "\x1b[33m",
    "ERROR": "\x1b[31m",
    "CRITICAL": "\x1b[1;31m",
}
_PLAIN = "\x1b[0m"


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Parse the arguments of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m fastmq.log",
        description="Show what is logged through PUBHandlers, until Ctrl-C.",
    )
    parser.add_argument(
        "zmq_pub_url", metavar="URL", help="the address of a publisher, to connect to"
    )
    parser.add_argument(
        "-t",
        "--topic",
        action="append",
        metavar="TOPIC",
        help="show what begins with this topic only; may be given several times",
    )
    parser.add_argument(
        "--timestamp", action="store_true", help="begin lines with the local time"
    )
    parser.add_argument(
        "--separator",
        default=" | ",
        help="what stands between time, topic and text (default: %(default)r)",
    )
    parser.add_argument(
        "--dateformat",
        default="%Y-%m-%d %H:%M:%S",
        help="the format of the time, of strftime (default: %(default)r)".replace(
            "%", "%%"
        ).replace("%%(default)", "%(default)"),
    )
    parser.add_argument(
        "--align", action="store_true", help="pad topics to the longest one so far"
    )
    parser.add_argument(
        "--color", action="store_true", help="colour topics by their level"
    )
    return parser.parse_args(words)


class Lines:
    """Makes lines of messages.

    Args:
        arguments: Of the command.
        now: Tells the time.
    """

    def __init__(
        self, arguments: argparse.Namespace, now: Callable[[], datetime] = datetime.now
    ) -> None:
        self._arguments = arguments
        self._now = now
        self._width = 0

    def line(self, message: Sequence[bytes]) -> str:
        """Return the line for a message: its topic, and what else it consists of."""
        topic, *rest = [part.decode("utf8", "replace") for part in message]
        arguments = self._arguments
        shown = topic
        if arguments.align:
            self._width = max(self._width, len(topic))
            shown = topic.ljust(self._width)
        if arguments.color:
            levels = [_COLORS[part] for part in topic.split(".") if part in _COLORS]
            shown = f"{levels[0]}{shown}{_PLAIN}" if levels else shown
        parts = [shown, "".join(rest).rstrip("\n")]
        if arguments.timestamp:
            parts.insert(0, self._now().strftime(arguments.dateformat))
        return str(arguments.separator).join(parts)


def watch(arguments: argparse.Namespace, show: Callable[[str], Any]) -> None:
    """Show lines until interrupted.

    Args:
        arguments: Of the command.
        show: Called with each line.
    """
    lines = Lines(arguments)
    with Context() as context, context.socket(SocketType.SUB) as socket:
        for topic in arguments.topic or [""]:
            socket.subscribe(topic)
        socket.connect(arguments.zmq_pub_url)
        while True:
            show(lines.line(socket.recv_multipart()))


def main(words: Sequence[str]) -> int:
    """Run the command; the result is the exit status."""
    with contextlib.suppress(KeyboardInterrupt):
        watch(parse(words), lambda line: print(line, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
