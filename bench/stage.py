# SPDX-License-Identifier: Apache-2.0
"""One socket of a library in a process of its own, which does what the driver says."""

from __future__ import annotations

import gc
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.works import set_backlog

SENTINEL = b"~"
"""A topic that comes after all others: who hears it has been heard."""
PATIENCE_MS = 60_000


def topic(number: int) -> bytes:
    """Return one of many topics that share beginnings, in no order."""
    return b"topic/%08x/" % (number * 2654435761 % 2**32)


class Actor:
    """A socket; each method is a command of the driver's."""

    def __init__(self, library: Any, socket: Any) -> None:
        self.library = library
        self.socket = socket

    def bind(self, _: None) -> str:
        self.socket.bind("tcp://127.0.0.1:*")
        value = self.socket.getsockopt(self.library.LAST_ENDPOINT)
        return str(value.rstrip(b"\0").decode() if isinstance(value, bytes) else value)

    def connect(self, endpoint: str) -> None:
        self.socket.connect(endpoint)

    def memory(self, _: None) -> int:
        """Return what of the process lies in memory, in bytes."""
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    def rest(self, ms: int) -> None:
        """Let the library do what it has to."""
        self.socket.poll(ms)

    def cpu(self, _: None) -> float:
        return time.process_time()

    # --- ROUTER ---

    def hear(self, n: int) -> float:
        """Take a message of each of so many peers and answer it; return seconds."""
        names = set()
        self.socket.setsockopt(self.library.RCVTIMEO, PATIENCE_MS)
        started = time.monotonic()
        for _ in range(n):
            name, text = self.socket.recv_multipart()
            if text != b"I am " + name:
                raise ValueError(f"{name!r} said {text!r}")
            names.add(name)
            self.socket.send_multipart([name, b"you are " + name])
        if len(names) != n:
            raise ValueError(f"{len(names)} of {n} peers were heard")
        return time.monotonic() - started

    # --- PUB ---

    def publish(self, body: bytes) -> None:
        self.socket.send(body)

    def match(self, n: int) -> float:
        """Publish what nobody wants, which is nearly a topic; return us a message."""
        nearly = [topic(number)[:-1] + b"!" for number in range(1000)]
        started = time.monotonic()
        for number in range(n):
            self.socket.send(nearly[number % 1000])
        return (time.monotonic() - started) / n * 1e6

    # --- SUB ---

    def subscribe(self, numbers: range) -> None:
        self.change(self.library.SUBSCRIBE, numbers)

    def unsubscribe(self, numbers: range) -> None:
        self.change(self.library.UNSUBSCRIBE, numbers)

    def change(self, option: int, numbers: range) -> None:
        for number in numbers:
            self.socket.setsockopt(option, topic(number))

    def mark(self, is_there: bool) -> None:
        option = self.library.SUBSCRIBE if is_there else self.library.UNSUBSCRIBE
        self.socket.setsockopt(option, SENTINEL)

    def has_heard(self, ms: int) -> bool:
        """Whether the sentinel comes within this time; takes all there is."""
        heard = False
        while self.socket.poll(0 if heard else ms):
            if self.socket.recv() != SENTINEL:
                raise ValueError("what was not wanted came")
            heard = True
        return heard


def play(library: Any, pipe: Connection, order: dict[str, Any]) -> None:
    context = library.Context()
    with context.socket(getattr(library, order["type"])) as socket:
        if order["type"] in ("ROUTER", "PUB"):
            set_backlog(library, socket)
        for name, value in order["options"].items():
            socket.setsockopt(getattr(library, name), value)
        actor = Actor(library, socket)
        while (command := pipe.recv())[0] != "stop":
            pipe.send(("done", getattr(actor, command[0])(command[1])))
        socket.close(0)
    context.term()
