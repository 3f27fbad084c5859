# SPDX-License-Identifier: Apache-2.0
"""Every pair of types that may talk, over every transport, whoever binds.

Thousands of messages of one part and of several, both ways where there are two; over
tcp and ipc between the libraries in every order, over inproc within ours.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from interop.conftest import OURS, PAIRS, World, name_pair

N = 3000
N_ROUNDS = 300
SUBSCRIBE, CONNECT_ROUTING_ID = 6, 61


def content(i: int) -> list[bytes]:
    """Return the parts of message `i`: one, several, empty ones, now and then large."""
    head = b"%d" % i
    if i % 3 == 0:
        return [head]
    if i % 100 == 1:
        return [head, bytes(70_000), b"end"]
    return [head, bytes(i % 300), b"", b"x" * (i % 7)]


@contextmanager
def beside(run: Callable[[], None]) -> Iterator[None]:
    """Run something in a thread, and see that it ended well."""
    ended = []
    thread = threading.Thread(target=lambda: ended.append(run()))
    thread.start()
    yield
    thread.join()
    assert ended == [None], "the other end has failed"


def stream(sender: Any, receiver: Any, *address: bytes) -> None:
    """Send in a thread and receive here; a ROUTER gets the sender's name first."""
    is_router = receiver.getsockopt(16) == 6  # TYPE

    def send() -> None:
        for i in range(N):
            sender.send_multipart([*address, *content(i)], copy=i % 2 == 0)

    with beside(send):
        for i in range(N):
            got = receiver.recv_multipart()
            assert got[is_router:] == content(i)


def both_ways(one: Any, other: Any) -> None:
    stream(one, other)
    stream(other, one)


def ask(asker: Any, answerer: Any) -> None:
    """Ask and answer, with the envelopes that these two types need."""
    before = [b""] if asker.getsockopt(16) == 5 else []  # a DEALER's own
    n_envelope = 2 if answerer.getsockopt(16) == 6 else 0

    def answer() -> None:
        for i in range(N_ROUNDS):
            got = answerer.recv_multipart()
            assert got[n_envelope:] == content(i)
            answerer.send_multipart([*got, b"answered"])

    with beside(answer):
        for i in range(N_ROUNDS):
            asker.send_multipart([*before, *content(i)])
            assert asker.recv_multipart() == [*before, *content(i), b"answered"]


def address(dealer: Any, router: Any) -> None:
    stream(dealer, router)
    dealer.send(b"who am I")
    name, _ = router.recv_multipart()
    stream(router, dealer, name)


def address_each_other(one: Any, other: Any) -> None:
    stream(one, other, b"other")
    stream(other, one, b"one")


def publish(publisher: Any, subscriber: Any) -> None:
    """No message that was sent after the subscription is missed."""
    if subscriber.getsockopt(16) == 2:
        subscriber.setsockopt(SUBSCRIBE, b"")
    else:
        subscriber.send(b"\x01")
    while not subscriber.poll(5):
        publisher.send(b"settle")
    publisher.send(b"begin")
    while subscriber.recv() != b"begin":
        pass
    stream(publisher, subscriber)


TALKS = {
    ("PUSH", "PULL"): stream,
    ("PAIR", "PAIR"): both_ways,
    ("DEALER", "DEALER"): both_ways,
    ("REQ", "REP"): ask,
    ("REQ", "ROUTER"): ask,
    ("DEALER", "REP"): ask,
    ("DEALER", "ROUTER"): address,
    ("ROUTER", "ROUTER"): address_each_other,
    ("PUB", "SUB"): publish,
    ("PUB", "XSUB"): publish,
    ("XPUB", "SUB"): publish,
    ("XPUB", "XSUB"): publish,
}


def prepare(kinds: tuple[str, str], one: Any, other: Any) -> None:
    if kinds[0].endswith("PUB") or "ROUTER" in kinds:  # they drop what has no room
        for end in [one, other]:
            end.sndhwm = end.rcvhwm = 0
    if kinds == ("ROUTER", "ROUTER"):
        one.routing_id, other.routing_id = b"one", b"other"


def talk(
    world: World,
    libs: tuple[str, str],
    kinds: tuple[str, str],
    binder: int,
    endpoint: str,
) -> None:
    ends = [world.socket(libs[i], kinds[i]) for i in range(2)]
    prepare(kinds, *ends)
    bound, connected = ends[binder], ends[1 - binder]
    bound.bind(endpoint)
    if kinds == ("ROUTER", "ROUTER"):
        connected.setsockopt(CONNECT_ROUTING_ID, bound.routing_id)
    connected.connect(bound.getsockopt_string(32))
    if kinds == ("ROUTER", "ROUTER"):
        # Who binds learns of the other by its first message.
        connected.send_multipart([bound.routing_id, b"hello"])
        assert bound.recv_multipart() == [connected.routing_id, b"hello"]
    TALKS[kinds](*ends)


BINDERS = pytest.mark.parametrize("binder", [0, 1], ids=["first-binds", "second-binds"])
KINDS = pytest.mark.parametrize("kinds", TALKS, ids="-".join)


@KINDS
@BINDERS
@pytest.mark.parametrize("libs", PAIRS, ids=name_pair)
def test_between_the_libraries(
    libs: tuple[str, str],
    kinds: tuple[str, str],
    binder: int,
    wildcard: str,
    world: World,
) -> None:
    talk(world, libs, kinds, binder, wildcard)


@KINDS
@BINDERS
def test_inproc(
    kinds: tuple[str, str], binder: int, fresh: Callable[[str], str], world: World
) -> None:
    talk(world, (OURS, OURS), kinds, binder, fresh("inproc"))
