# SPDX-License-Identifier: Apache-2.0
"""Lists of who may connect, on the socket itself: libzmq has nothing like it."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from patterns.conftest import OURS, last, refuses
from patterns.rawpeer import GREETING, connected, ready
from patterns.watched import Watched
from security.conftest import Handler, verdict

pytestmark = pytest.mark.skipif(OURS == "zmq", reason="an extension")
needs_curve = pytest.mark.skipif(
    not import_module(OURS).has("curve"), reason="built without CURVE"
)
PORT = "tcp://127.0.0.1:*"


@pytest.fixture
def server(world: Any) -> Watched:
    return Watched(world, OURS, "PULL", rcvtimeo=20000)


@pytest.fixture
def client(world: Any, server: Watched) -> Callable[..., Watched]:
    """Return a function that makes a client and has it connect."""

    def make(library: str = OURS, **options: Any) -> Watched:
        made = Watched(world, library, "PUSH", reconnect_ivl=20, **options)
        made.socket.connect(last(server.socket))
        return made

    return make


def login(user: bytes, password: bytes) -> dict[str, bytes]:
    return {"plain_username": user, "plain_password": password}


@pytest.mark.parametrize("library", [OURS, "zmq"])
def test_passwords(
    library: str, wildcard: str, server: Watched, client: Callable[..., Watched]
) -> None:
    server.socket.plain_server = 1
    server.socket.allow(passwords={"joe": "secret", "ann": "s" * 255, "": ""})
    server.socket.bind(wildcard)
    for user, password in ((b"joe", b"secret"), (b"ann", b"s" * 255)):
        good = client(library, **login(user, password))
        assert verdict(good) == ("HANDSHAKE_SUCCEEDED", 0)
        good.socket.send(user)
        frame = server.socket.recv(copy=False)
        assert frame.bytes == user
        assert frame.get("User-Id") == user.decode()
        assert verdict(server) == ("HANDSHAKE_SUCCEEDED", 0)
    for user, password in (
        (b"joe", b"Secret"),
        (b"joe", b"secre"),
        (b"joe", b"secrets"),
        (b"ann", b"secret"),
        (b"ann", b"s" * 254),
        (b"jim", b"secret"),
        (b"joe\0", b"secret"),
    ):
        bad = client(library, **login(user, password))
        assert verdict(bad) == ("HANDSHAKE_FAILED_AUTH", 400)
        assert verdict(server) == ("HANDSHAKE_FAILED_AUTH", 400)


@needs_curve
@pytest.mark.parametrize("library", [OURS, "zmq"])
def test_keys(
    library: str, wildcard: str, server: Watched, client: Callable[..., Watched]
) -> None:
    zmq = import_module(OURS)
    (public, secret), mine, other = (zmq.curve_keypair() for _ in range(3))
    server.socket.curve_secretkey = secret
    server.socket.curve_server = 1
    server.socket.allow(keys=[zmq.curve_keypair()[0], mine[0].decode()])
    server.socket.bind(wildcard)

    def call(keys: tuple[bytes, bytes]) -> Watched:
        return client(
            library,
            curve_publickey=keys[0],
            curve_secretkey=keys[1],
            curve_serverkey=public,
        )

    good = call(mine)
    assert verdict(good) == ("HANDSHAKE_SUCCEEDED", 0)
    good.socket.send(b"hello")
    frame = server.socket.recv(copy=False)
    assert frame.bytes == b"hello"
    assert frame.get("User-Id") == mine[0].decode()
    assert verdict(server) == ("HANDSHAKE_SUCCEEDED", 0)
    assert verdict(call(other)) == ("HANDSHAKE_FAILED_AUTH", 400)
    assert verdict(server) == ("HANDSHAKE_FAILED_AUTH", 400)
    server.socket.allow(keys=import_module(f"{OURS}.utils.z85").decode(other[0]))
    assert verdict(call(other)) == ("HANDSHAKE_SUCCEEDED", 0)


def test_lists_count_at_once(server: Watched, client: Callable[..., Watched]) -> None:
    server.socket.plain_server = 1
    server.socket.bind(PORT)
    server.socket.allow(passwords={})
    assert verdict(client(**login(b"a", b"1"))) == ("HANDSHAKE_FAILED_AUTH", 400)
    server.socket.allow(passwords={"a": "1"})
    assert verdict(client(**login(b"a", b"1"))) == ("HANDSHAKE_SUCCEEDED", 0)
    server.socket.allow(passwords={"b": "2"})
    assert verdict(client(**login(b"a", b"1"))) == ("HANDSHAKE_SUCCEEDED", 0)
    assert verdict(client(**login(b"b", b"2"))) == ("HANDSHAKE_SUCCEEDED", 0)
    server.socket.allow_password = None
    # No list, and no handler: nobody passes with PLAIN.
    assert verdict(client(**login(b"a", b"1")))[0] == "HANDSHAKE_FAILED_NO_DETAIL"


def test_no_handler_is_asked(
    server: Watched, client: Callable[..., Watched], make_handler: Any
) -> None:
    handler: Handler = make_handler(OURS)
    server.socket.plain_server = 1
    server.socket.zap_domain = b"test"
    server.socket.zap_enforce_domain = 1
    server.socket.allow(passwords={"a": "1"})
    server.socket.bind(PORT)
    assert verdict(client(**login(b"a", b"1"))) == ("HANDSHAKE_SUCCEEDED", 0)
    assert verdict(client(**login(b"a", b"2"))) == ("HANDSHAKE_FAILED_AUTH", 400)
    assert handler.is_quiet()


@pytest.mark.parametrize("what", ["keys", "passwords"])
def test_without_credentials_nobody_passes(
    what: str, server: Watched, client: Callable[..., Watched]
) -> None:
    """Whoever forgets to say which mechanism has not opened the door."""
    if what == "keys":
        server.socket.allow(keys=secrets.token_bytes(32))
    else:
        server.socket.allow(passwords={"a": "1"})
    server.socket.bind(PORT)
    assert verdict(client()) == ("HANDSHAKE_FAILED_AUTH", 400)
    for hello in (b"\x01\x00", b"\xff" + bytes(8) + b"\x7f\x01\x08\x00\x00"):
        with connected(last(server.socket)) as peer:
            peer.send(hello)
            peer.await_end()


def test_a_list_of_the_other_mechanism(
    server: Watched, client: Callable[..., Watched]
) -> None:
    server.socket.plain_server = 1
    server.socket.allow(keys=[])
    server.socket.bind(PORT)
    assert verdict(client(**login(b"a", b"1"))) == ("HANDSHAKE_FAILED_AUTH", 400)


def test_who_is_called_is_on_no_list(world: Any) -> None:
    """A NULL socket that connects, and the list that it has."""
    server = world.socket(OURS, "PULL", rcvtimeo=20000)
    server.bind(PORT)
    client = world.socket(OURS, "PUSH")
    client.allow(keys=[])
    client.connect(last(server))
    client.send(b"hello")
    assert server.recv() == b"hello"


def test_addresses(server: Watched, client: Callable[..., Watched]) -> None:
    server.socket.allow(addresses=["10.0.0.0/8", "::1"])
    server.socket.bind(PORT)
    assert server.names(1) == ["LISTENING"]
    made = client()
    assert verdict(made)[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    assert server.next()[:2] == ("ACCEPT_FAILED", errno.EACCES)
    server.socket.allow(addresses="127.0.0.0/30")
    made.socket.send(b"hello")
    assert server.socket.recv() == b"hello"


def test_addresses_are_not_asked_of_ipc(
    fresh: Callable[[str], str], server: Watched, client: Callable[..., Watched]
) -> None:
    server.socket.allow(addresses=[])
    server.socket.bind(fresh("ipc"))
    assert verdict(client()) == ("HANDSHAKE_SUCCEEDED", 0)


def test_raw_sockets_have_no_credentials(world: Any) -> None:
    server = world.socket(OURS, "STREAM")
    server.allow(passwords={"a": "1"})
    server.bind(PORT)
    with connected(last(server)) as peer:
        assert peer.await_end() == b""


def test_ready_is_not_taken_before(server: Watched) -> None:
    server.socket.allow(passwords={})
    server.socket.bind(PORT)
    with connected(last(server.socket)) as peer:
        peer.send(GREETING + ready(b"PUSH") + b"\x00\x05hello")
        peer.read(64)
        assert b"READY" not in peer.await_end()
    with refuses(errno.EAGAIN):
        server.socket.recv(1)


def test_what_is_no_entry(server: Watched) -> None:
    for bad in (b"k" * 31, b"k" * 33, b"k" * 39 + b"\x7f", "k" * 42):
        with refuses(errno.EINVAL):
            server.socket.allow(keys=bad)
    for bad in ("localhost", "1.2.3.4/33", "1.2.3.4:80", "fe80::/129", "x" * 500):
        with refuses(errno.EINVAL):
            server.socket.allow(addresses=bad)
    for passwords in ({"u" * 256: "x"}, {"u": "x" * 256}):
        with refuses(errno.EINVAL):
            server.socket.allow(passwords=passwords)
    with refuses(errno.EINVAL):
        server.socket.allow_password = b"no border"
    with pytest.raises(ValueError, match="NUL"):
        server.socket.allow(passwords={"a\0b": "c"})
    for empty in ("", b"", [b""]):
        with pytest.raises(ValueError, match="empty"):
            server.socket.allow(keys=empty)
    for name in ("allow_key", "allow_password", "allow_address"):
        with pytest.raises(AttributeError, match="write-only"):
            getattr(server.socket, name)


def test_errors_do_not_tell_secrets(server: Watched) -> None:
    secret = "hunter2" * 40
    for attempt in (
        lambda: server.socket.allow(passwords={"joe": secret}),
        lambda: setattr(server.socket, "plain_password", secret.encode()),
        lambda: setattr(server.socket, "plain_password", bytearray(b"hunter2")),
        lambda: setattr(server.socket, "socks_password", secret.encode()),
        lambda: setattr(server.socket, "curve_secretkey", secret.encode()),
    ):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            attempt()
        assert "hunter2" not in repr(caught.value)
        assert "hunter2" not in str(caught.value)


def test_many(server: Watched, client: Callable[..., Watched]) -> None:
    server.socket.plain_server = 1
    server.socket.allow(passwords={f"user {n}": f"{n}" for n in range(1000)})
    server.socket.bind(PORT)
    assert verdict(client(**login(b"user 999", b"999"))) == ("HANDSHAKE_SUCCEEDED", 0)
    assert verdict(client(**login(b"user 999", b"998")))[1] == 400
