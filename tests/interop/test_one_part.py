# SPDX-License-Identifier: Apache-2.0
"""Types of one part between the libraries, whoever binds.

A libzmq with drafts is in no wheel. FASTMQ_TEST_DRAFT_ZMQ names a folder with a pyzmq
that has one; else the slow tests have pip build one from source.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from interop.conftest import OURS
from interop.hands import Hands, Refused, Remote, Socket
from patterns.conftest import until

# The last whose source brings libzmq's along.
PYZMQ = "pyzmq==25.1.2"
GIVEN = os.environ.get("FASTMQ_TEST_DRAFT_ZMQ", "")
SNDMORE = 2
EAGAIN, EINVAL, ENOTSUP, EADDRINUSE, EHOSTUNREACH = 11, 22, 95, 98, 113

WITH_DRAFTS = () if GIVEN else (pytest.mark.slow, pytest.mark.timeout(900))
LIBRARIES = [
    pytest.param((OURS, OURS), id="ours-ours"),
    pytest.param((OURS, "zmq"), id="ours-zmq", marks=WITH_DRAFTS),
    pytest.param(("zmq", OURS), id="zmq-ours", marks=WITH_DRAFTS),
    pytest.param(("zmq", "zmq"), id="zmq-zmq", marks=WITH_DRAFTS),
]


@pytest.fixture(scope="session")
def drafts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a pyzmq whose libzmq has drafts."""
    if GIVEN:
        return GIVEN
    folder = tmp_path_factory.mktemp("drafts")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install"]
    # What pip has built once may have been built without drafts.
    command += ["-q", "--no-cache-dir", "--no-deps", "--no-binary", "pyzmq"]
    command += ["--target", str(folder)]
    done = subprocess.run(
        [*command, PYZMQ],
        env={**os.environ, "ZMQ_PREFIX": "bundled", "ZMQ_DRAFT_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"pip cannot build {PYZMQ}: {done.stderr[-200:]}")
    return str(folder)


@pytest.fixture
def hands(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Any]]:
    """Return a function that gives the hands of a library."""
    found: dict[str, Any] = {}

    def of(library: str) -> Any:
        if library not in found:
            found[library] = (
                Hands(library)
                if library == OURS
                else Remote("zmq", request.getfixturevalue("drafts"))
            )
        return found[library]

    yield of
    for each in found.values():
        each.end()


Open = Callable[..., list[Socket]]


@pytest.fixture(params=LIBRARIES)
def libs(request: pytest.FixtureRequest) -> tuple[str, str]:
    return request.param


@pytest.fixture(params=[0, 1], ids=["first-binds", "second-binds"])
def pair(
    request: pytest.FixtureRequest,
    libs: tuple[str, str],
    hands: Callable[[str], Any],
    wildcard: str,
) -> Open:
    """Return a function that makes two sockets and connects them."""

    def make(*kinds: str, **options: dict[str, Any]) -> list[Socket]:
        ends = [
            Socket(hands(library), kind, **options.get(kind, {}))
            for library, kind in zip(libs, kinds, strict=True)
        ]
        bound, connected = ends[request.param], ends[1 - request.param]
        connected.do("connect", bound.do("bind", wildcard))
        return ends

    return make


def refuses(errno: int, call: Callable[..., Any], *arguments: Any) -> None:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    assert caught.value.errno == errno


def bodies() -> list[bytes]:
    return [b"", b"x", b"y" * 255, b"z" * 256, b"long" * 20_000]


def introduce(numbered: Socket, other: Socket, routing_id: int | None = None) -> int:
    """Have a message come, and return the number that it brings."""
    other.send(b"hello", routing_id)
    got = numbered.recv()
    assert got.body == b"hello"
    assert got.routing_id != 0
    return got.routing_id


def test_client_and_server(pair: Open) -> None:
    client, server = pair("CLIENT", "SERVER")
    number = introduce(server, client)
    for body in bodies():
        client.send(body)
        assert server.recv() == (body, number, "")
        server.send(body, number)
        assert client.recv().body == body
    refuses(EHOSTUNREACH, server.send, b"x", number ^ 0x5555)
    refuses(EHOSTUNREACH, server.send, b"x")
    refuses(EINVAL, server.send, b"x", number, None, SNDMORE)
    refuses(EINVAL, client.send, b"x", None, None, SNDMORE)


def test_many_requests(pair: Open) -> None:
    client, server = pair("CLIENT", "SERVER")
    for i in range(300):
        client.send(b"%d" % i)
    for i in range(300):
        got = server.recv()
        assert got.body == b"%d" % i
        server.send(got.body, got.routing_id)
    assert [client.recv().body for _ in range(300)] == [b"%d" % i for i in range(300)]


def test_hello_and_disconnect(
    libs: tuple[str, str], hands: Callable[[str], Any], wildcard: str
) -> None:
    server = Socket(hands(libs[0]), "SERVER", HELLO_MSG=b"hi", DISCONNECT_MSG=b"gone")
    client = Socket(hands(libs[1]), "CLIENT", HELLO_MSG=b"hello")
    client.do("connect", server.do("bind", wildcard))
    assert client.recv().body == b"hi"
    hello = server.recv()
    assert hello.body == b"hello"
    client.do("close")
    assert server.recv() == (b"gone", hello.routing_id, "")


@pytest.mark.parametrize(
    "library", [OURS, pytest.param("zmq", marks=WITH_DRAFTS)]
)  # libzmq 4.3.4 cannot let go of a client
def test_a_client_that_is_let_go_comes_back(
    library: str, hands: Callable[[str], Any], wildcard: str
) -> None:
    server = Socket(hands(OURS), "SERVER")
    client = Socket(hands(library), "CLIENT", RECONNECT_IVL=1)
    client.do("connect", server.do("bind", wildcard))
    number = introduce(server, client)
    server.do("disconnect_peer", number)
    refuses(EHOSTUNREACH, server.send, b"x", number)
    refuses(EHOSTUNREACH, server.do, "disconnect_peer", number)
    until(lambda: client.send(b"again") or server.do("poll", 5))
    got = server.recv()
    assert got.body == b"again"
    assert got.routing_id != number
    server.send(b"welcome", got.routing_id)
    assert client.recv().body == b"welcome"


def test_peers(
    libs: tuple[str, str], hands: Callable[[str], Any], wildcard: str
) -> None:
    bound, connected = (Socket(hands(library), "PEER") for library in libs)
    to_bound = connected.do("connect_peer", bound.do("bind", wildcard))
    assert to_bound != 0
    number = introduce(bound, connected, to_bound)
    for body in bodies():
        bound.send(body, number)
        assert connected.recv() == (body, to_bound, "")
        connected.send(body, to_bound)
        assert bound.recv() == (body, number, "")
    refuses(EHOSTUNREACH, bound.send, b"x", number ^ 0x5555)
    refuses(EINVAL, bound.send, b"x", number, None, SNDMORE)


def settle(radio: Socket, dish: Socket, group: str) -> None:
    """See that the RADIO knows what the DISH has joined."""
    while not dish.do("poll", 5):
        radio.send(b"settle", group=group)
    radio.send(b"settled", group=group)
    while dish.recv().body != b"settled":
        pass


def check_groups(radio: Socket, dish: Socket) -> None:
    long = "g" * 255
    for group in ("a", "abc", long, "last"):
        dish.do("join", group)
    settle(radio, dish, "last")
    for body in bodies():
        for group in ("a", "ab", "abc", "abcd", long, long[1:], ""):
            radio.send(body, group=group)
        assert [dish.recv() for _ in range(3)] == [
            (body, 0, group) for group in ("a", "abc", long)
        ]
    dish.do("leave", "a")
    dish.do("leave", long)
    dish.do("join", "")
    settle(radio, dish, "")
    for group in ("a", long, "abc"):
        radio.send(b"after", group=group)
    assert dish.recv() == (b"after", 0, "abc")


def test_radio_and_dish(pair: Open) -> None:
    radio, dish = pair("RADIO", "DISH")
    check_groups(radio, dish)
    refuses(EINVAL, dish.do, "join", "abc")
    refuses(EINVAL, dish.do, "leave", "a")
    refuses(ENOTSUP, radio.do, "join", "a")
    refuses(ENOTSUP, dish.send, b"x")
    refuses(EINVAL, radio.send, b"x", None, "abc", SNDMORE)


def test_groups_joined_before(
    libs: tuple[str, str], hands: Callable[[str], Any], wildcard: str
) -> None:
    radio = Socket(hands(libs[0]), "RADIO")
    dish = Socket(hands(libs[1]), "DISH")
    dish.do("join", "early")
    dish.do("connect", radio.do("bind", wildcard))
    settle(radio, dish, "early")


def test_groups_are_joined_again(
    libs: tuple[str, str], hands: Callable[[str], Any], held: Callable[[str], str]
) -> None:
    radio = Socket(hands(libs[0]), "RADIO")
    dish = Socket(hands(libs[1]), "DISH", RECONNECT_IVL=1)
    dish.do("join", "g")
    endpoint = radio.do("bind", held("tcp"))
    dish.do("connect", endpoint)
    settle(radio, dish, "g")
    radio.do("close")
    radio = Socket(hands(libs[0]), "RADIO")
    until(lambda: binds(radio, endpoint))
    settle(radio, dish, "g")


def binds(socket: Socket, endpoint: str) -> bool:
    """Bind to where another may not have ended yet."""
    try:
        socket.do("bind", endpoint)
    except Refused as refused:
        if refused.errno != EADDRINUSE:
            raise
        return False
    return True


def test_a_full_dish_holds_its_radio(pair: Open) -> None:
    small = {"SNDHWM": 1, "RCVHWM": 1, "XPUB_NODROP": 1}
    radio, dish = pair("RADIO", "DISH", RADIO=small, DISH={"RCVHWM": 1})
    dish.do("join", "g")
    settle(radio, dish, "g")
    body = bytes(1_000_000)
    n = 0
    with pytest.raises(Refused) as caught:
        while n < 1000:
            radio.send(body, group="g", flags=1)
            n += 1
    assert caught.value.errno == EAGAIN
    radio.send(b"to nobody", group="other", flags=1)
    for _ in range(n):
        assert dish.recv() == (body, 0, "g")


def test_sealed_groups(
    libs: tuple[str, str], hands: Callable[[str], Any], wildcard: str
) -> None:
    import zmq

    public, secret = zmq.curve_keypair()
    own_public, own_secret = zmq.curve_keypair()
    server = {"CURVE_SERVER": 1, "CURVE_SECRETKEY": secret}
    client = {
        "CURVE_SERVERKEY": public,
        "CURVE_PUBLICKEY": own_public,
        "CURVE_SECRETKEY": own_secret,
    }
    radio = Socket(hands(libs[0]), "RADIO", **server)
    dish = Socket(hands(libs[1]), "DISH", **client)
    dish.do("connect", radio.do("bind", wildcard))
    check_groups(radio, dish)


def test_scatter_and_gather(pair: Open) -> None:
    scatter, gather = pair("SCATTER", "GATHER")
    for body in bodies():
        scatter.send(body)
        assert gather.recv() == (body, 0, "")
    refuses(EINVAL, scatter.send, b"x", None, None, SNDMORE)
    refuses(ENOTSUP, gather.send, b"x")


def test_channels(pair: Open) -> None:
    one, other = pair("CHANNEL", "CHANNEL")
    for body in bodies():
        one.send(body)
        assert other.recv() == (body, 0, "")
        other.send(body)
        assert one.recv() == (body, 0, "")
    refuses(EINVAL, one.send, b"x", None, None, SNDMORE)
