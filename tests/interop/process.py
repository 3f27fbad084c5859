# SPDX-License-Identifier: Apache-2.0
"""Peers as the tests see them: started, listened to, commanded, killed and reaped."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

TESTS = Path(__file__).resolve().parent.parent
PATIENCE_S = 40.0


class Peer:
    """A process that runs `interop.peer`; ends with its `with` block at the latest."""

    def __init__(
        self, library: str, role: str, *endpoints: str, **options: object
    ) -> None:
        command = [sys.executable, "-m", "interop.peer", library, role, *endpoints]
        for name, value in options.items():
            if value is True:
                command.append(f"--{name}")
            elif isinstance(value, dict):
                command += [f"--opt={key}={number}" for key, number in value.items()]
            elif value is not False:
                command.append(f"--{name}={value}")
        self.name = f"{library} {options.get('type', '')} {role}"
        self.is_libzmq_dialling = library == "zmq" and not options.get("bind")
        self.errors: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        self.unread = b""
        self.seen: list[dict[str, Any]] = []

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        if error is not None and self.stderr():
            print(f"--- {self.name} said:\n{self.stderr()}", file=sys.stderr)
        self.errors.close()

    def stderr(self) -> str:
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    # --- listening ---

    def reports(self, timeout: float = PATIENCE_S) -> Iterator[dict[str, Any]]:
        """Yield reports as they come; fail when the process ends or says nothing."""
        deadline = time.monotonic() + timeout
        assert self.process.stdout is not None
        while True:
            line, newline, rest = self.unread.partition(b"\n")
            if newline:
                self.unread = rest
                self.seen.append(json.loads(line))
                yield self.seen[-1]
                continue
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise TimeoutError(f"{self.name}: nothing more; seen {self.seen[-5:]}")
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                code = self.process.wait(timeout=PATIENCE_S)
                raise ChildProcessError(f"{self.name}: {code}\n{self.stderr()}")
            self.unread += more

    def expect(self, key: str, timeout: float = PATIENCE_S) -> Any:
        """Return the value of the next report with `key`."""
        for said in self.reports(timeout):
            if key in said:
                return said[key]
        raise AssertionError

    def said(self, key: str) -> list[Any]:
        """Return what has been read so far, of one kind."""
        return [said[key] for said in self.seen if key in said]

    # --- commanding ---

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def end(self, word: str = "", timeout: float = PATIENCE_S) -> None:
        """Let the process end by itself, and see that it does so well.

        One that is told a word has nothing left to send. If it dials where nobody is
        any more, libzmq (4.3.5, ipc) may never end: zmq_ctx_term waits for the reaper,
        and that and the I/O thread wait for each other. So it is killed.
        """
        if word:
            self.tell(word)
        if word and self.is_libzmq_dialling:
            self.expect("done", timeout)
            self.kill()
            return
        self.expect("ended", timeout)
        assert self.process.wait(timeout=PATIENCE_S) == 0, self.stderr()

    def kill(self) -> None:
        """SIGKILL, and reap."""
        self.process.kill()
        self.process.wait(timeout=PATIENCE_S)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()


@contextmanager
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for an ipc path."""
    with tempfile.TemporaryDirectory(prefix="fmq-") as name:
        yield Path(name)
