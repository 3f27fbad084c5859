# SPDX-License-Identifier: Apache-2.0
"""SOCKS_PROXY, SOCKS_USERNAME and SOCKS_PASSWORD: connecting through a proxy."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from patterns.conftest import OURS, refuses, until
from patterns.socks5 import Proxy, Request
from patterns.watched import Watched

PORT = "tcp://127.0.0.1:*"
SOCKS_PROXY, SOCKS_USERNAME, SOCKS_PASSWORD, CONNECT_TIMEOUT = 68, 99, 100, 79
# Nobody may look this up: only the proxy knows where it leads.
NOWHERE = "tcp://nowhere.invalid:5555"


def last(made: Any) -> str:
    return made.getsockopt_string(32)


def place(made: Any) -> tuple[str, int]:
    return "127.0.0.1", int(last(made).rpartition(":")[2])


@pytest.fixture
def proxies() -> Iterator[Callable[..., Proxy]]:
    made: list[Proxy] = []

    def make(**how: Any) -> Proxy:
        made.append(Proxy(**how))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


def through(world: Any, library: str, kind: str, proxy: Proxy, **options: int) -> Any:
    made = world.socket(library, kind, **options)
    made.setsockopt(SOCKS_PROXY, b"127.0.0.1:%d" % proxy.port)
    return made


def test_to_a_name(libs: tuple[str, str], world: Any, proxies: Any) -> None:
    rep = world.socket(libs[0], "REP")
    rep.bind(PORT)
    proxy = proxies(to=place(rep))
    req = through(world, libs[1], "REQ", proxy)
    req.connect(NOWHERE)
    assert last(req) == NOWHERE
    for i in range(10):
        req.send_multipart([b"ask", b"%d" % i])
        assert rep.recv_multipart() == [b"ask", b"%d" % i]
        rep.send(b"x" * 10**i if i < 7 else b"")
        assert len(req.recv()) == (10**i if i < 7 else 0)
    assert proxy.requests == [Request("nowhere.invalid", 5555)]


def test_to_numbers(library: str, world: Any, proxies: Any) -> None:
    pull = world.socket(library, "PULL")
    pull.bind(PORT)
    proxy = proxies(to=place(pull))
    push = through(world, library, "PUSH", proxy, ipv6=1)
    for endpoint in ("tcp://192.0.2.1:7", "tcp://[2001:db8::1]:8"):
        push.connect(endpoint)
    until(lambda: len(proxy.requests) >= 2 or pull.poll(10))
    for i in range(4):
        push.send(b"%d" % i)
    assert sorted(pull.recv() for _ in range(4)) == [b"0", b"1", b"2", b"3"]
    assert set(proxy.requests) == {Request("192.0.2.1", 7), Request("2001:db8::1", 8)}


def test_only_tcp_goes_that_way(world: Any, folder: Any, proxies: Any) -> None:
    pull = world.socket(OURS, "PULL")
    push = through(world, OURS, "PUSH", proxies())
    for endpoint in (f"ipc://{folder}/direct", "inproc://direct"):
        pull.bind(endpoint)
        push.connect(endpoint)
        push.send(b"direct")
        assert pull.recv() == b"direct"
        push.disconnect(endpoint)
        pull.unbind(endpoint)


def test_login(world: Any, proxies: Any) -> None:
    pull = world.socket(OURS, "PULL")
    pull.bind(PORT)
    proxy = proxies(to=place(pull), password=b"secret")
    push = through(world, OURS, "PUSH", proxy)
    push.setsockopt(SOCKS_USERNAME, b"me")
    push.setsockopt(SOCKS_PASSWORD, b"secret")
    push.connect(NOWHERE)
    push.send(b"let in")
    assert pull.recv() == b"let in"
    assert proxy.requests == [Request("nowhere.invalid", 5555, (b"me", b"secret"))]


def test_from_an_address_of_ours(library: str, world: Any, proxies: Any) -> None:
    pull = world.socket(library, "PULL")
    pull.bind(PORT)
    proxy = proxies(to=place(pull))
    push = world.socket(library, "PUSH")
    source = b"127.0.0.2:0;127.0.0.1:%d" % proxy.port
    push.setsockopt(SOCKS_PROXY, source)
    assert push.getsockopt(SOCKS_PROXY) == source
    push.connect(NOWHERE)
    push.send(b"x")
    assert pull.recv() == b"x"
    assert proxy.callers == ["127.0.0.2"]


@pytest.mark.parametrize("how", [{"reply": 5}, {"reply": 1}, {"password": b"other"}])
def test_a_refusal_is_tried_again(
    library: str, world: Any, proxies: Any, how: dict[str, Any]
) -> None:
    pull = world.socket(library, "PULL")
    pull.bind(PORT)
    proxy = proxies(to=place(pull), **how)
    client = Watched(world, library, "PUSH", reconnect_ivl=10)
    client.socket.setsockopt(SOCKS_PROXY, b"127.0.0.1:%d" % proxy.port)
    client.socket.connect(NOWHERE)
    names = [client.next() for _ in range(6)]
    assert {name for name, _, _ in names} <= {
        "CONNECT_DELAYED",
        "CLOSED",
        "CONNECT_RETRIED",
    }
    if library == OURS:
        assert {text for _, _, text in names} == {f"tcp://127.0.0.1:{proxy.port}"}
    proxy.reply = 0
    proxy.password = None
    client.socket.send(b"at last")
    assert pull.recv() == b"at last"


def test_a_proxy_that_comes_back(library: str, world: Any, proxies: Any) -> None:
    pull = world.socket(library, "PULL")
    pull.bind(PORT)
    first = proxies(to=place(pull))
    push = through(world, library, "PUSH", first, reconnect_ivl=10)
    push.connect(NOWHERE)
    push.send(b"one")
    assert pull.recv() == b"one"
    first.cut()
    until(lambda: len(first.requests) >= 2)
    push.send(b"two")
    assert pull.recv() == b"two"


def test_a_silent_proxy(world: Any) -> None:
    """Libzmq waits for it for ever; ours as long as for a peer."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        for option in ("connect_timeout", "handshake_ivl"):
            client = Watched(world, OURS, "PUSH", reconnect_ivl=10, **{option: 30})
            port = listener.getsockname()[1]
            client.socket.setsockopt(SOCKS_PROXY, b"127.0.0.1:%d" % port)
            client.socket.connect(NOWHERE)
            names = client.names(6)
            assert names.count("CLOSED") == names.count("CONNECT_RETRIED") == 2
            client.socket.close()


def test_a_proxy_that_talks_nonsense(world: Any) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        client = Watched(world, OURS, "PUSH", reconnect_ivl=10)
        port = listener.getsockname()[1]
        client.socket.setsockopt(SOCKS_PROXY, b"127.0.0.1:%d" % port)
        client.socket.connect(NOWHERE)
        for said in (b"\x04\x00", b"\x05\x02", b"\x05\x00\x05\x00\x00\x09\x01", b""):
            peer, _ = listener.accept()
            with closing(peer):
                peer.sendall(said)
                peer.shutdown(socket.SHUT_WR)
                until(lambda peer=peer: peer.recv(100) == b"")


def test_refused_and_told_not_to_try_again(world: Any, proxies: Any) -> None:
    """RECONNECT_STOP: what the proxy says of the other end counts."""
    client = Watched(world, OURS, "PUSH", reconnect_ivl=10)
    client.socket.setsockopt(109, 1)
    proxy = proxies(reply=5)
    client.socket.setsockopt(SOCKS_PROXY, b"127.0.0.1:%d" % proxy.port)
    client.socket.connect(NOWHERE)
    assert client.names(2) == ["CONNECT_DELAYED", "CLOSED"]
    assert client.is_quiet()
    assert len(proxy.requests) == 1


def test_values(library: str, world: Any) -> None:
    push = world.socket(library, "PUSH")
    assert push.getsockopt(SOCKS_PROXY) == b""
    push.setsockopt(SOCKS_PROXY, b"127.0.0.1:1080")
    assert push.getsockopt(SOCKS_PROXY) == b"127.0.0.1:1080"
    with refuses(errno.EINVAL):
        push.setsockopt(SOCKS_PROXY, b"")
    if library != OURS:
        return
    for bad in (b"nonsense", b"host:", b"host:99999", b":1080", b"a;b", b"h:1\0"):
        with refuses(errno.EINVAL):
            push.setsockopt(SOCKS_PROXY, bad)
    assert push.getsockopt(SOCKS_PROXY) == b"127.0.0.1:1080"
    push.setsockopt(SOCKS_PROXY, None)
    assert push.getsockopt(SOCKS_PROXY) == b""
    for option in (SOCKS_USERNAME, SOCKS_PASSWORD):
        push.setsockopt(option, b"x" * 255)
        assert push.getsockopt(option) == b"x" * 255
        with refuses(errno.EINVAL):
            push.setsockopt(option, b"x" * 256)
        push.setsockopt(option, b"")
        assert push.getsockopt(option) == b""


def test_a_name_too_long(world: Any, proxies: Any) -> None:
    """It is the proxy that is asked for it, and it cannot be."""
    push = through(world, OURS, "PUSH", proxies())
    with refuses(errno.ENAMETOOLONG):
        push.connect("tcp://" + "a" * 256 + ":1")
