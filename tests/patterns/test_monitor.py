# SPDX-License-Identifier: Apache-2.0
"""Monitors: what they tell, in which order, and what becomes of it unread."""

from __future__ import annotations

import errno
import socket
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from patterns.conftest import OURS, refuses, until
from patterns.rawpeer import connected, listening
from patterns.watched import Watched, utilities

PORT = "tcp://127.0.0.1:*"


def last(made: Any) -> str:
    return made.getsockopt_string(32)


def test_a_connection(library: str, wildcard: str, world: Any) -> None:
    server = Watched(world, library, "PULL")
    client = Watched(world, library, "PUSH")
    server.socket.bind(wildcard)
    endpoint = last(server.socket)
    name, descriptor, text = server.next()
    assert (name, text) == ("LISTENING", endpoint)
    assert descriptor > 0
    client.socket.connect(endpoint)
    name, descriptor, text = server.next()
    assert (name, text) == ("ACCEPTED", endpoint)
    assert server.next() == ("HANDSHAKE_SUCCEEDED", 0, endpoint)
    name, value, text = client.next()
    if name == "CONNECT_DELAYED":
        assert (value, text) == (errno.EINPROGRESS, endpoint)
        name, value, text = client.next()
    assert (name, text) == ("CONNECTED", endpoint)
    assert value > 0
    assert client.next() == ("HANDSHAKE_SUCCEEDED", 0, endpoint)
    client.socket.close(linger=0)
    assert client.next() == ("MONITOR_STOPPED", 0, "")
    assert server.next() == ("DISCONNECTED", descriptor, endpoint)
    server.socket.close()
    assert server.names(2) == ["CLOSED", "MONITOR_STOPPED"]
    assert server.is_quiet()


@pytest.mark.parametrize("leaver", ["who dialled", "who was dialled"])
def test_a_monitor_that_comes_later(
    leaver: str, library: str, wildcard: str, world: Any
) -> None:
    server = Watched(world, library, "PULL")
    client = Watched(world, library, "PUSH")
    server.socket.disable_monitor()
    client.socket.disable_monitor()
    server.socket.bind(wildcard)
    endpoint = last(server.socket)
    client.socket.connect(endpoint)
    client.socket.send(b"through")
    assert server.socket.recv() == b"through"
    left, stays = (client, server) if leaver == "who dialled" else (server, client)
    stays.watch()
    left.socket.close(linger=0)
    name, descriptor, text = stays.next()
    assert (name, text) == ("DISCONNECTED", endpoint)
    assert descriptor > 0


def test_nobody_is_there(library: str, world: Any) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        client = Watched(world, library, "PUSH", reconnect_ivl=20)
        client.socket.connect(endpoint)
        for _ in range(3):
            assert client.next() == ("CONNECT_DELAYED", errno.EINPROGRESS, endpoint)
            name, descriptor, text = client.next()
            assert (name, text) == ("CLOSED", endpoint)
            assert descriptor > 0
            name, delay, text = client.next()
            assert (name, text) == ("CONNECT_RETRIED", endpoint)
            assert 20 <= delay < 40


def test_a_peer_that_comes_back(library: str, world: Any) -> None:
    client = Watched(world, library, "PUSH", reconnect_ivl=10)
    with listening() as (listener, endpoint):
        client.socket.connect(endpoint)
        connection, _ = listener.accept()
        assert "CONNECTED" in client.names(2)
        connection.close()
        name, error, _ = client.next()
        assert name == "HANDSHAKE_FAILED_NO_DETAIL"
        assert error in {errno.ECONNRESET, errno.EPIPE}
        assert client.names(4) == [
            "DISCONNECTED",
            "CONNECT_RETRIED",
            "CONNECT_DELAYED",
            "CONNECTED",
        ]


def test_an_address_in_use(library: str, world: Any) -> None:
    with listening() as (_, endpoint):
        server = Watched(world, library, "PULL")
        with refuses(errno.EADDRINUSE):
            server.socket.bind(endpoint)
        names = []
        while "BIND_FAILED" not in names:  # libzmq tells of a descriptor before
            name, value, text = server.next()
            names.append(name)
        assert value == errno.EADDRINUSE
        assert text in endpoint


def test_garbage(wildcard: str, world: Any) -> None:
    """Libzmq may wait for the rest of a very old greeting."""
    server = Watched(world, OURS, "PULL")
    server.socket.bind(wildcard)
    assert server.names(1) == ["LISTENING"]
    with connected(last(server.socket)) as peer:
        peer.send(b"GET / HTTP/1.0\r\n\r\n" * 5)
        assert server.names(3) == [
            "ACCEPTED",
            "HANDSHAKE_FAILED_NO_DETAIL",
            "DISCONNECTED",
        ]


def test_another_mechanism(library: str, wildcard: str, world: Any) -> None:
    server = Watched(world, library, "PULL")
    server.socket.bind(wildcard)
    with connected(last(server.socket)) as peer:
        peer.send(b"\xff" + bytes(8) + b"\x7f\x03\x00PLAIN" + bytes(47))
        assert server.names(2) == ["LISTENING", "ACCEPTED"]
        name, code, _ = server.next()
        assert name == "HANDSHAKE_FAILED_PROTOCOL"
        assert code == 0x11000002
        assert server.names(1) == ["DISCONNECTED"]


def test_types_that_do_not_fit(libs: tuple[str, str], world: Any) -> None:
    server = Watched(world, libs[0], "PULL")
    server.socket.bind(PORT)
    client = Watched(world, libs[1], "DEALER")
    client.socket.connect(last(server.socket))
    for end, before in [(server, "ACCEPTED"), (client, "CONNECTED")]:
        names = end.names(3)
        if names[-1] == "HANDSHAKE_FAILED_NO_DETAIL":  # the other saw it first
            names[-1:] = end.names(1)
        assert names[1:] == [before, "DISCONNECTED"]


def test_a_handshake_that_takes_too_long(
    library: str, wildcard: str, world: Any
) -> None:
    server = Watched(world, library, "PULL", handshake_ivl=30)
    server.socket.bind(wildcard)
    with connected(last(server.socket)):
        assert server.names(2) == ["LISTENING", "ACCEPTED"]
        assert server.next()[0] == "HANDSHAKE_FAILED_NO_DETAIL"
        assert server.names(1) == ["DISCONNECTED"]


def test_unbind(library: str, wildcard: str, world: Any) -> None:
    server = Watched(world, library, "PULL")
    server.socket.bind(wildcard)
    endpoint = last(server.socket)
    _, descriptor, _ = server.next()
    server.socket.unbind(endpoint)
    assert server.next() == ("CLOSED", descriptor, endpoint)


def test_only_the_events_that_were_asked_for(library: str, world: Any) -> None:
    zmq = world.module(library)
    server = world.socket(library, "PULL")
    monitor = server.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
    world.sockets.append(monitor)
    assert server.get_monitor_socket() is monitor
    monitor.rcvtimeo = 20000
    server.bind(PORT)
    client = world.socket(library, "PUSH")
    client.connect(last(server))
    receive = utilities(library).recv_monitor_message
    assert receive(monitor)["event"] == zmq.EVENT_ACCEPTED
    client.close(linger=0)
    assert receive(monitor)["event"] == zmq.EVENT_DISCONNECTED
    server.disable_monitor()
    assert not monitor.poll(50)


def test_it_can_begin_again(library: str, world: Any) -> None:
    zmq = world.module(library)
    server = world.socket(library, "PULL")
    for turn in range(3):
        address = f"inproc://again-{turn}"
        monitor = server.get_monitor_socket(addr=address)
        world.sockets.append(monitor)
        monitor.rcvtimeo = 20000
        server.bind("tcp://127.0.0.1:*")
        receive = utilities(library).recv_monitor_message
        assert receive(monitor)["event"] == zmq.EVENT_LISTENING
        server.disable_monitor()
        assert receive(monitor)["event"] == zmq.EVENT_MONITOR_STOPPED


@pytest.mark.parametrize("order", ["bind first", "connect first"])
def test_what_happened_before_somebody_listens(order: str, world: Any) -> None:
    """Libzmq would wait for a receiver, in bind."""
    server = world.socket(OURS, "PULL")
    monitor = world.socket(OURS, "PAIR")
    if order == "connect first":
        monitor.connect("inproc://later")
    server.monitor("inproc://later")
    for _ in range(100):
        server.bind(PORT)
    if order == "bind first":
        monitor.connect("inproc://later")
    receive = utilities(OURS).recv_monitor_message
    for _ in range(100):
        assert receive(monitor)["event"].name == "LISTENING"
    assert not monitor.poll(0)


def test_nobody_ever_listens(world: Any) -> None:
    """Nothing waits for a monitor that is not read; libzmq would."""
    server = world.socket(OURS, "PULL", rcvhwm=10)
    server.monitor("inproc://nobody")
    reader = world.socket(OURS, "PULL")
    other = world.socket(OURS, "PULL")
    other.monitor("inproc://somebody-who-does-not-read")
    pair = world.socket(OURS, "PAIR", rcvhwm=1)
    pair.connect("inproc://somebody-who-does-not-read")
    for made in [server, other]:
        made.bind(PORT)
        for _ in range(300):
            with connected(last(made)) as peer:
                peer.shake(b"PUSH")
        push = world.socket(OURS, "PUSH")
        push.connect(last(made))
        push.send(b"x")
        assert made.recv() == b"x"
    reader.close()
    for _ in range(900):
        assert pair.recv_multipart()


def test_the_end_of_the_context(library: str, world: Any) -> None:
    zmq = world.module(library)
    context = zmq.Context()
    server = context.socket(zmq.PULL)
    monitor = server.get_monitor_socket()
    server.bind(PORT)
    thread = threading.Thread(target=context.term)
    thread.start()
    with pytest.raises(zmq.ContextTerminated):
        while True:
            monitor.recv_multipart()
    server.close()
    monitor.close()
    thread.join()


def test_bad_arguments(library: str, world: Any) -> None:
    server = world.socket(library, "PULL")
    with refuses(errno.EPROTONOSUPPORT):
        server.monitor("tcp://127.0.0.1:*")
    with refuses(errno.EINVAL):
        server.monitor("nonsense")
    taken = world.socket(library, "PAIR")
    taken.bind("inproc://taken")
    with refuses(errno.EADDRINUSE):
        server.monitor("inproc://taken")
    parse = utilities(library).parse_monitor_message
    for bad in [[b"123456"], [b"12345", b""], [b"1234567", b"x"], []]:
        with pytest.raises((RuntimeError, IndexError)):
            parse(bad)
    assert parse([b"\x08\x00\x2a\x00\x00\x00", b"x"]) == {
        "event": 8,
        "value": 42,
        "endpoint": b"x",
    }


def test_threads_open_and_close_while_it_tells(world: Any, tmp_path: Path) -> None:
    server = Watched(world, OURS, "PULL")

    def churn(i: int) -> None:
        for turn in range(30):
            endpoint = f"ipc://{tmp_path}/{i}-{turn}"
            server.socket.bind(endpoint)
            with connected(endpoint) as peer:
                peer.shake(b"PUSH")
            server.socket.unbind(endpoint)

    threads = [threading.Thread(target=churn, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    counts: dict[str, int] = {}
    for _ in range(90 * 6):
        name, _, _ = server.next()
        counts[name] = counts.get(name, 0) + 1
        if counts.get("CLOSED", 0) == 90:
            break
    for thread in threads:
        thread.join()
    assert counts["LISTENING"] == counts["CLOSED"] == counts["ACCEPTED"] == 90
    until(lambda: server.is_quiet() or server.next())
