# SPDX-License-Identifier: Apache-2.0
"""Peers that mean ill: they hold places, say little, or say it in tiny pieces."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from patterns.conftest import OURS, last, refuses
from patterns.rawpeer import GREETING, RawPeer, connected
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
    for client in clients:
        client.connect(last(server.socket))
    for client in clients:
        client.send(b"hello")
    for _ in clients:
        assert server.socket.recv() == b"hello"
    for _ in clients:
        assert verdict(server) == ("HANDSHAKE_SUCCEEDED", 0)


def test_those_who_are_through_do_not_count(
    world: Any, peers: Callable[[Any], RawPeer]
) -> None:
    server = world.socket(OURS, "PULL", max_handshakes=1)
    server.bind(PORT)
    done = [peers(server) for _ in range(5)]
    for peer in done:
        peer.shake(b"PUSH")
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
    for _ in range(50):
        try:
            flood.socket.send(b"\x04\x07\x04PING\x00\x00" * 10000)
        except BlockingIOError:
            server.poll(5)
    client = world.socket(OURS, "PUSH")
    client.connect(last(server))
    client.send(b"hello")
    assert server.recv() == b"hello"
