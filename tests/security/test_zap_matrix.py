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
from patterns.conftest import OURS, last, until
from patterns.watched import Watched
from security.conftest import Handler, has_ended, make_impatient, verdict

Make = Callable[..., Handler]

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


def binds(socket: Any, endpoint: str) -> bool:
    """Whether the endpoint is free, and the socket's now."""
    try:
        socket.bind(endpoint)
    except Exception as error:
        # libzmq's monitor tells of the failure first, and changes errno.
        if getattr(error, "errno", None) not in (errno.EADDRINUSE, errno.EAGAIN):
            raise
        return False
    return True


class Couple:
    """A server that asks ZAP and a client, both watched, not yet connected."""

    def __init__(
        self, world: Any, libs: tuple[str, str], endpoint: str, mechanism: str
    ) -> None:
        self.world = world
        self.library = libs[0]
        self.mechanism = mechanism
        self.client = Watched(world, libs[1], "PUSH", reconnect_ivl=20)
        client = self.client.socket
        if mechanism == "PLAIN":
            client.plain_username, client.plain_password = b"joe", b"secret"
            self.credentials = [b"joe", b"secret"]
        else:
            keys = world.module("zmq")
            public, self.secret = keys.curve_keypair()
            mine, my_secret = keys.curve_keypair()
            client.curve_serverkey = public
            client.curve_publickey, client.curve_secretkey = mine, my_secret
            self.credentials = [import_module("zmq.utils.z85").decode(mine)]
        self.serve(endpoint)

    def serve(self, endpoint: str) -> None:
        """Have a server at this endpoint."""
        self.server = Watched(self.world, self.library, "PULL", zap_domain=b"test")
        if self.mechanism == "PLAIN":
            self.server.socket.plain_server = 1
        else:
            self.server.socket.curve_server = 1
            self.server.socket.curve_secretkey = self.secret
        until(lambda: binds(self.server.socket, endpoint))

    def connect(self) -> None:
        self.client.socket.connect(last(self.server.socket))

    def passes(self, handler: Handler | None = None, user_id: bytes = b"") -> Any:
        """Send a message, let in who brings it, and return it as it came."""
        self.client.socket.send(b"hello")
        if handler is not None:
            handler.answer_until(
                lambda: self.server.socket.poll(10),
                lambda: handler.answer(200, user_id),
            )
        frame = self.server.socket.recv(copy=False)
        assert frame.bytes == b"hello"
        return frame


@pytest.fixture
def couple(
    world: Any, libs: tuple[str, str], held_endpoint: str, mechanism: str
) -> Couple:
    return Couple(world, libs, held_endpoint, mechanism)


@pytest.fixture
def handler(couple: Couple, make_handler: Make) -> Handler:
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


def test_who_is_to_come_again(couple: Couple, make_handler: Make) -> None:
    handler = make_handler(couple.server.library, "ROUTER")
    make_impatient(couple.client, couple.server)
    couple.connect()
    refused = ("HANDSHAKE_FAILED_AUTH", 300)
    handler.answer_until(
        lambda: has_ended(couple.server, refused), lambda: handler.answer(300)
    )
    assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    assert couple.passes(handler, b"joe").get("User-Id") == "joe"


@pytest.mark.parametrize("status", [200, 400])
def test_who_was_there_before_is_asked_about_again(
    status: int, couple: Couple, handler: Handler
) -> None:
    """An established connection is lost; the next one depends on the next answer."""
    handler.request()
    handler.answer(200, b"joe")
    assert couple.passes().get("User-Id") == "joe"
    assert verdict(couple.client) == GOOD
    endpoint = last(couple.server.socket)
    couple.server.socket.close(0)
    couple.serve(endpoint)
    request = handler.request()
    assert request[5:] == [couple.mechanism.encode(), *couple.credentials]
    assert handler.is_quiet()
    handler.answer(status, b"jim")
    if status == 200:
        assert couple.passes().get("User-Id") == "jim"
    else:
        assert verdict(couple.server) == ("HANDSHAKE_FAILED_AUTH", status)


def test_nonsense(couple: Couple, make_handler: Make) -> None:
    handler = make_handler(couple.server.library, "ROUTER")
    make_impatient(couple.client, couple.server)
    couple.connect()
    refused = ("HANDSHAKE_FAILED_PROTOCOL", MALFORMED_REPLY)
    handler.answer_until(
        lambda: has_ended(couple.server, refused),
        lambda: handler.reply(b"1.0", b"1", b"200"),
    )
    assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"


def test_nobody_to_ask(couple: Couple) -> None:
    if couple.mechanism == "CURVE":
        couple.connect()
        assert verdict(couple.server) == GOOD
        couple.passes()
        return
    make_impatient(couple.client, couple.server)
    couple.connect()
    refused = ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)
    until(lambda: has_ended(couple.server, refused))
    assert verdict(couple.client)[0] == "HANDSHAKE_FAILED_NO_DETAIL"


def test_nobody_to_ask_where_it_is_enforced(
    couple: Couple, make_handler: Make, fresh: Any
) -> None:
    couple.server.socket.zap_enforce_domain = 1
    couple.server.socket.bind(fresh("tcp"))
    make_impatient(couple.client, couple.server)
    couple.connect()
    refused = ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)
    until(lambda: has_ended(couple.server, refused))
    couple.passes(make_handler(couple.server.library, "ROUTER"))
