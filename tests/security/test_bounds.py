# SPDX-License-Identifier: Apache-2.0
"""A message that never ends does: MAX_PARTS and MAX_MESSAGE_BYTES."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import pytest
import zmq as pyzmq
from patterns.conftest import OURS, last, refuses, until
from patterns.rawpeer import (
    COMMAND,
    LONG,
    MORE,
    RawPeer,
    accept,
    connected,
    listening,
    message,
)
from patterns.test_old_versions import greet_1_0, old_message
from patterns.watched import Watched

pytestmark = pytest.mark.skipif(OURS == "zmq", reason="an extension")
PORT = "tcp://127.0.0.1:*"
PING = bytes([COMMAND, 7]) + b"\4PING" + bytes(2)
LENGTHS = [0, 1, 100, 255, 256, 4096, 4097, 10_000]


def part(body: bytes, flags: int = 0) -> bytes:
    return bytes([flags | LONG]) + len(body).to_bytes(8, "big") + body


@pytest.fixture(params=["3.1", "1.0"])
def server(request: pytest.FixtureRequest, world: Any) -> Callable[..., Any]:
    """Return a function that makes a server, and has a raw peer send to it."""

    class Server:
        def __init__(self, **options: int) -> None:
            self.watched = Watched(world, OURS, "PULL", **options)
            self.socket = self.watched.socket
            self.socket.bind(PORT)
            self.is_old = request.param == "1.0"

        def says(self, *bodies: bytes) -> bytes:
            if self.is_old:
                return old_message(*bodies)
            *some, end = bodies
            return b"".join(part(body, MORE) for body in some) + part(end)

        def cuts(self, said: bytes, *received: list[bytes]) -> None:
            """Expect these messages of a peer that said that, and its end."""
            with connected(last(self.socket)) as peer:
                if self.is_old:
                    greet_1_0(peer)
                else:
                    peer.shake(b"PUSH")
                with suppress(ConnectionError):
                    peer.send(said)
                for wanted in received:
                    assert self.socket.recv_multipart() == wanted
                peer.await_end()
                names = []
                while (names or [""])[-1] != "DISCONNECTED":
                    names += self.watched.names(1)
            assert not self.socket.poll(0)

    return Server


def test_parts(server: Callable[..., Any]) -> None:
    made = server(max_parts=3)
    fine = [b"1", b"2", b"3"]
    said = [fine, [b"alone"], fine, [b""] * 4]
    made.cuts(b"".join(made.says(*bodies) for bodies in said), *said[:3])


def test_the_last_part_need_not_come(server: Callable[..., Any]) -> None:
    """What has so many parts, and goes on, has too many."""
    made = server(max_parts=3)
    begun = [b"x", b"y", b"z"]
    if made.is_old:
        said = made.says(*begun, b"")[: -len(made.says(b""))]
    else:
        said = b"".join(part(body, MORE) for body in begun)
    made.cuts(said)


def test_one_part_only(server: Callable[..., Any]) -> None:
    made = server(max_parts=1)
    made.cuts(made.says(b"one") + made.says(b"1", b"2"), [b"one"])


@pytest.mark.parametrize("length", LENGTHS)
def test_bytes(length: int, server: Callable[..., Any]) -> None:
    made = server(max_message_bytes=length + 10)
    fine = [bytes(6), bytes(length), bytes(4)]
    alone = [bytes(length + 10)]
    for bad in ([bytes(6), bytes(length), bytes(5)], [bytes(length + 11)]):
        made.cuts(made.says(*fine) + made.says(*alone) + made.says(*bad), fine, alone)


def test_before_they_have_come(world: Any) -> None:
    """A header is enough; and a part may not be longer for there being room."""
    pull = world.socket(OURS, "PULL", max_message_bytes=10_000, maxmsgsize=6000)
    pull.bind(PORT)
    for begin, announced in ((b"", 6001), (part(bytes(6000), MORE), 4001)):
        with connected(last(pull)) as peer:
            peer.shake(b"PUSH")
            peer.send(part(bytes(6000), MORE) + part(bytes(4000)))
            assert list(map(len, pull.recv_multipart())) == [6000, 4000]
            peer.send(begin + bytes([LONG]) + announced.to_bytes(8, "big"))
            peer.await_end()


def test_commands_between_parts(world: Any) -> None:
    pull = world.socket(OURS, "PULL", max_message_bytes=5, max_parts=2)
    pull.bind(PORT)
    with connected(last(pull)) as peer:
        peer.shake(b"PUSH")
        for _ in range(3):
            peer.send(part(bytes(5), MORE) + PING * 3 + part(b""))
            assert pull.recv_multipart() == [bytes(5), b""]
        peer.send(part(bytes(5), MORE) + PING + part(b"x"))
        with suppress(ConnectionError):
            peer.await_end()


def test_whoever_dialed(world: Any) -> None:
    """It is left alone, as one who breaks the protocol."""
    with listening() as (listener, endpoint):
        pull = Watched(world, OURS, "PULL", max_parts=2, reconnect_ivl=1)
        pull.socket.connect(endpoint)
        peer = accept(listener)
        with closing(peer.socket):
            peer.shake(b"PUSH")
            peer.send(message(b"1", b"2") + message(b"1", b"2", b"3"))
            peer.await_end()
            while pull.next()[0] != "DISCONNECTED":
                pass
            assert pull.socket.recv_multipart() == [b"1", b"2"]
            assert pull.is_quiet()


@pytest.mark.parametrize("who", ["binds", "connects"])
def test_what_came_before_a_violation(who: str, library: str, world: Any) -> None:
    """It is received, whenever that is, whoever dialed; and not sent to any more."""
    made = Watched(
        world, library, "DEALER", maxmsgsize=100, sndtimeo=0, reconnect_ivl=1
    )
    with listening() as (listener, endpoint):
        if who == "binds":
            made.socket.bind(PORT)
            peer = RawPeer(socket.create_connection(address_of(last(made.socket))))
        else:
            made.socket.connect(endpoint)
            peer = accept(listener)
        with closing(peer.socket):
            peer.shake(b"DEALER")
            peer.send(message(b"1", b"2") + message(b"3") + message(bytes(101)))
            with suppress(ConnectionError):
                peer.await_end()
            while made.next()[0] != "DISCONNECTED":
                pass
            assert made.socket.recv_multipart() == [b"1", b"2"]
            assert made.socket.recv_multipart() == [b"3"]
            if library == OURS:
                with refuses(errno.EAGAIN):
                    made.socket.send(b"4")
            elif who == "binds":  # when it has told; one that dials is connected again
                with refuses(errno.EAGAIN):
                    until(lambda: made.socket.send(b"4"))


def address_of(endpoint: str) -> tuple[str, int]:
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


def flood(peer: RawPeer, frame: bytes, n: int) -> bool:
    """Send the beginning of a message; return whether that was all taken."""
    try:
        for _ in range(n // 10_000):
            peer.send(frame * 10_000)
    except ConnectionError:
        return False
    return True


def test_by_default(world: Any) -> None:
    pull = world.socket(OURS, "PULL")
    pull.bind(PORT)
    with connected(last(pull)) as peer:
        peer.shake(b"PUSH")
        assert flood(peer, b"\1\0", 990_000)
        peer.send(b"\1\0" * 9_999 + b"\0\0")
        assert len(pull.recv_multipart()) == 1_000_000
        while flood(peer, b"\1\0", 100_000):
            pass
    pull.max_parts = 0
    pull.bind(PORT)
    with connected(last(pull)) as peer:
        peer.shake(b"PUSH")
        assert flood(peer, b"\1\0", 1_200_000)
        peer.send(b"\0\0")
        assert len(pull.recv_multipart()) == 1_200_001


@pytest.mark.parametrize("sender", [OURS, "zmq"])
@pytest.mark.parametrize(
    ("options", "fine", "bad"),
    [
        ({"max_parts": 3}, [b"x"] * 3, [b"x"] * 4),
        *(
            ({"max_message_bytes": n + 8}, [b"head", bytes(n), b"tail"],
             [b"head", bytes(n), b"tails"])
            for n in LENGTHS
        ),
        ({"max_message_bytes": 20_000}, [bytes(20_000)], [bytes(20_001)]),
        ({"max_message_bytes": 10}, [bytes(10)], [bytes(50_000)]),
    ],
)  # fmt: skip
def test_sealed(
    options: dict[str, int],
    fine: list[bytes],
    bad: list[bytes],
    sender: str,
    world: Any,
) -> None:
    """Bodies count as they are when opened."""
    public, secret = pyzmq.curve_keypair()
    mine = pyzmq.curve_keypair()
    server = Watched(
        world, OURS, "PULL", curve_server=1, curve_secretkey=secret, **options
    )
    server.socket.bind(PORT)
    client = world.socket(
        sender,
        "PUSH",
        curve_serverkey=public,
        curve_publickey=mine[0],
        curve_secretkey=mine[1],
        reconnect_ivl=20000,
    )
    client.connect(last(server.socket))
    for _ in range(2):
        client.send_multipart(fine)
    client.send_multipart(bad)
    for _ in range(2):
        assert server.socket.recv_multipart() == fine
    while server.next()[0] != "DISCONNECTED":
        pass
    assert not server.socket.poll(0)


def test_the_options(world: Any) -> None:
    made = world.socket(OURS, "PULL")
    assert made.max_parts == 1_000_000
    assert made.max_message_bytes == 0
    for name, most in (("max_parts", 2**31 - 1), ("max_message_bytes", 2**63 - 1)):
        for value in (0, 7, most):
            setattr(made, name, value)
            assert getattr(made, name) == value
        with refuses(errno.EINVAL):
            setattr(made, name, -1)
        assert getattr(made, name) == most
