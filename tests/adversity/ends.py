# SPDX-License-Identifier: Apache-2.0
"""The two ends of a conversation that may be cut at any moment, for either library.

An end talks as its type does, a step at a time, and no call of it waits for more than
a moment. Every message says who wrote it, its number, how many parts it has and what
they hash to; whoever receives it checks that it is whole, and that the numbers of each
writer rise: nothing comes twice, torn or out of turn.
"""

from __future__ import annotations

import hashlib
import random
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Any

MOMENT_MS = 20  # how long a call may wait
LATE_S = 15.0  # no machine is busy enough for a call to take longer than that
ANSWER_S = 0.3  # a question without an answer is asked anew
N_WRITERS = 50  # that are remembered
N_SEEN = 1000
HEAD = struct.Struct("!8sQHI8s")  # writer, number, parts, bytes, digest
POOL = random.Random(1).randbytes(1 << 20)
PARTNERS = {
    "REQ": "REP",
    "REP": "REQ",
    "DEALER": "ROUTER",
    "ROUTER": "DEALER",
    "PUB": "SUB",
    "SUB": "PUB",
    "XPUB": "XSUB",
    "XSUB": "XPUB",
    "PUSH": "PULL",
    "PULL": "PUSH",
    "PAIR": "PAIR",
    "STREAM": "STREAM",
}


def digest(parts: list[bytes]) -> bytes:
    h = hashlib.blake2b(digest_size=8)
    for part in parts:
        h.update(b"%d " % len(part) + part)
    return h.digest()


class Writer:
    """Makes messages, with numbers that rise."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.name = dice.randbytes(8)
        self.number = 0

    def body(self) -> bytes:
        top = self.dice.choice([10, 10, 300, 300, 300, 5000, 5000, 70_000])
        size = self.dice.randrange(top)
        start = self.dice.randrange(len(POOL) - size)
        return POOL[start : start + size]

    def write(self, n_parts: int) -> list[bytes]:
        self.number += 1
        parts = [self.body() for _ in range(n_parts)]
        size = sum(map(len, parts))
        head = HEAD.pack(self.name, self.number, n_parts, size, digest(parts))
        return [head, *parts]


class Reader:
    """Checks messages.

    The numbers of a writer rise within a connection. One that was given up while this
    process was frozen, or cut off, is still read to its end beside its successor, so
    there may be as many rows of numbers as there can have been connections.
    """

    def __init__(self) -> None:
        self.max_rows = 1
        self.rows: dict[bytes, list[int]] = {}
        self.seen: dict[bytes, deque[int]] = {}

    def read(self, message: list[bytes]) -> None:
        writer, number, n_parts, size, expected = HEAD.unpack(message[0])
        parts = message[1:]
        assert len(parts) == n_parts, f"torn: {len(parts)} parts of {n_parts}"
        assert sum(map(len, parts)) == size, f"torn: {list(map(len, parts))} of {size}"
        assert digest(parts) == expected, f"changed: message {number}"
        self.note(writer, number)

    def note(self, writer: bytes, number: int) -> None:
        if writer not in self.rows:
            if len(self.rows) > N_WRITERS:
                oldest = next(iter(self.rows))
                del self.rows[oldest], self.seen[oldest]
            self.rows[writer], self.seen[writer] = [], deque(maxlen=N_SEEN)
        rows, seen = self.rows[writer], self.seen[writer]
        if rows and number <= max(rows):
            assert number not in seen, f"message {number} came twice"
        seen.append(number)
        below = [last for last in rows if last < number]
        if below:
            rows[rows.index(max(below))] = number
        else:
            rows.append(number)
        assert len(rows) <= self.max_rows, f"message {number} after {rows}"


class End:
    """One socket of a conversation. What it may not do in a step is an error."""

    def __init__(self, lib: Any, context: Any, kind: str, seed: int) -> None:
        self.lib = lib
        self.context = context
        self.kind = kind
        self.dice = random.Random(seed)
        self.options: dict[str, Any] = {}
        self.endpoint = ""
        self.binds = False
        self.n_got = 0
        self.n_sent = 0
        self.writer = Writer(self.dice)
        self.reader = Reader()
        self.socket: Any = None

    def open(self, endpoint: str, binds: bool, **options: Any) -> str:
        """Make the socket; return where it is bound."""
        self.options = options
        self.binds = binds
        self.writer = Writer(self.dice)
        self.socket = self.context.socket(getattr(self.lib, self.kind))
        self.socket.linger = 0
        self.socket.rcvtimeo = self.socket.sndtimeo = MOMENT_MS
        for name, value in {**self.own_options(), **options}.items():
            self.socket.setsockopt(getattr(self.lib, name), value)
        if binds:
            self.socket.bind(endpoint)
            endpoint = self.socket.last_endpoint.decode().rstrip("\0")
        else:
            self.socket.connect(endpoint)
        self.endpoint = endpoint
        self.begin()
        return endpoint

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close(linger=0)

    def own_options(self) -> dict[str, Any]:
        return {"RECONNECT_IVL": 5}

    def begin(self) -> None: ...

    def step(self) -> None:
        """Send or receive a little."""
        raise NotImplementedError

    # --- calls, none of which may take long ---

    def call(self, what: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a call does, or None if it says that it would have to wait."""
        begun = time.monotonic()
        try:
            return what(*arguments)
        except self.lib.Again:
            return None
        finally:
            took = time.monotonic() - begun
            assert took < LATE_S, f"{self.kind}: a call took {took:.1f} s"

    def send(self, message: list[bytes]) -> bool:
        flags = self.dice.choice([0, self.lib.DONTWAIT])
        sent = (
            self.call(lambda: self.socket.send_multipart(message, flags) or True)
            is not None
        )
        self.n_sent += sent
        return sent

    def recv(self) -> list[bytes] | None:
        flags = self.dice.choice([0, self.lib.DONTWAIT, self.lib.DONTWAIT])
        if self.dice.random() < 0.2:
            self.call(self.socket.poll, MOMENT_MS)
        message: list[bytes] | None = self.call(self.socket.recv_multipart, flags)
        return message

    def write(self, prefix: list[bytes] = []) -> bool:  # noqa: B006
        return self.send([*prefix, *self.writer.write(self.dice.randrange(4))])

    def check(self, message: list[bytes]) -> None:
        self.reader.read(message)
        self.n_got += 1


class Sender(End):
    """PUSH, PUB and XPUB."""

    def step(self) -> None:
        for _ in range(self.dice.randrange(1, 30)):
            if not self.write():
                break
        if self.kind == "XPUB":
            while message := self.call(self.socket.recv_multipart, self.lib.DONTWAIT):
                assert message in ([b"\1"], [b"\0"]), message
        if self.kind != "PUSH":
            self.call(self.socket.poll, 1)  # who publishes without a pause starves all


class Receiver(End):
    """PULL, SUB and XSUB."""

    def begin(self) -> None:
        if self.kind == "SUB":
            self.socket.setsockopt(self.lib.SUBSCRIBE, b"")
        elif self.kind == "XSUB":
            self.socket.send(b"\1")

    def step(self) -> None:
        for _ in range(30):
            message = self.recv()
            if message is None:
                break
            self.check(message)


class Duplex(End):
    """PAIR and DEALER: both ways, independently."""

    def step(self) -> None:
        for _ in range(self.dice.randrange(10)):
            if not self.write():
                break
        for _ in range(20):
            message = self.recv()
            if message is None:
                break
            self.check(message)


class Router(End):
    """ROUTER: sends to everybody it has heard of, until told that they are gone."""

    def own_options(self) -> dict[str, Any]:
        return {**super().own_options(), "ROUTER_MANDATORY": 1, "ROUTER_HANDOVER": 1}

    def begin(self) -> None:
        self.known: set[bytes] = set()

    def routes(self) -> set[bytes]:
        return self.known

    def has_route(self, route: bytes) -> bool:
        try:
            self.write([route])
        except self.lib.ZMQError as error:
            if error.errno != self.lib.EHOSTUNREACH:
                raise
            self.known.discard(route)
            return False
        return True

    def step(self) -> None:
        for _ in range(20):
            message = self.recv()
            if message is None:
                break
            self.known.add(message[0])
            self.check(message[1:])
        for route in sorted(self.known):
            self.has_route(route)


class Asker(End):
    """REQ: asks again when it has waited long enough, on a new socket if it must."""

    def own_options(self) -> dict[str, Any]:
        # A name that a closed socket was bound to may take a while to be free again.
        relaxed = self.binds or self.dice.random() < 0.5
        self.is_relaxed = relaxed
        correlated = {"REQ_RELAXED": 1, "REQ_CORRELATE": 1} if relaxed else {}
        return {**super().own_options(), **correlated}

    def begin(self) -> None:
        self.asked_at: float | None = None
        self.question: list[bytes] = []

    def step(self) -> None:
        if self.asked_at is None:
            self.question = self.writer.write(self.dice.randrange(4))
            if self.send(self.question):
                self.asked_at = time.monotonic()
            return
        answer = self.recv()
        if answer is not None:
            assert answer == self.question, "not the answer to that question"
            self.check(answer)
            self.asked_at = None
        elif time.monotonic() - self.asked_at > ANSWER_S:
            if not self.is_relaxed:
                self.socket.close(linger=0)
                self.open(self.endpoint, False, **self.options)
            self.asked_at = None


class Answerer(End):
    """REP: gives back what it got."""

    def begin(self) -> None:
        self.answer: list[bytes] | None = None

    def step(self) -> None:
        for _ in range(20):
            if self.answer is None:
                self.answer = self.recv()
                if self.answer is None:
                    return
                self.check(self.answer)
            if self.send(self.answer):
                self.answer = None


class Stream(End):
    """STREAM: messages in the bytes of each connection, which begin with a border."""

    def begin(self) -> None:
        self.unread: dict[bytes, bytearray] = {}

    def routes(self) -> set[bytes]:
        return set(self.unread)

    def step(self) -> None:
        for route in sorted(self.unread):
            if self.dice.random() < 0.5:
                self.has_route(route)
        for _ in range(20):
            message = self.recv()
            if message is None:
                break
            route, data = message
            if data:
                self.unread[route] += data
                self.parse(self.unread[route])
            elif self.unread.pop(route, None) is None:
                self.unread[route] = bytearray()

    def has_route(self, route: bytes) -> bool:
        try:
            self.send([route, b"".join(self.writer.write(1))])
        except self.lib.ZMQError as error:
            if error.errno != self.lib.EHOSTUNREACH:
                raise
            return False
        return True

    def parse(self, unread: bytearray) -> None:
        while len(unread) >= HEAD.size:
            size = HEAD.unpack_from(unread)[3]
            if len(unread) < HEAD.size + size:
                return
            head, body = unread[: HEAD.size], unread[HEAD.size : HEAD.size + size]
            del unread[: HEAD.size + size]
            self.check([bytes(head), bytes(body)])


KINDS: dict[str, type[End]] = {
    "REQ": Asker,
    "REP": Answerer,
    "DEALER": Duplex,
    "ROUTER": Router,
    "PUB": Sender,
    "SUB": Receiver,
    "XPUB": Sender,
    "XSUB": Receiver,
    "PUSH": Sender,
    "PULL": Receiver,
    "PAIR": Duplex,
    "STREAM": Stream,
}


def make_end(lib: Any, context: Any, kind: str, seed: int) -> End:
    return KINDS[kind](lib, context, kind, seed)
