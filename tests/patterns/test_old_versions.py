# SPDX-License-Identifier: Apache-2.0
"""Peers of ZMTP 1.0 (libzmq 2.x), 2.0 (3.x) and 3.0, dialling and being dialled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from patterns.conftest import OURS, last, until
from patterns.rawpeer import (
    COMMAND,
    LONG,
    MORE,
    RawPeer,
    connected,
    message,
    ready,
)

PORT = "tcp://127.0.0.1:*"
SIGNATURE = b"\xff" + bytes(7) + b"\x01\x7f"
NUMBER = {
    name: number
    for number, name in enumerate(
        ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH"]
        + ["XPUB", "XSUB"]
    )
}
PARTNER = {
    "PUSH": "PULL",
    "PULL": "PUSH",
    "PAIR": "PAIR",
    "REQ": "REP",
    "REP": "REQ",
    "DEALER": "ROUTER",
    "ROUTER": "DEALER",
    "PUB": "SUB",
    "SUB": "PUB",
    "XPUB": "XSUB",
    "XSUB": "XPUB",
}


def greet_2_0(peer: RawPeer, kind: str, identity: bytes = b"") -> tuple[int, bytes]:
    """Speak as ZMTP 2.0 does; return the other's type and identity."""
    peer.send(SIGNATURE + b"\x01" + bytes([NUMBER[kind]]) + message(identity))
    theirs = peer.read(12)
    assert theirs[0] == 0xFF
    assert theirs[9:11] == b"\x7f\x03"
    frame = peer.frame()
    assert frame.flags == 0
    return theirs[11], frame.body


@pytest.mark.parametrize("kind", PARTNER)
def test_types_and_identities(end: Callable[..., Any], kind: str) -> None:
    options = {} if kind in {"PUB", "XPUB"} else {"routing_id": b"me"}
    with end(kind, **options) as (_, peer):
        number, identity = greet_2_0(peer, PARTNER[kind], b"you")
        assert number == NUMBER[kind]
        assert identity == options.get("routing_id", b"")


def test_messages_in(end: Callable[..., Any]) -> None:
    large = bytes(range(256)) * 300
    with end("PULL") as (pull, peer):
        greet_2_0(peer, "PUSH")
        peer.send(message(b"hello") + message(b"a", b"", b"c"))
        peer.send(bytes([LONG]) + len(large).to_bytes(8, "big") + large)
        assert pull.recv_multipart() == [b"hello"]
        assert pull.recv_multipart() == [b"a", b"", b"c"]
        assert pull.recv_multipart() == [large]


def test_messages_out(end: Callable[..., Any]) -> None:
    with end("PUSH") as (push, peer):
        greet_2_0(peer, "PULL")
        push.send_multipart([b"a", b"", b"x" * 255, b"y" * 256, bytes(70_000)])
        frames = [peer.frame() for _ in range(5)]
        assert [frame.flags for frame in frames] == [MORE] * 4 + [0]
        assert [len(frame.body) for frame in frames] == [1, 0, 255, 256, 70_000]


def test_questions_and_answers(end: Callable[..., Any]) -> None:
    with end("REQ") as (req, peer):
        greet_2_0(peer, "REP")
        for i in range(3):
            req.send(b"question %d" % i)
            assert [peer.frame().body for _ in range(2)] == [b"", b"question %d" % i]
            peer.send(message(b"", b"answer %d" % i))
            assert req.recv() == b"answer %d" % i


def test_a_router_knows_its_name(end: Callable[..., Any]) -> None:
    with end("ROUTER") as (router, peer):
        greet_2_0(peer, "DEALER", b"old dealer")
        peer.send(message(b"hello"))
        assert router.recv_multipart() == [b"old dealer", b"hello"]
        router.send_multipart([b"old dealer", b"and you"])
        assert peer.frame().body == b"and you"


def test_a_router_makes_up_a_name(end: Callable[..., Any]) -> None:
    with end("ROUTER") as (router, peer):
        greet_2_0(peer, "DEALER")
        peer.send(message(b"hello"))
        name, body = router.recv_multipart()
        assert body == b"hello"
        assert len(name) == 5
        router.send_multipart([name, b"and you"])
        assert peer.frame().body == b"and you"


def test_subscriptions_are_messages(end: Callable[..., Any]) -> None:
    topics = [b"a", b"", b"x" * 254, b"z" * 300]
    with end("SUB") as (sub, peer):
        greet_2_0(peer, "PUB")
        for topic in topics:
            sub.setsockopt(6, topic)
        sub.poll(20)  # libzmq's hears of its peers only when it is used
        frames = {peer.frame() for _ in topics}
        assert frames == {(0, b"\x01" + topic) for topic in topics}
        sub.setsockopt(7, b"a")
        assert peer.frame() == (0, b"\x00a")
        peer.send(message(b"anything"))
        assert sub.recv() == b"anything"


def test_a_subscription_of_255_bytes(world: Any) -> None:
    """Libzmq forgets the flag that says how long it is."""
    sub = world.socket(OURS, "SUB")
    sub.bind(PORT)
    sub.setsockopt(6, b"t" * 255)
    with connected(last(sub)) as peer:
        greet_2_0(peer, "PUB")
        assert peer.frame() == (0, b"\x01" + b"t" * 255)


def test_an_old_subscriber(end: Callable[..., Any]) -> None:
    with end("PUB") as (pub, peer):
        greet_2_0(peer, "SUB")
        peer.send(message(b"\x01a"))
        peer.socket.settimeout(0.01)
        until(lambda: hears(pub, peer, b"a"))
        peer.socket.settimeout(20)
        pub.send_multipart([b"b", b"not wanted"])
        pub.send_multipart([b"a", b"wanted"])
        while (frame := peer.frame()).flags != MORE:
            assert frame.body == b"a"
        assert frame.body == b"a"
        assert peer.frame().body == b"wanted"


def hears(pub: Any, peer: RawPeer, topic: bytes) -> bool:
    pub.send(topic)
    try:
        return peer.frame().body == topic
    except TimeoutError:
        return False


def test_no_pings(end: Callable[..., Any]) -> None:
    with end("PUSH", heartbeat_ivl=5, heartbeat_timeout=5) as (push, peer):
        greet_2_0(peer, "PULL")
        peer.socket.settimeout(0.1)
        with pytest.raises(TimeoutError):
            peer.frame()
        peer.socket.settimeout(20)
        push.send(b"still there")
        assert peer.frame() == (0, b"still there")


def test_byte_by_byte(end: Callable[..., Any]) -> None:
    with end("PULL") as (pull, peer):
        peer.socket.setsockopt(6, 1, 1)  # TCP_NODELAY
        for byte in SIGNATURE + b"\x01\x08" + message(b"id") + message(b"a", b"b"):
            peer.send(bytes([byte]))
        assert pull.recv_multipart() == [b"a", b"b"]


@pytest.mark.parametrize(
    "bad", [b"\x02" + (300).to_bytes(8, "big") + bytes(300), b"\x02" + b"\xff" * 8]
)
def test_a_bad_identity(bad: bytes, world: Any) -> None:
    pull = world.socket(OURS, "PULL")
    pull.bind(PORT)
    with connected(last(pull)) as peer:
        peer.send(SIGNATURE + b"\x01\x08" + bad)
        peer.await_end()
    with connected(last(pull)) as peer:
        greet_2_0(peer, "PUSH")
        peer.send(message(b"fine"))
        assert pull.recv() == b"fine"


# ZMTP 3.0: the greeting and READY of 3.1, but subscriptions are messages


def shake_3_0(peer: RawPeer, kind: bytes) -> None:
    peer.send(SIGNATURE + b"\x03\x00NULL" + bytes(48) + ready(kind))
    peer.read(64)
    assert peer.frame().flags == COMMAND


def test_3_0_subscriptions(end: Callable[..., Any]) -> None:
    with end("SUB") as (sub, peer):
        shake_3_0(peer, b"PUB")
        sub.setsockopt(6, b"topic")
        sub.poll(20)
        assert peer.frame() == (0, b"\x01topic")
        sub.setsockopt(7, b"topic")
        assert peer.frame() == (0, b"\x00topic")


def test_3_0_messages_and_pings(end: Callable[..., Any]) -> None:
    with end("PAIR", heartbeat_ivl=20, heartbeat_timeout=20000) as (pair, peer):
        shake_3_0(peer, b"PAIR")
        assert peer.command().startswith(b"\x04PING")
        peer.send(message(b"hello", b"there"))
        assert pair.recv_multipart() == [b"hello", b"there"]
        pair.send(b"and you")
        while peer.frame().body != b"and you":
            pass


# ZMTP 1.0: other frames, and an identity is all there is before them


def old_frame(body: bytes, flags: int = 0) -> bytes:
    size = len(body) + 1
    head = bytes([size]) if size < 255 else b"\xff" + size.to_bytes(8, "big")
    return head + bytes([flags]) + body


def old_message(*parts: bytes) -> bytes:
    last = len(parts) - 1
    return b"".join(old_frame(part, int(i < last)) for i, part in enumerate(parts))


def read_old(peer: RawPeer) -> tuple[int, bytes]:
    size = peer.read(1)[0]
    if size == 255:
        size = int.from_bytes(peer.read(8), "big")
    flags = peer.read(1)[0]
    return flags, peer.read(size - 1)


def greet_1_0(peer: RawPeer, identity: bytes = b"") -> bytes:
    """Speak as ZMTP 1.0 does; return the other's identity."""
    peer.send(old_frame(identity))
    theirs = peer.read(10)
    assert theirs[0] == 0xFF
    assert theirs[9] == 0x7F
    return peer.read(int.from_bytes(theirs[1:9], "big") - 1)


SIZES = [0, 1, 252, 253, 254, 255, 256, 4095, 4096, 4097, 70_000, 1_000_000]


def test_1_0_identities(end: Callable[..., Any]) -> None:
    with end("DEALER", routing_id=b"me") as (_, peer):
        assert greet_1_0(peer, b"you") == b"me"


def test_1_0_messages_in(end: Callable[..., Any]) -> None:
    with end("PULL") as (pull, peer):
        greet_1_0(peer)
        for size in SIZES:
            peer.send(old_message(b"%d" % size, bytes(size), b""))
            assert pull.recv_multipart() == [b"%d" % size, bytes(size), b""]
        for i in range(5000):
            peer.send(old_message(b"%d" % i))
        for i in range(5000):
            assert pull.recv() == b"%d" % i


@pytest.mark.parametrize("copy", [True, False])
def test_1_0_messages_out(copy: bool, end: Callable[..., Any]) -> None:
    with end("PUSH", copy_threshold=0) as (push, peer):
        greet_1_0(peer)
        for size in SIZES:
            body = bytes(i % 251 for i in range(1000)) * (size // 1000 + 1)
            push.send_multipart([b"%d" % size, body[:size], b""], copy=copy)
            assert read_old(peer) == (MORE, b"%d" % size)
            assert read_old(peer) == (MORE, body[:size])
            assert read_old(peer) == (0, b"")


@pytest.mark.parametrize("copy", [True, False])
def test_1_0_a_peer_that_reads_late(copy: bool, end: Callable[..., Any]) -> None:
    with end("PUSH", sndhwm=0, sndbuf=8192, copy_threshold=0) as (push, peer):
        greet_1_0(peer)
        for i in range(3000):
            push.send_multipart([b"%d" % i, bytes(i % 600)], copy=copy)
        for i in range(3000):
            assert read_old(peer) == (MORE, b"%d" % i)
            assert read_old(peer) == (0, bytes(i % 600))


def test_1_0_questions_and_answers(end: Callable[..., Any]) -> None:
    with end("REP") as (rep, peer):
        greet_1_0(peer)
        for i in range(3):
            peer.send(old_message(b"", b"question %d" % i))
            assert rep.recv() == b"question %d" % i
            rep.send(b"answer %d" % i)
            assert read_old(peer) == (MORE, b"")
            assert read_old(peer) == (0, b"answer %d" % i)


def test_1_0_a_router(end: Callable[..., Any]) -> None:
    with end("ROUTER") as (router, peer):
        greet_1_0(peer, b"old dealer")
        peer.send(old_message(b"hello"))
        assert router.recv_multipart() == [b"old dealer", b"hello"]
        router.send_multipart([b"old dealer", b"and you"])
        assert read_old(peer) == (0, b"and you")


def test_1_0_a_subscriber_gets_everything(end: Callable[..., Any]) -> None:
    """It filters for itself, and says nothing."""
    with end("PUB") as (pub, peer):
        greet_1_0(peer)
        peer.socket.settimeout(0.01)

        def hears() -> bool:
            pub.send(b"anything")
            try:
                return read_old(peer)[1] == b"anything"
            except TimeoutError:
                return False

        until(hears)


def test_1_0_byte_by_byte(end: Callable[..., Any]) -> None:
    with end("PULL") as (pull, peer):
        peer.socket.setsockopt(6, 1, 1)  # TCP_NODELAY
        for byte in old_frame(b"id") + old_message(b"a", b"b" * 300, b""):
            peer.send(bytes([byte]))
        assert pull.recv_multipart() == [b"a", b"b" * 300, b""]


@pytest.mark.parametrize(
    "bad", [b"\x00", b"\xff" + b"\xff" * 8 + b"\0", b"\xff" + bytes(8) + b"\0"]
)
def test_1_0_a_bad_frame(bad: bytes, world: Any) -> None:
    pull = world.socket(OURS, "PULL")
    pull.bind(PORT)
    with connected(last(pull)) as peer:
        greet_1_0(peer)
        peer.send(old_message(b"good") + bad + bytes(100))
        peer.await_end()
    assert pull.recv() == b"good"
    with connected(last(pull)) as peer:
        greet_1_0(peer)
        peer.send(old_message(b"fine"))
        assert pull.recv() == b"fine"


def test_1_0_hello(world: Any) -> None:
    dealer = world.socket(OURS, "DEALER")
    dealer.setsockopt(110, b"h" * 300)
    dealer.bind(PORT)
    with connected(last(dealer)) as peer:
        greet_1_0(peer)
        assert read_old(peer) == (0, b"h" * 300)
