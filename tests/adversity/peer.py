# SPDX-License-Identifier: Apache-2.0
"""A peer in a process of its own, which may be killed at any moment.

Processes are forked by multiprocessing's fork server, which has both libraries loaded
already: one takes milliseconds. What a peer knows lies in a file that both map, where a
SIGKILL leaves it.
"""

from __future__ import annotations

import ctypes
import importlib
import mmap
import multiprocessing
import os
import signal
import struct
import traceback
from pathlib import Path
from typing import Any

from adversity.ends import make_end

PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000
PATIENCE_S = 40.0
COUNTS = struct.Struct("=QQB")  # got, sent, whether to end
TEXT_AT = 64  # where it is bound, or what went wrong
SIZE = 8192

server = multiprocessing.get_context("forkserver")
server.set_forkserver_preload(["fastmq", "zmq", "adversity.ends"])
libc = ctypes.CDLL(None, use_errno=True)


def enter_namespace(pid: int) -> None:
    with open(f"/proc/{pid}/ns/net", "rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


class Marks:
    """What both processes see."""

    def __init__(self, path: Path) -> None:
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), SIZE)

    def counts(self) -> tuple[int, int, int]:
        return COUNTS.unpack_from(self.map)

    def set_counts(self, got: int, sent: int) -> None:
        self.map[:16] = struct.pack("=QQ", got, sent)

    def end(self) -> None:
        self.map[16] = 1

    def text(self) -> str:
        return self.map[TEXT_AT:].split(b"\0", 1)[0].decode(errors="replace")

    def set_text(self, text: str) -> None:
        """Write the first byte last: until then there is no text."""
        data = text.encode()[-(SIZE - TEXT_AT - 1) :]
        self.map[TEXT_AT + 1 : TEXT_AT + len(data)] = data[1:]
        self.map[TEXT_AT] = data[0]


def run(library: str, marks_path: str, namespace: int, opening: dict[str, Any]) -> None:
    """Talk until told to end; the text is an endpoint, or after "!" an error."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    marks = Marks(Path(marks_path))
    try:
        if namespace:
            enter_namespace(namespace)
        lib = importlib.import_module(library)
        context = lib.Context()
        end = make_end(lib, context, opening["kind"], opening["seed"])
        end.reader.max_rows = opening["max_rows"]
        options = opening["options"]
        marks.set_text(end.open(opening["endpoint"], opening["binds"], **options))
        while not marks.counts()[2]:
            end.step()
            marks.set_counts(end.n_got, end.n_sent)
        end.close()
        context.term()
    except BaseException:
        marks.set_text("!" + traceback.format_exc())
        raise


class Peer:
    """The process as the test sees it; gone when it is killed."""

    def __init__(
        self, folder: Path, library: str, namespace: int = 0, **opening: Any
    ) -> None:
        self.name = f"{library} {opening['kind']}"
        self.is_libzmq = library == "zmq"
        self.is_closed = False
        self.path = folder / f"marks-{opening['seed']}"
        self.path.write_bytes(bytes(SIZE))
        self.marks = Marks(self.path)
        self.process = server.Process(
            target=run, args=(library, str(self.path), namespace, opening), daemon=True
        )
        self.process.start()

    @property
    def n_got(self) -> int:
        return self.marks.counts()[0]

    def has_aborted(self) -> bool:
        """Whether libzmq has put an end to it."""
        return self.is_libzmq and self.process.exitcode == -signal.SIGABRT

    def check(self) -> None:
        """Fail if the peer has found something wrong, or has ended by itself."""
        text = self.marks.text()
        assert not text.startswith("!"), f"{self.name} says: {text[1:]}"
        code = self.process.exitcode
        assert code is None or self.has_aborted(), f"{self.name} ended with {code}"

    def endpoint(self) -> str:
        """Return where it is, or an empty text if it is not there yet."""
        self.check()
        return self.marks.text()

    def send_signal(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL, and reap."""
        if self.is_closed:
            return
        if self.process.is_alive():
            self.process.kill()
        self.process.join(PATIENCE_S)
        assert self.process.exitcode is not None
        self.process.close()
        self.is_closed = True
        self.marks.map.close()
        self.path.unlink()

    def end(self) -> None:
        """Let it end by itself, and see that it does so well."""
        self.marks.end()
        self.process.join(PATIENCE_S)
        text = self.marks.text()
        assert not text.startswith("!"), f"{self.name} says: {text[1:]}"
        code = self.process.exitcode
        assert code == 0 or self.has_aborted(), f"{self.name} ended with {code}"
        self.kill()
