# SPDX-License-Identifier: Apache-2.0
"""What the tests of security share: both libraries in every pairing, and a ZAP handler.

As in tests/patterns, what runs on (zmq, zmq) as well asks of ours what libzmq does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from patterns.conftest import (  # noqa: F401
    folder,
    fresh,
    held,
    held_endpoint,
    library,
    libs,
    transport,
    until,
    wildcard,
    world,
)
from patterns.watched import Watched

ZAP = "inproc://zeromq.zap.01"
TIMEOUT_MS = 20000


def properties(**named: bytes) -> bytes:
    """Return metadata as ZAP has it (_ stands for -)."""
    return b"".join(
        bytes([len(name)])
        + name.replace("_", "-").encode()
        + struct.pack("!I", len(value))
        + value
        for name, value in named.items()
    )


def verdict(watched: Watched) -> tuple[str, int]:
    """Return how the next handshake ended."""
    while True:
        name, value, _ = watched.next()
        if name.startswith("HANDSHAKE"):
            return name, value


def has_ended(watched: Watched, how: tuple[str, int]) -> bool:
    """Return whether a handshake has ended like this by now; of ours it is the next.

    With libzmq there may be one before that an impatient client gave up.
    """
    while watched.monitor.poll(10):
        name, value, _ = watched.next()
        if (name, value) == how:
            return True
        if name.startswith("HANDSHAKE"):
            assert (watched.library, name) == ("zmq", "HANDSHAKE_FAILED_NO_DETAIL")
    return False


def make_impatient(client: Watched, server: Watched) -> None:
    """Have a client give up a server of libzmq, which may leave it hanging.

    So it does after a 300; and after other failures now and then, since telling the
    monitor of them changes errno.
    """
    if server.library == "zmq":
        client.socket.handshake_ivl = 500


class Handler:
    """A ZAP handler that does what the test tells it, one request at a time."""

    def __init__(self, world: Any, library: str, kind: str = "REP") -> None:  # noqa: F811
        self.kind = kind
        self.socket = world.socket(
            library, kind, rcvtimeo=TIMEOUT_MS, sndtimeo=TIMEOUT_MS
        )
        self.socket.bind(ZAP)
        self.sender: list[bytes] = []

    def request(self) -> list[bytes]:
        """Return the frames of the next request, from the version on."""
        frames: list[bytes] = self.socket.recv_multipart()
        if self.kind == "ROUTER":
            self.sender, frames = frames[:2], frames[2:]
            assert self.sender[1] == b""
        return frames

    def reply(self, *frames: bytes) -> None:
        """Send frames to whoever asked last."""
        self.socket.send_multipart([*self.sender, *frames])

    def answer(
        self, status: int = 200, user_id: bytes = b"", metadata: bytes = b""
    ) -> None:
        """Answer the last request as ZAP has it."""
        self.reply(b"1.0", b"1", b"%d" % status, b"text", user_id, metadata)

    def answer_until(
        self, done: Callable[[], Any], answer: Callable[[], None] | None = None
    ) -> None:
        """Answer whoever asks until this has come of it.

        Who asked may have given up by then, and asks again.
        """

        def answered() -> Any:
            if self.socket.poll(10):
                self.request()
                (answer or self.answer)()
            return done()

        until(answered)

    def is_quiet(self) -> bool:
        """Return whether nobody asks."""
        return not self.socket.poll(50)


@pytest.fixture
def make_handler(world: Any) -> Any:  # noqa: F811
    """Return a function that makes the handler of a library's context."""

    def make(library: str, kind: str = "REP") -> Handler:  # noqa: F811
        return Handler(world, library, kind)

    return make
