# SPDX-License-Identifier: Apache-2.0
"""Peers that mean ill: they hold places, say little, or say it in tiny pieces."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from patterns.conftest import OURS, last, refuses, until
from patterns.rawpeer import (
    COMMAND,
    GREETING,
    LONG,
    MORE,
    RawPeer,
    command,
    connected,
    message,
    ready,
)
from patterns.watched import Watched
from security.conftest import verdict

pytestmark = pytest.mark.skipif(OURS == "zmq", reason="an extension")
PORT = "tcp://127.0.0.1:*"


@pytest.fixture
def peers() -> Iterator[Callable[[Any], RawPeer]]:
    """Return a function that connects raw peers, which are closed in the end."""
    with ExitStack() as stack:
        yield lambda made: stack.enter_context(connected(last(made)))


def has_ended(peer: RawPeer) -> bool:
    peer.socket.settimeout(0.01)
    try:
        return not peer.socket.recv(1000)
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_who_does_not_finish_gives_way(
    world: Any, peers: Callable[[Any], RawPeer]
) -> None:
    """After a second; until then those who come later wait."""
    server = Watched(world, OURS, "PULL", max_handshakes=5, rcvtimeo=20000)
    server.socket.bind(PORT)
    start = time.monotonic()
    silent = [peers(server.socket) for _ in range(8)]
    client = world.socket(OURS, "PUSH")
    client.connect(last(server.socket))
    client.send(b"hello")
    assert server.socket.recv() == b"hello"
    assert time.monotonic() - start > 0.9
    ends = []
    while len(ends) < 4:
        name, value, _ = server.next()
        if name == "HANDSHAKE_FAILED_NO_DETAIL":
            ends.append(value)
    assert ends == [errno.ECONNABORTED] * 4
    for peer in silent[:4]:
        assert len(peer.await_end()) == 10  # the beginning of a greeting
    silent[-1].read(10)
    assert not has_ended(silent[-1])


def test_a_rush_is_served_in_its_order(world: Any) -> None:
    """Nobody is thrown out: the others wait in the kernel."""
    server = Watched(world, OURS, "PULL", max_handshakes=2, backlog=200)
    server.socket.bind(PORT)
    clients = [world.socket(OURS, "PUSH") for _ in range(100)]
    start = time.monotonic()
    for client in clients:
        client.connect(last(server.socket))
    for client in clients:
        client.send(b"hello")
    for _ in clients:
        assert server.socket.recv() == b"hello"
    if time.monotonic() < start + 0.9:  # else some may have had their second, and more
        for _ in clients:
            assert verdict(server) == ("HANDSHAKE_SUCCEEDED", 0)


def test_those_who_are_through_do_not_count(
    world: Any, peers: Callable[[Any], RawPeer]
) -> None:
    server = world.socket(OURS, "PULL", max_handshakes=1)
    server.bind(PORT)
    done = []
    for _ in range(5):
        peer = peers(server)
        peer.shake(b"PUSH")
        done.append(peer)
    for peer in done:
        peer.send(b"\x00\x01x")
        assert server.recv() == b"x"


def test_no_limit(world: Any, peers: Callable[[Any], RawPeer]) -> None:
    server = world.socket(OURS, "PULL", max_handshakes=0, backlog=500)
    server.bind(PORT)
    for _ in range(300):
        peers(server)
    client = world.socket(OURS, "PUSH")
    client.connect(last(server))
    client.send(b"hello")
    assert server.recv() == b"hello"


def test_peers_of_an_address(world: Any, peers: Callable[[Any], RawPeer]) -> None:
    server = Watched(world, OURS, "PULL", max_peers_per_address=2)
    server.socket.bind(PORT)
    assert server.names(1) == ["LISTENING"]
    kept = [peers(server.socket) for _ in range(2)]
    for peer in kept:
        peer.shake(b"PUSH")
    assert sorted(server.names(4)) == [*["ACCEPTED"] * 2, *["HANDSHAKE_SUCCEEDED"] * 2]
    refused = peers(server.socket)
    assert server.next()[:2] == ("ACCEPT_FAILED", errno.EUSERS)
    assert refused.await_end() == b""
    kept[0].socket.close()
    assert server.names(1) == ["DISCONNECTED"]
    peers(server.socket).shake(b"PUSH")
    assert server.names(2) == ["ACCEPTED", "HANDSHAKE_SUCCEEDED"]


def test_another_address(world: Any) -> None:
    server = Watched(world, OURS, "PULL", max_peers_per_address=1)
    server.socket.bind("tcp://0.0.0.0:*")
    port = int(last(server.socket).rsplit(":", 1)[1])
    with ExitStack() as stack:
        for host in ("127.0.0.1", "127.0.0.2"):
            connection = socket.create_connection(
                ("127.0.0.1", port), source_address=(host, 0)
            )
            RawPeer(stack.enter_context(connection)).shake(b"PUSH")


def test_the_options(world: Any) -> None:
    made = world.socket(OURS, "PULL")
    assert made.max_handshakes == 256
    assert made.max_peers_per_address == 0
    for name in ("max_handshakes", "max_peers_per_address"):
        setattr(made, name, 7)
        assert getattr(made, name) == 7
        with refuses(errno.EINVAL):
            setattr(made, name, -1)


def test_a_byte_now_and_then(
    library: str, world: Any, peers: Callable[[Any], RawPeer]
) -> None:
    """Each byte comes in time, the handshake does not."""
    server = Watched(world, library, "PULL", handshake_ivl=150)
    server.socket.bind(PORT)
    peer = peers(server.socket)
    peer.send(GREETING + b"\x06" + (60000).to_bytes(8, "big"))
    start = time.monotonic()
    with refuses(errno.EPIPE, errno.ECONNRESET):
        while time.monotonic() < start + 20:
            peer.send(b"x")
            has_ended(peer)  # takes a hundredth of a second
    assert verdict(server)[0] == "HANDSHAKE_FAILED_NO_DETAIL"


def test_tiny_frames(world: Any, peers: Callable[[Any], RawPeer]) -> None:
    """A flood of them, and another peer that is served meanwhile."""
    server = world.socket(OURS, "PULL", rcvhwm=100)
    server.bind(PORT)
    flood = peers(server)
    flood.shake(b"PUSH")
    flood.socket.setblocking(False)
    block = b"\x00\x00" * 50000
    client = world.socket(OURS, "PUSH")
    client.connect(last(server))
    for number in range(20):
        try:
            while True:
                flood.socket.send(block)
        except BlockingIOError:
            pass
        client.send(b"%d" % number)
        while (got := server.recv()) != b"%d" % number:
            assert got == b""


def test_pings_without_end(world: Any, peers: Callable[[Any], RawPeer]) -> None:
    """Nobody reads the answers: they are not kept."""
    server = world.socket(OURS, "PULL")
    server.bind(PORT)
    flood = peers(server)
    flood.shake(b"PUSH")
    flood.socket.setblocking(False)
    pings = b"\x04\x07\x04PING\x00\x00" * 10000
    rest = pings * 50
    for _ in range(50):
        try:
            rest = rest[flood.socket.send(rest[: len(pings)]) :]
        except BlockingIOError:
            server.poll(5)
    client = world.socket(OURS, "PUSH")
    client.connect(last(server))
    client.send(b"hello")
    assert server.recv() == b"hello"


# --- what is out of order, and what is too long ---


def long_frame(flags: int, size: int, body: bytes = b"") -> bytes:
    return bytes([flags | LONG]) + size.to_bytes(8, "big") + body


def is_served(world: Any, kind: str, server: Any) -> None:
    """Somebody else still gets through."""
    client = world.socket(OURS, kind)
    client.connect(last(server))
    client.send(b"I am well")
    while server.recv() != b"I am well":
        pass


@pytest.mark.parametrize(
    "said",
    [
        command(b"SUBSCRIBE", b"topic"),
        command(b"PING", b"\0\0ctx"),
        command(b"HELLO", bytes(194)),
        command(b"INITIATE", bytes(300 - 60)),
        command(b"WELCOME", bytes(160)),
        command(b""),
        message(b"a message"),
        bytes([COMMAND, 0]),
    ],
    ids=["SUBSCRIBE", "PING", "HELLO", "INITIATE", "WELCOME", "none", "text", "empty"],
)
def test_commands_out_of_order(
    said: bytes, library: str, world: Any, peers: Callable[[Any], RawPeer]
) -> None:
    """Before READY nothing else is in order."""
    server = Watched(world, library, "PULL", rcvtimeo=20000)
    server.socket.bind(PORT)
    peer = peers(server.socket)
    peer.send(GREETING + said)
    peer.await_end()
    name, _ = verdict(server)
    assert name in {"HANDSHAKE_FAILED_PROTOCOL", "HANDSHAKE_FAILED_NO_DETAIL"}
    is_served(world, "PUSH", server.socket)


def test_ready_twice(world: Any, peers: Callable[[Any], RawPeer]) -> None:
    """The second one changes nothing."""
    server = world.socket(OURS, "ROUTER", rcvtimeo=20000)
    server.bind(PORT)
    peer = peers(server)
    peer.send(GREETING + ready(b"DEALER", Identity=b"first"))
    peer.send(ready(b"REQ", Identity=b"second") + message(b"hello"))
    assert server.recv_multipart() == [b"first", b"hello"]


@pytest.mark.parametrize("size", [2**16 + 1, 2**31, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_command_of_any_length(
    size: int, world: Any, peers: Callable[[Any], RawPeer]
) -> None:
    """In a handshake it is refused by its length alone."""
    server = Watched(world, OURS, "PULL", rcvtimeo=20000)
    server.socket.bind(PORT)
    peer = peers(server.socket)
    peer.send(GREETING + long_frame(COMMAND, size))
    peer.await_end()
    assert verdict(server) == ("HANDSHAKE_FAILED_PROTOCOL", 0x10000011)
    is_served(world, "PUSH", server.socket)


@pytest.mark.parametrize("flags", [0, MORE, COMMAND])
@pytest.mark.parametrize("size", [2**40 + 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_message_of_any_length(
    size: int, flags: int, world: Any, peers: Callable[[Any], RawPeer]
) -> None:
    """There is no such memory: the connection ends, and nothing else."""
    server = Watched(world, OURS, "PULL", rcvtimeo=20000)
    server.socket.bind(PORT)
    peer = peers(server.socket)
    peer.shake(b"PUSH")
    peer.send(message(b"before") + long_frame(flags, size, b"the beginning"))
    assert server.socket.recv() == b"before"
    with suppress(ConnectionResetError):
        peer.await_end()
    is_served(world, "PUSH", server.socket)


def test_longer_than_it_may_be(
    library: str, world: Any, peers: Callable[[Any], RawPeer]
) -> None:
    """Refused by what its header says, before any of it has come."""
    server = world.socket(library, "PULL", maxmsgsize=1000, rcvtimeo=20000)
    server.bind(PORT)
    peer = peers(server)
    peer.shake(b"PUSH")
    peer.send(long_frame(0, 1000, bytes(1000)) + long_frame(0, 1001))
    assert server.recv() == bytes(1000)
    with suppress(ConnectionResetError):
        peer.await_end()
    is_served(world, "PUSH", server)


def test_parts_without_end(world: Any, peers: Callable[[Any], RawPeer]) -> None:
    """A message that does not end is seen by nobody, and goes with its connection."""
    server = world.socket(OURS, "PULL", rcvtimeo=20000)
    server.bind(PORT)
    flood = peers(server)
    flood.shake(b"PUSH")
    for _ in range(20):
        flood.send(b"\x01\x01x" * 30000)
        is_served(world, "PUSH", server)
    flood.socket.close()
    is_served(world, "PUSH", server)


def test_subscriptions_without_end(world: Any, peers: Callable[[Any], RawPeer]) -> None:
    """Others are served meanwhile; and they end with their connection."""
    server = Watched(world, OURS, "PUB")
    server.socket.bind(PORT)
    other = world.socket(OURS, "SUB", rcvtimeo=20000)
    other.subscribe(b"")
    other.connect(last(server.socket))
    until(lambda: server.socket.send(b"?") or other.poll(5))
    flood = peers(server.socket)
    flood.shake(b"SUB")
    topic = b"%012d"
    for block in range(20):
        flood.send(
            b"".join(
                command(b"SUBSCRIBE", topic % (1000 * block + n)) for n in range(1000)
            )
        )
        server.socket.send(b"%d" % block)
    while other.recv() != b"19":
        pass
    flood.socket.close()
    while server.next()[0] != "DISCONNECTED":
        pass
    server.socket.send(topic % 5)
    assert other.recv() == topic % 5
