# SPDX-License-Identifier: Apache-2.0
"""PLAIN: clients of both libraries, and raw peers that say what they should not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from patterns.conftest import OURS, last
from patterns.rawpeer import RawPeer, accept, command, connected, listening
from patterns.watched import Watched
from security.conftest import verdict

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01PLAIN" + bytes(47)
UNEXPECTED, MALFORMED, BAD_METADATA = 0x10000001, 0x10000011, 0x10000018
MALFORMED_HELLO, MALFORMED_ERROR = 0x10000013, 0x10000015
MALFORMED_WELCOME = 0x10000017
PROPERTY = b"\x0bSocket-Type\x00\x00\x00\x04"


def bare(body: bytes) -> bytes:
    """Return a command frame with any body."""
    return bytes([4, len(body)]) + body


@contextmanager
def handler(world: Any, passwords: dict[bytes, bytes]) -> Iterator[None]:
    """Answer the ZAP requests of libzmq."""
    socket = world.socket("zmq", "REP")
    socket.rcvtimeo = 20
    socket.bind("inproc://zeromq.zap.01")
    done = threading.Event()

    def run() -> None:
        import zmq

        while not done.is_set():
            try:
                request = socket.recv_multipart()
            except zmq.Again:
                continue
            user, password = request[6:8]
            status = b"200" if passwords.get(user) == password else b"400"
            socket.send_multipart([b"1.0", request[1], status, b"", user, b""])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_client_of_libzmq(library: str, wildcard: str, world: Any) -> None:
    with handler(world, {b"admin": b"secret"}):
        server = world.socket("zmq", "PULL", plain_server=1)
        server.bind(wildcard)
        client = world.socket(
            library, "PUSH", plain_username=b"admin", plain_password=b"secret"
        )
        client.connect(last(server))
        client.send_multipart([b"one", b"two" * 10000])
        frames = server.recv_multipart(copy=False)
        assert frames[1].bytes == b"two" * 10000
        assert frames[0]["User-Id"] == "admin"


def test_a_client_that_is_refused(library: str, world: Any) -> None:
    with handler(world, {b"admin": b"secret"}):
        server = world.socket("zmq", "PULL", plain_server=1)
        server.bind("tcp://127.0.0.1:*")
        client = Watched(
            world, library, "PUSH", plain_username=b"admin", plain_password=b"x"
        )
        client.socket.connect(last(server))
        while (event := client.next())[0] != "HANDSHAKE_FAILED_AUTH":
            pass
        assert event[1] == 400
        assert client.names(1) == ["DISCONNECTED"]
        assert client.is_quiet()  # it does not try again


@pytest.mark.parametrize("kind", ["ERROR", "^RROR"])
def test_errors_of_both_kinds(kind: str, world: Any) -> None:
    with raw_server(world, OURS) as (client, peer):
        peer.command()
        peer.send(
            command(b"ERROR", b"\x03400") if kind == "ERROR" else bare(b"^RROR\x03400")
        )
        assert failures(client) == [("HANDSHAKE_FAILED_AUTH", 400)]


@contextmanager
def raw_server(world: Any, library: str) -> Iterator[tuple[Watched, RawPeer]]:
    """A client of the library, and the raw server that it talks to."""
    client = Watched(
        world, library, "PUSH", plain_username=b"admin", plain_password=b"secret"
    )
    with listening() as (listener, endpoint):
        client.socket.connect(endpoint)
        peer = accept(listener)
        with closing(peer.socket):
            peer.send(GREETING)
            peer.read(64)
            yield client, peer


def test_what_a_client_says(library: str, world: Any) -> None:
    with raw_server(world, library) as (client, peer):
        assert peer.command() == b"\x05HELLO\x05admin\x06secret"
        peer.send(command(b"WELCOME"))
        said = peer.command()
        assert said.startswith(b"\x08INITIATE" + PROPERTY + b"PUSH")
        peer.send(command(b"READY", PROPERTY + b"PULL"))
        client.socket.send(b"in the clear")
        assert peer.frame() == (0, b"in the clear")


# What a server says, and the code of the event; 0: there is none.
TO_CLIENTS = {
    "ready at once": ([command(b"READY", PROPERTY + b"PULL")], UNEXPECTED),
    "two welcomes": ([command(b"WELCOME")] * 2, UNEXPECTED),
    "a long welcome": ([command(b"WELCOME", b"x")], MALFORMED_WELCOME),
    "hello": ([command(b"HELLO", b"\x01a\x01b")], UNEXPECTED),
    # Of libzmq's own kind: plain.c says why.
    "an error without a reason": ([bare(b"^RROR")], MALFORMED_ERROR),
    "an error that is cut": ([bare(b"^RROR\x03no")], MALFORMED_ERROR),
    "bad properties": (
        [command(b"WELCOME"), command(b"READY", b"\x0bSocket-Type\x00\x00")],
        BAD_METADATA,
    ),
}


def failures(watched: Watched) -> list[tuple[str, int]]:
    """Return the events of a handshake that failed, up to the end."""
    found = []
    while (event := watched.next())[0] != "DISCONNECTED":
        if event[0].startswith("HANDSHAKE"):
            found.append(event[:2])
    return found


@pytest.mark.parametrize("case", TO_CLIENTS)
def test_what_a_client_does_not_take(case: str, library: str, world: Any) -> None:
    said, code = TO_CLIENTS[case]
    with raw_server(world, library) as (client, peer):
        for data in said:
            peer.command()
            peer.send(data)
        if library == "zmq" and code == BAD_METADATA:
            # It tells of it, which changes errno, and then may forget to go.
            assert verdict(client) == ("HANDSHAKE_FAILED_PROTOCOL", code)
            return
        assert failures(client) == [("HANDSHAKE_FAILED_PROTOCOL", code)]
        peer.await_end()


# What a client says at first, and the code of the event.
TO_SERVERS = {
    "no names": (command(b"HELLO"), MALFORMED_HELLO),
    "no password": (command(b"HELLO", b"\x01a"), MALFORMED_HELLO),
    "a password that is cut": (command(b"HELLO", b"\x01a\x02b"), MALFORMED_HELLO),
    "more behind it": (command(b"HELLO", b"\x01a\x01bc"), MALFORMED_HELLO),
    "initiate": (command(b"INITIATE", PROPERTY + b"PUSH"), UNEXPECTED),
    "ready": (command(b"READY", PROPERTY + b"PUSH"), UNEXPECTED),
    "no command": (bare(b"\x20HELLO"), MALFORMED),
    "nothing": (bare(b""), MALFORMED),
}


@pytest.mark.parametrize("case", TO_SERVERS)
def test_what_a_server_does_not_take(
    case: str, library: str, wildcard: str, world: Any
) -> None:
    said, code = TO_SERVERS[case]
    server = Watched(world, library, "PULL", plain_server=1)
    server.socket.bind(wildcard)
    with connected(last(server.socket)) as peer:
        peer.send(GREETING)
        peer.read(64)
        peer.send(said)
        assert failures(server) == [("HANDSHAKE_FAILED_PROTOCOL", code)]
        assert peer.await_end() == b""


@pytest.mark.parametrize("options", [{}, {"plain_server": 1}])
def test_a_server_and_who_does_not_speak_it(
    options: dict[str, int], library: str, world: Any, fresh: Callable[[str], str]
) -> None:
    """Mechanisms that differ end it; two servers wait for each other's HELLO."""
    ivl = 200 if options else 30000
    server = Watched(world, library, "PULL", plain_server=1, handshake_ivl=ivl)
    server.socket.bind(fresh("tcp"))
    client = world.socket(OURS, "PUSH", **options)
    client.connect(last(server.socket))
    name, value = failures(server)[0]
    if options:
        assert name == "HANDSHAKE_FAILED_NO_DETAIL"
    else:
        assert (name, value) == ("HANDSHAKE_FAILED_PROTOCOL", 0x11000002)
