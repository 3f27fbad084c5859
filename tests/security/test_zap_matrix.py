# SPDX-License-Identifier: Apache-2.0
"""Each mechanism with credentials, and all that a ZAP handler can say to it.

What happens with NULL is in test_zap.py, in more detail.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from patterns.conftest import OURS, last
from patterns.watched import Watched
from security.conftest import Handler, verdict

GOOD = ("HANDSHAKE_SUCCEEDED", 0)
MALFORMED_REPLY = 0x20000001

needs_curve = pytest.mark.skipif(
    not import_module(OURS).has("curve"), reason="built without CURVE"
)


@pytest.fixture(
    params=["PLAIN", pytest.param("CURVE", marks=needs_curve)], ids=str.lower
)
def mechanism(request: pytest.FixtureRequest) -> str:
    return request.param


class Couple:
    """A server that asks ZAP and a client, both watched, not yet connected."""

    def __init__(
        self, world: Any, libs: tuple[str, str], wildcard: str, mechanism: str
    ) -> None:
        self.mechanism = mechanism
        self.server = Watched(world, libs[0], "PULL", zap_domain=b"test")
        self.client = Watched(
            world, libs[1], "PUSH", reconnect_ivl=20, handshake_ivl=1000
        )
        server, client = self.server.socket, self.client.socket
        if mechanism == "PLAIN":
            server.plain_server = 1
            client.plain_username, client.plain_password = b"joe", b"secret"
            self.credentials = [b"joe", b"secret"]
        else:
            keys = world.module("zmq")
            public, secret = keys.curve_keypair()
            mine, my_secret = keys.curve_keypair()
            server.curve_server = 1
            server.curve_secretkey = secret
            client.curve_serverkey = public
            client.curve_publickey, client.curve_secretkey = mine, my_secret
            self.credentials = [import_module("zmq.utils.z85").decode(mine)]
        self.server.socket.bind(wildcard)

    def connect(self) -> None:
        self.client.socket.connect(last(self.server.socket))

    def passes(self) -> Any:
        """Send a message and return it as it came."""
        self.client.socket.send(b"hello")
        frame = self.server.socket.recv(copy=False)
        assert frame.bytes == b"hello"
        return frame


@pytest.fixture
def couple(world: Any, libs: tuple[str, str], wildcard: str, mechanism: str) -> Couple:
    return Couple(world, libs, wildcard, mechanism)


@pytest.fixture
def handler(couple: Couple, make_handler: Callable[..., Handler]) -> Handler:
    handler = make_handler(couple.server.library, "ROUTER")
    couple.connect()
    return handler


def test_who_is_right_passes(couple: Couple, handler: Handler) -> None:
    request = handler.request()
    assert request[2] == b"test"
    assert request[5:] == [couple.mechanism.encode(), *couple.credentials]
    assert handler.is_quiet()  # it takes its time
    handler.answer(200, b"joe")
    assert verdict(couple.server) == GOOD
    assert verdict(couple.client) == GOOD
    assert couple.passes().get("User-Id") == "joe"


@pytest.mark.parametrize("status", [400, 500])
def test_who_is_wrong_does_not(status: int, couple: Couple, handler: Handler) -> None:
    handler.request()
    assert handler.is_quiet()
    handler.answer(status)
    assert verdict(couple.server) == ("HANDSHAKE_FAILED_AUTH", status)
    assert verdict(couple.client) == ("HANDSHAKE_FAILED_AUTH", status)
    assert handler.is_quiet()  # and does not come again


def test_who_is_to_come_again(couple: Couple, handler: Handler) -> None:
    handler.request()
    handler.answer(300)
    assert verdict(couple.server) == ("HANDSHAKE_FAILED_AUTH", 300)
    assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    handler.request()
    handler.answer(200, b"joe")
    assert couple.passes().get("User-Id") == "joe"


def test_nonsense(couple: Couple, handler: Handler) -> None:
    handler.request()
    handler.reply(b"1.0", b"1", b"200")
    assert verdict(couple.server) == ("HANDSHAKE_FAILED_PROTOCOL", MALFORMED_REPLY)
    assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"


def test_nobody_to_ask(couple: Couple) -> None:
    couple.connect()
    if couple.mechanism == "CURVE":
        assert verdict(couple.server) == GOOD
        couple.passes()
    else:
        assert verdict(couple.server) == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)
        assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"


def test_nobody_to_ask_where_it_is_enforced(
    couple: Couple, make_handler: Callable[..., Handler], fresh: Any
) -> None:
    couple.server.socket.zap_enforce_domain = 1
    couple.server.socket.bind(fresh("tcp"))
    couple.connect()
    assert verdict(couple.server) == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)
    handler = make_handler(couple.server.library, "ROUTER")
    handler.request()
    handler.answer()
    couple.passes()
