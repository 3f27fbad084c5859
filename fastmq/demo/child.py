# SPDX-License-Identifier: Apache-2.0
"""A child process as seen from the command, and all of them together."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

_PATH_FLAGS = ["-P"] if getattr(sys.flags, "safe_path", False) else []


class ChildFailed(Exception):
    """A process ended before its work was done, or said that it cannot do it."""


class Child:
    """One process of the demo and the two pipes to it."""

    def __init__(self, role: str, name: str, environment: dict[str, str]) -> None:
        self.name = name
        self.said: dict[str, Any] = {}
        """The latest value of everything it has reported."""
        # A session of its own: Ctrl-C is for the command, which then ends the child.
        self.process = subprocess.Popen(
            [sys.executable, *_PATH_FLAGS, "-m", "fastmq.demo.roles", role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self._rest = b""

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def order(self, **fields: object) -> None:
        """Tell the child something."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(fields).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it is gone; the end of its reports will tell

    def hear(self) -> bool:
        """Read the reports that have come; false at their end.

        Raises:
            ChildFailed: It reported an error, or ended before its work was done.
        """
        assert self.process.stdout is not None
        data = os.read(self.process.stdout.fileno(), 65536)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.said.update(json.loads(line))
        if "error" in self.said:
            raise ChildFailed(f"{self.name}: {self.said['error']}")
        if data:
            return True
        if self.process.wait() != 0 or "done" not in self.said:
            raise ChildFailed(
                f"{self.name} (process {self.pid}) {self._how_it_ended()}"
            )
        return False

    def _how_it_ended(self) -> str:
        status = self.process.wait()
        if status >= 0:
            return f"ended in the middle of its work, exit status {status}"
        return f"was killed in the middle of its work by {_signal_name(-status)}"

    def end(self) -> None:
        """Kill the process if it lives, and wait for it."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        self.process.wait()


class Company:
    """The children of the demo; leaving the ``with`` block ends every one of them."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._children: list[Child] = []
        # They must find the same package, wherever this process found it.
        self._environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))

    def __enter__(self) -> Company:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for child in self._children:
            child.end()
        self._selector.close()

    def start(self, role: str, name: str | None = None) -> Child:
        """Start a child."""
        child = Child(role, name or role, self._environment)
        self._children.append(child)
        assert child.process.stdout is not None
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        return child

    def wait_for(
        self, children: Iterable[Child], key: str, on_report: Callable[[Child], object]
    ) -> None:
        """Wait until each of ``children`` has reported ``key``.

        Meanwhile ``on_report`` is called whenever any child has said something.

        Raises:
            ChildFailed: Some child failed.
        """
        waited_for = list(children)
        while not all(key in child.said for child in waited_for):
            self._hear_some(on_report)

    def wait_for_end(self) -> None:
        """Wait until every child has ended, its work done.

        Raises:
            ChildFailed: Some child failed.
        """
        while self._selector.get_map():
            self._hear_some(lambda child: None)

    def _hear_some(self, on_report: Callable[[Child], object]) -> None:
        for key, _ in self._selector.select():
            child: Child = key.data
            if child.hear():
                on_report(child)
            else:
                self._selector.unregister(key.fileobj)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
