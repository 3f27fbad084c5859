# SPDX-License-Identifier: Apache-2.0
"""The commands ``python -m fastmq run`` and ``python -m fastmq hook``.

``run`` is Python itself, started again with the switch on: what runs is the main
program of its process in every respect, and so are the processes that it starts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence

from . import _alias

WRONG_USE = 2

# In site-packages. Named so that it comes after what makes packages importable.
PTH = "zz_fastmq_as_zmq.pth"


def run(words: Sequence[str]) -> int:
    """Become a Python that runs the words with the alias installed.

    Args:
        words: What Python would be told: a script, or ``-m`` and a module, or ``-c``
            and code; and its arguments.
    """
    if sys.flags.ignore_environment or sys.flags.no_site:
        return _fail("run", "Python's options -E, -I and -S leave no way in")
    environment = dict(os.environ)
    _alias.pass_on(environment)
    options = interpreter_options(sys.orig_argv, sys.argv[1:])
    command = [sys.executable, *options, *words]
    if os.name == "nt":
        # There exec starts another process, and a shell waits for this one.
        return subprocess.call(command, env=environment)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, environment)


def interpreter_options(command: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return the options that Python itself was started with.

    Args:
        command: All of the command line (``sys.orig_argv``).
        words: What the program sees of it (``sys.argv``, but for its own name).
    """
    options = list(command[1 : len(command) - len(words)])
    # What is left ends in "-m fastmq" or "-mfastmq"; -m may follow other letters.
    last = options.pop() if options else ""
    if not last.startswith("-") and options:
        last = options.pop()
    letters = last.partition("m")[0]
    return [*options, letters] if letters not in ("", "-") else options


def add_hook(parser: argparse.ArgumentParser) -> None:
    """Declare what ``hook`` understands."""
    parser.add_argument(
        "what",
        choices=("on", "off", "show"),
        nargs="?",
        default="show",
        help="write the file, take it away, or say whether it is there (default)",
    )


def hook(arguments: argparse.Namespace) -> int:
    """Write, remove or show the file by which the environment obeys the switch."""
    path = os.path.join(sysconfig.get_path("purelib"), PTH)
    if arguments.what == "on":
        with open(path, "w", encoding="utf-8") as file:
            file.write(pth_line())
    elif arguments.what == "off" and os.path.exists(path):
        os.remove(path)
    state = "is there" if os.path.exists(path) else "is not there"
    print(f"{path} {state}")
    print(f"the folder for PYTHONPATH: {_alias.START}")
    return 0


def pth_line() -> str:
    """Return the line that ``site`` runs at the start of every Python."""
    start = os.path.join(_alias.START, "at_start.py")
    switched = f'os.environ.get("{_alias.SWITCH}", "0") not in ("", "0")'
    return f"import os; {switched} and exec(open({start!r}).read())\n"


def _fail(command: str, why: str) -> int:
    print(f"fastmq {command}: {why}", file=sys.stderr)
    return WRONG_USE
