# SPDX-License-Identifier: Apache-2.0
"""CONFLATE: of what nobody has read only the last message is kept."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from importlib import import_module
from typing import Any

import psutil
import pytest
from patterns.conftest import OURS, refuses, until

N = 5000
TRANSPORTS = ["tcp", "ipc", "inproc"]


def last(made: Any) -> str:
    return made.getsockopt_string(32)


def drain(pull: Any, final: bytes) -> int:
    """Receive until the last message, in order; return how many there were."""
    n = 1
    before = -1
    while (message := pull.recv()) != final:
        assert int(message) > before
        before = int(message)
        n += 1
    return n


def make(world: Any, library: str, kind: str, conflate: int = 1) -> Any:
    made = world.socket(library, kind)
    made.conflate = conflate
    if kind == "SUB":
        made.setsockopt(6, b"")
    return made


@pytest.mark.parametrize("kinds", [("PUSH", "PULL"), ("DEALER", "DEALER")])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_last_one_arrives(
    kinds: tuple[str, str],
    transport: str,
    fresh: Callable[[str], str],
    world: Any,
) -> None:
    """With libzmq it may not."""
    receiver = make(world, OURS, kinds[1])
    receiver.bind(fresh(transport))
    sender = make(world, OURS, kinds[0])
    sender.sndhwm = receiver.rcvhwm = 1
    sender.connect(last(receiver))
    for i in range(N):
        sender.send(b"%d" % i, 1)  # there is always room
    n = drain(receiver, b"%d" % (N - 1))
    assert n < N / 2
    assert not receiver.poll(0)


def test_between_the_libraries(
    libs: tuple[str, str], wildcard: str, world: Any
) -> None:
    receiver = make(world, libs[0], "PULL")
    receiver.bind(wildcard)
    sender = make(world, libs[1], "PUSH")
    sender.connect(last(receiver))
    for i in range(N):
        sender.send(b"%d" % i)
    n = 0
    i = N - 1
    newest = b"0"
    while int(newest) < N - 1:  # libzmq may keep the last to itself
        while not receiver.poll(20):
            i += 1
            sender.send(b"%d" % i)
        newest = receiver.recv()
        n += 1
    assert n < N / 2


def test_what_was_sent_before_there_is_a_peer(
    fresh: Callable[[str], str], world: Any
) -> None:
    """With libzmq nothing may arrive."""
    for transport in ["ipc", "inproc"]:
        endpoint = fresh(transport)
        sender = make(world, OURS, "PUSH")
        sender.connect(endpoint)
        for i in range(100):
            sender.send(b"%d" % i)
        receiver = make(world, OURS, "PULL", conflate=0)
        receiver.bind(endpoint)
        assert receiver.recv() == b"99"
        sender.send(b"100")
        assert receiver.recv() == b"100"


def test_newer_ones_replace_what_was_seen_by_poll(
    library: str, fresh: Callable[[str], str], world: Any
) -> None:
    receiver = make(world, library, "PULL")
    receiver.bind(fresh("inproc"))
    sender = make(world, library, "PUSH")
    sender.connect(last(receiver))
    for i in range(10):
        sender.send(b"old %d" % i)
        assert receiver.poll(1000)
        sender.send(b"new %d" % i)
        assert receiver.recv() == b"new %d" % i
    assert not receiver.poll(0)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_subscribers(transport: str, fresh: Callable[[str], str], world: Any) -> None:
    """With libzmq the last may not arrive."""
    publisher = make(world, OURS, "PUB")
    publisher.bind(fresh(transport))
    subscriber = make(world, OURS, "SUB")
    subscriber.connect(last(publisher))
    until(lambda: publisher.send(b"0") or subscriber.poll(10))
    for i in range(1, N):
        publisher.send(b"%d" % i)
    assert drain(subscriber, b"%d" % (N - 1)) < N / 2


def test_subscriptions_are_not_conflated(world: Any) -> None:
    """Those of libzmq are: all but the last may be lost."""
    publisher = world.socket(OURS, "XPUB")
    publisher.bind("tcp://127.0.0.1:*")
    subscriber = world.socket(OURS, "SUB")
    subscriber.conflate = 1
    subscriber.connect(last(publisher))
    topics = {b"%d" % i for i in range(1000)}
    for topic in topics:
        subscriber.setsockopt(6, topic)
    assert {publisher.recv()[1:] for _ in topics} == topics


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_multipart_messages_stay_whole(
    transport: str, fresh: Callable[[str], str], world: Any
) -> None:
    """Libzmq keeps the last frame."""
    receiver = make(world, OURS, "PULL")
    receiver.bind(fresh(transport))
    sender = make(world, OURS, "PUSH")
    sender.connect(last(receiver))
    body = bytes(10_000)
    for i in range(1000):
        sender.send_multipart([b"%d" % i, body, b"%d" % i])
    while True:
        first, middle, third = receiver.recv_multipart()
        assert first == third
        assert middle == body
        if first == b"999":
            break


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_message_that_is_being_read_stays(
    transport: str, fresh: Callable[[str], str], world: Any
) -> None:
    receiver = make(world, OURS, "PULL")
    receiver.bind(fresh(transport))
    sender = make(world, OURS, "PUSH")
    sender.connect(last(receiver))
    sender.send_multipart([b"a", b"b", b"c"])
    assert receiver.recv() == b"a"
    for i in range(3000):
        sender.send(b"%d" % i)
    assert receiver.recv() == b"b"
    assert receiver.recv() == b"c"
    assert drain(receiver, b"2999") < 3000


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_threads(transport: str, fresh: Callable[[str], str], world: Any) -> None:
    receiver = make(world, OURS, "PULL")
    receiver.bind(fresh(transport))
    sender = make(world, OURS, "PUSH")
    sender.connect(last(receiver))

    def send_all() -> None:
        for i in range(20_000):
            sender.send(b"%d" % i)

    thread = threading.Thread(target=send_all)
    thread.start()
    drain(receiver, b"19999")
    thread.join()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_messages_of_any_size(
    transport: str, fresh: Callable[[str], str], world: Any
) -> None:
    receiver = make(world, OURS, "DEALER")
    receiver.bind(fresh(transport))
    sender = make(world, OURS, "DEALER")
    sender.connect(last(receiver))
    sizes = [0, 10, 4096, 4097, 70_000, 1_000_000]

    def send_all() -> None:
        for i in range(2000):
            size = sizes[i % len(sizes)]
            sender.send_multipart([b"%d" % i, bytes([i % 256]) * size], copy=i % 3 > 0)

    thread = threading.Thread(target=send_all)
    thread.start()
    before = -1
    while before < 1999:
        number, body = receiver.recv_multipart()
        i = int(number)
        assert i > before
        assert body == bytes([i % 256]) * sizes[i % len(sizes)]
        before = i
    thread.join()


@pytest.mark.skipif(
    "FASTMQ_SANITIZER" in os.environ, reason="a sanitizer keeps what was freed"
)
def test_a_peer_that_does_not_read_costs_no_memory(world: Any) -> None:
    sender = make(world, OURS, "PUB")
    sender.copy_threshold = 0
    sender.bind("tcp://127.0.0.1:*")
    port = int(last(sender).rsplit(":", 1)[1])
    with closing(socket.create_connection(("127.0.0.1", port))) as peer:
        peer.sendall(
            b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01NULL" + bytes(48)  # the greeting
            + b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03SUB"
            + b"\x04\x0a\x09SUBSCRIBE"
        )  # fmt: skip
        peer.recv(64, socket.MSG_WAITALL)
        body = bytes(20_000)
        until(lambda: sender.send(body) or select_readable(peer))
        before = psutil.Process().memory_info().rss
        for _ in range(40):
            lent = [sender.send(body, copy=False, track=True) for _ in range(2)]
            for _ in range(500):
                sender.send(body)
            until(lambda lent=lent: one_is_done(lent))  # the I/O thread keeps up
        assert psutil.Process().memory_info().rss - before < 50_000_000


def one_is_done(lent: list[Any]) -> bool:
    with suppress(import_module(OURS).NotDone):
        lent[0].wait(0.01)
    return any(tracker.done for tracker in lent)


def select_readable(peer: socket.socket) -> bool:
    peer.settimeout(0.01)
    try:
        return len(peer.recv(1000, socket.MSG_PEEK)) > 100
    except TimeoutError:
        return False


def test_values(library: str, world: Any) -> None:
    made = world.socket(library, "PUSH")
    assert made.conflate == 0
    for value in [2, -1]:
        with refuses(errno.EINVAL):
            made.conflate = value
    made.conflate = 1
    assert made.conflate == 1
