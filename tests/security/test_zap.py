# SPDX-License-Identifier: Apache-2.0
"""ZAP, as far as NULL goes: what a handler is asked, and what its answers do."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any

import pytest
from patterns.conftest import OURS, last, refuses, until
from patterns.rawpeer import GREETING, connected, ready
from patterns.watched import Watched
from security.conftest import (
    Handler,
    has_ended,
    make_impatient,
    properties,
    verdict,
)

Make = Callable[..., Handler]


class Couple:
    """A PULL server with a domain, bound, and a PUSH client, both watched."""

    def __init__(
        self, world: Any, libs: tuple[str, str], wildcard: str, **options: Any
    ) -> None:
        self.server = Watched(
            world, libs[0], "PULL", zap_domain=b"test", rcvtimeo=20000, **options
        )
        self.server.socket.bind(wildcard)
        self.client = Watched(world, libs[1], "PUSH", reconnect_ivl=20)

    def connect(self) -> None:
        self.client.socket.connect(last(self.server.socket))

    def passes(self, handler: Handler) -> None:
        """Send a message, and have the handler let in whoever brings it."""
        self.client.socket.send(b"hello")
        handler.answer_until(lambda: self.server.socket.poll(10))
        assert self.server.socket.recv() == b"hello"


@pytest.fixture
def couple(world: Any, libs: tuple[str, str], wildcard: str) -> Couple:
    return Couple(world, libs, wildcard)


# --- what is asked ---


@pytest.mark.parametrize("kind", ["REP", "ROUTER"])
def test_the_request(
    kind: str,
    libs: tuple[str, str],
    transport: str,
    wildcard: str,
    world: Any,
    make_handler: Make,
) -> None:
    handler = make_handler(libs[0], kind)
    couple = Couple(world, libs, wildcard, routing_id=b"me")
    couple.connect()
    pid = os.getpid()
    address = f"localhost:{os.getuid()}:{os.getgid()}:{pid}"
    assert handler.request() == [
        b"1.0",
        b"1",
        b"test",
        address.encode() if transport == "ipc" else b"127.0.0.1",
        b"me",
        b"NULL",
    ]
    handler.answer()
    assert verdict(couple.client) == ("HANDSHAKE_SUCCEEDED", 0)
    assert verdict(couple.server) == ("HANDSHAKE_SUCCEEDED", 0)
    couple.client.socket.send(b"hello")
    assert couple.server.socket.recv() == b"hello"
    assert handler.is_quiet()


def test_without_a_domain_nobody_asks(
    libs: tuple[str, str], wildcard: str, world: Any, make_handler: Make
) -> None:
    handler = make_handler(libs[0])
    server = world.socket(libs[0], "PULL", zap_enforce_domain=1, rcvtimeo=20000)
    server.bind(wildcard)
    client = world.socket(libs[1], "PUSH")
    client.connect(last(server))
    client.send(b"hello")
    assert server.recv() == b"hello"
    assert handler.is_quiet()


def test_the_side_that_connects_asks_too(
    libs: tuple[str, str], wildcard: str, world: Any, make_handler: Make
) -> None:
    handler = make_handler(libs[0])
    asker = Watched(world, libs[0], "PUSH", zap_domain=b"mine", reconnect_ivl=20)
    server = Watched(world, libs[1], "PULL")
    server.socket.bind(wildcard)
    asker.socket.connect(last(server.socket))
    assert handler.request()[2] == b"mine"
    handler.answer(400)
    assert verdict(asker) == ("HANDSHAKE_FAILED_AUTH", 400)
    if libs[0] == OURS:  # libzmq tries again if the end comes before it has noticed
        assert handler.request()[2] == b"mine"  # it is not the server's fault
        handler.answer()
        assert verdict(asker) == ("HANDSHAKE_SUCCEEDED", 0)


def test_both_sides_ask(
    libs: tuple[str, str], wildcard: str, world: Any, make_handler: Make
) -> None:
    if libs[0] == libs[1]:
        pytest.skip("they would share a context")
    handlers = [make_handler(library) for library in libs]
    server = world.socket(libs[0], "PULL", zap_domain=b"0", rcvtimeo=20000)
    server.bind(wildcard)
    client = world.socket(libs[1], "PUSH", zap_domain=b"1")
    client.connect(last(server))
    for number, handler in enumerate(handlers):
        assert handler.request()[2] == b"%d" % number
        handler.answer()
    client.send(b"hello")
    assert server.recv() == b"hello"


def test_the_properties_of_an_answer(couple: Couple, make_handler: Make) -> None:
    handler = make_handler(couple.server.library)
    couple.connect()
    handler.request()
    handler.answer(200, b"joe", properties(X_Hello=b"World"))
    couple.client.socket.send_multipart([b"a", b"b"])
    frames = couple.server.socket.recv_multipart(copy=False)
    for frame in frames:
        assert frame.get("User-Id") == "joe"
        assert frame.get("X-Hello") == "World"
    assert frames[0].get("Peer-Address")


def test_several_at_once(
    libs: tuple[str, str], wildcard: str, world: Any, make_handler: Make
) -> None:
    """Each is told its own answer, in whatever order they come."""
    handler = make_handler(libs[0], "ROUTER")
    server = world.socket(libs[0], "PULL", zap_domain=b"x", rcvtimeo=20000)
    server.bind(wildcard)
    clients = [world.socket(libs[1], "PUSH", immediate=1) for _ in range(10)]
    senders = []
    for client in clients:
        client.connect(last(server))
        handler.request()
        senders.append(handler.sender)
    for number, sender in reversed(list(enumerate(senders))):
        handler.sender = sender
        handler.answer(200, b"user %d" % number)
        clients[number].send(b"%d" % number)
        frame = server.recv(copy=False)
        assert frame.bytes == b"%d" % number
        assert frame.get("User-Id") == f"user {number}"


# --- refusals ---


@pytest.mark.parametrize("status", [400, 500])
def test_a_refusal(status: int, couple: Couple, make_handler: Make) -> None:
    handler = make_handler(couple.server.library)
    couple.connect()
    handler.request()
    handler.answer(status, b"joe")
    assert verdict(couple.server) == ("HANDSHAKE_FAILED_AUTH", status)
    assert verdict(couple.client) == ("HANDSHAKE_FAILED_AUTH", status)
    if couple.client.library == OURS:  # libzmq's may have missed it
        assert handler.is_quiet()  # the client does not come again
    with refuses(errno.EAGAIN):
        couple.server.socket.recv(1)


def test_a_refusal_for_now(couple: Couple, make_handler: Make) -> None:
    handler = make_handler(couple.server.library)
    make_impatient(couple.client, couple.server)
    couple.connect()
    refused = ("HANDSHAKE_FAILED_AUTH", 300)
    handler.answer_until(
        lambda: has_ended(couple.server, refused), lambda: handler.answer(300)
    )
    assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    couple.passes(handler)


GOOD = (b"1.0", b"1", b"200", b"", b"", b"")
BAD = [
    ("ZAP_MALFORMED_REPLY", GOOD[:5]),
    ("ZAP_MALFORMED_REPLY", (*GOOD, b"")),
    ("ZAP_MALFORMED_REPLY", (b"",)),
    ("ZAP_BAD_VERSION", (b"1.1", *GOOD[1:])),
    ("ZAP_BAD_VERSION", (b"", *GOOD[1:])),
    ("ZAP_BAD_REQUEST_ID", (b"1.0", b"2", *GOOD[2:])),
    ("ZAP_BAD_REQUEST_ID", (b"1.0", b"11", *GOOD[2:])),
    ("ZAP_INVALID_STATUS_CODE", (b"1.0", b"1", b"201", *GOOD[3:])),
    ("ZAP_INVALID_STATUS_CODE", (b"1.0", b"1", b"600", *GOOD[3:])),
    ("ZAP_INVALID_STATUS_CODE", (b"1.0", b"1", b"", *GOOD[3:])),
    ("ZAP_INVALID_METADATA", (*GOOD[:5], b"\1")),
    ("ZAP_INVALID_METADATA", (*GOOD[:5], properties(X=b"yes")[:-1])),
]


@pytest.mark.parametrize(("error", "frames"), BAD)
def test_nonsense(
    error: str,
    frames: tuple[bytes, ...],
    library: str,
    world: Any,
    make_handler: Make,
) -> None:
    handler = make_handler(library)
    couple = Couple(world, (library, library), "tcp://127.0.0.1:*")
    make_impatient(couple.client, couple.server)
    couple.connect()
    code = getattr(world.module(library), f"PROTOCOL_ERROR_{error}")
    refused = ("HANDSHAKE_FAILED_PROTOCOL", code)
    handler.answer_until(
        lambda: has_ended(couple.server, refused), lambda: handler.reply(*frames)
    )
    assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    couple.passes(handler)  # it comes again


def test_an_answer_that_does_not_begin_empty(
    library: str, world: Any, make_handler: Make
) -> None:
    handler = make_handler(library, "ROUTER")
    couple = Couple(world, (library, library), "tcp://127.0.0.1:*")
    couple.connect()
    handler.request()
    handler.sender[1] = b"x"
    handler.answer()
    code = world.module(library).PROTOCOL_ERROR_ZAP_UNSPECIFIED
    assert verdict(couple.server) == ("HANDSHAKE_FAILED_PROTOCOL", code)


def test_long_frames(world: Any, make_handler: Make) -> None:
    """Bodies that are references in the queue, and many of them."""
    handler = make_handler(OURS, "ROUTER")
    couple = Couple(world, (OURS, OURS), "tcp://127.0.0.1:*")
    couple.connect()
    handler.request()
    handler.reply(*[b"x" * 100000] * 20)
    assert verdict(couple.server)[0] == "HANDSHAKE_FAILED_PROTOCOL"
    handler.request()
    handler.answer(200, b"u" * 100000, properties(X_Long=b"v" * 100000))
    couple.client.socket.send(b"hello")
    frame = couple.server.socket.recv(copy=False)
    assert frame.get("User-Id") == "u" * 100000
    assert frame.get("X-Long") == "v" * 100000


# --- handlers that are not there ---


def test_no_handler(couple: Couple) -> None:
    couple.connect()
    couple.client.socket.send(b"hello")
    assert couple.server.socket.recv() == b"hello"
    assert verdict(couple.server) == ("HANDSHAKE_SUCCEEDED", 0)


def test_no_handler_where_there_must_be_one(
    libs: tuple[str, str], wildcard: str, world: Any, make_handler: Make
) -> None:
    """And then there is."""
    couple = Couple(world, libs, wildcard, zap_enforce_domain=1)
    make_impatient(couple.client, couple.server)
    couple.connect()
    refused = ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)
    until(lambda: has_ended(couple.server, refused))
    assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    couple.passes(make_handler(libs[0]))


def test_a_handler_that_never_answers(
    library: str, world: Any, make_handler: Make
) -> None:
    handler = make_handler(library)
    server = Watched(
        world, library, "PULL", zap_domain=b"x", handshake_ivl=100, rcvtimeo=20000
    )
    server.socket.bind("tcp://127.0.0.1:*")
    client = world.socket(library, "PUSH", reconnect_ivl=20)
    client.connect(last(server.socket))
    handler.request()
    name, _ = verdict(server)
    assert name == "HANDSHAKE_FAILED_NO_DETAIL"
    handler.answer()  # too late, and to nobody
    client.send(b"hello")
    handler.answer_until(lambda: server.socket.poll(10))
    assert server.socket.recv() == b"hello"


@pytest.mark.parametrize("has_read", [False, True], ids=["unread", "read"])
def test_a_handler_that_goes(
    has_read: bool, wildcard: str, world: Any, make_handler: Make
) -> None:
    """Of libzmq the connection would wait for the end of its time."""
    handler = make_handler(OURS)
    couple = Couple(world, (OURS, OURS), wildcard)
    couple.connect()
    if has_read:
        handler.request()
    else:
        until(lambda: handler.socket.poll(1000))
    handler.socket.close()
    assert verdict(couple.server) == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)
    couple.client.socket.send(b"hello")
    assert couple.server.socket.recv() == b"hello"  # by now there is none


def test_an_answer_that_comes_twice(
    libs: tuple[str, str], wildcard: str, world: Any, make_handler: Make
) -> None:
    handler = make_handler(libs[0], "ROUTER")
    couple = Couple(world, libs, wildcard)
    couple.connect()
    handler.request()
    handler.answer()
    handler.answer(400)
    couple.client.socket.send(b"hello")
    assert couple.server.socket.recv() == b"hello"
    assert verdict(couple.server) == ("HANDSHAKE_SUCCEEDED", 0)
    assert handler.is_quiet()


@pytest.mark.parametrize("kind", ["PULL", "DEALER", "PAIR", "PUB"])
def test_a_handler_of_a_wrong_type(kind: str, world: Any, make_handler: Make) -> None:
    """Libzmq ends the process."""
    make_handler(OURS, kind)
    couple = Couple(world, (OURS, OURS), "tcp://127.0.0.1:*")
    couple.connect()
    assert verdict(couple.server) == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)


def test_the_server_closes_meanwhile(
    wildcard: str, world: Any, make_handler: Make
) -> None:
    """A server of libzmq lasts until it has the answer."""
    handler = make_handler(OURS)
    couple = Couple(world, (OURS, OURS), wildcard)
    couple.connect()
    handler.request()
    couple.server.socket.close()
    assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    handler.answer()


def test_the_client_goes_meanwhile(
    libs: tuple[str, str], wildcard: str, world: Any, make_handler: Make
) -> None:
    handler = make_handler(libs[0])
    couple = Couple(world, libs, wildcard)
    with connected(last(couple.server.socket)) as peer:
        peer.send(GREETING + ready(b"PUSH"))
        handler.request()
    name, _ = verdict(couple.server)
    assert name == "HANDSHAKE_FAILED_NO_DETAIL"
    handler.answer()


def test_the_client_goes_and_has_read_all(
    library: str, world: Any, make_handler: Make
) -> None:
    """The value of the event is the errno; of an end of file it is EPIPE."""
    handler = make_handler(library)
    server = Watched(world, library, "PULL", zap_domain=b"x")
    server.socket.bind("tcp://127.0.0.1:*")
    with connected(last(server.socket)) as peer:
        peer.send(GREETING)
        peer.read(64)
        handler.request()
    assert verdict(server) == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EPIPE)
    handler.answer()


# --- peers ---


def test_ready_is_held_back(library: str, world: Any, make_handler: Make) -> None:
    handler = make_handler(library)
    server = world.socket(library, "PULL", zap_domain=b"x")
    server.bind("tcp://127.0.0.1:*")
    with connected(last(server)) as peer:
        peer.send(GREETING)
        peer.read(64)
        handler.request()
        peer.send(ready(b"PUSH"))
        handler.answer()
        assert peer.frame().body.startswith(b"\x05READY")
    with connected(last(server)) as peer:
        peer.send(GREETING)
        peer.read(64)
        handler.request()
        handler.answer(400)
        assert peer.frame().body == b"\x05ERROR\x03400"


def test_old_peers_are_refused(library: str, world: Any, make_handler: Make) -> None:
    handler = make_handler(library)
    server = world.socket(library, "PULL", zap_domain=b"x")
    server.bind("tcp://127.0.0.1:*")
    for hello in (b"\x01\x00", b"\xff" + bytes(8) + b"\x7f\x01\x08\x00\x00"):
        with connected(last(server)) as peer:
            peer.send(hello)
            peer.await_end()
    assert handler.is_quiet()


def test_a_peer_does_not_say_who_it_is(world: Any) -> None:
    """Libzmq believes it, where ZAP has not said it before."""
    server = world.socket(OURS, "PULL", rcvtimeo=20000)
    server.bind("tcp://127.0.0.1:*")
    with connected(last(server)) as peer:
        peer.shake(b"PUSH", user_iD=b"root", X_Color=b"blue")
        peer.send(b"\x00\x05hello")
        frame = server.recv(copy=False)
        assert frame.get("X-Color") == "blue"
        with refuses(errno.EINVAL):
            frame.get("User-Id")


# --- options ---


def test_the_options(library: str, world: Any) -> None:
    made = world.socket(library, "PULL")
    assert made.zap_domain == b""
    made.zap_domain = b"d" * 250
    assert made.zap_domain == b"d" * 250
    for bad in (b"", b"d" * 256):
        with refuses(errno.EINVAL):
            made.zap_domain = bad
    assert made.zap_domain == b"d" * 250
    for value, kept in ((5, 1), (-1, 1), (0, 0)):
        made.zap_enforce_domain = value
        if library == OURS:  # pyzmq's libzmq does not tell
            assert made.zap_enforce_domain == kept
