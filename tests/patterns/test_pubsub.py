# SPDX-License-Identifier: Apache-2.0
"""PUB, SUB, XPUB and XSUB: who gets what, and who hears of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from patterns.conftest import refuses, until

ONLY_FIRST_SUBSCRIBE = 108
TOPICS_COUNT = 116
VERBOSE_UNSUBSCRIBE = 115
LAST_VALUE = 98
N = 3000


def last(socket: Any) -> str:
    return socket.getsockopt_string(32)


def take(socket: Any, ms: int = 20000) -> Any:
    assert socket.poll(ms)
    message = socket.recv_multipart()
    return message[0] if len(message) == 1 else message


def nothing(socket: Any, ms: int = 50) -> bool:
    return socket.poll(ms) == 0


def settle(publisher: Any, *subscribers: Any, topic: bytes = b"") -> None:
    """Publish until everybody hears the newest: so nothing is left that was before."""
    numbers = itertools.count()

    def all_hear() -> bool:
        newest = topic + b"?%d" % next(numbers)
        publisher.send(newest)
        heard = [hears(subscriber, newest) for subscriber in subscribers]
        return all(heard)

    until(all_hear)


def hears(subscriber: Any, newest: bytes) -> bool:
    """Receive what there is; return whether this was the last of it."""
    while subscriber.poll(5):
        if subscriber.recv_multipart() == [newest]:
            return True
    return False


@pytest.fixture
def pair(libs: tuple[str, str], wildcard: str, world: Any) -> Callable[..., Any]:
    """Return a function that makes a bound and a connected socket of these kinds."""

    def make(bound_kind: str, kind: str, **options: int) -> tuple[Any, Any]:
        bound = world.socket(libs[0], bound_kind, **options)
        bound.bind(wildcard)
        other = world.socket(libs[1], kind)
        other.connect(last(bound))
        return bound, other

    return make


def test_topics_are_prefixes(pair: Callable[..., Any]) -> None:
    pub, sub = pair("PUB", "SUB")
    sub.subscribe(b"a")
    sub.subscribe(b"b/long/er")
    sub.setsockopt_string(6, "ü")
    settle(pub, sub, topic="ü".encode())  # the others were heard before
    for message in (b"b", b"a", b"b/long", b"apple", b"b/long/er!", b"", b"\xc3\xbc1"):
        pub.send(message)
    assert [take(sub) for _ in range(4)] == [
        b"a",
        b"apple",
        b"b/long/er!",
        b"\xc3\xbc1",
    ]
    assert nothing(sub)
    sub.unsubscribe(b"a")
    sub.subscribe(b"z")
    settle(pub, sub, topic=b"z")
    pub.send(b"apple")
    pub.send(b"zebra")
    assert take(sub) == b"zebra"


def test_the_subscriber_binds(pair: Callable[..., Any]) -> None:
    sub, pub = pair("SUB", "PUB")
    sub.subscribe(b"")
    settle(pub, sub)
    for i in range(N):
        pub.send_multipart([b"topic", str(i).encode(), b"x" * (i % 300)])
        assert sub.recv_multipart() == [b"topic", str(i).encode(), b"x" * (i % 300)]


def test_thousands(pair: Callable[..., Any]) -> None:
    pub, sub = pair("PUB", "SUB", sndhwm=0)
    sub.rcvhwm = 0
    sub.subscribe(b"x")
    settle(pub, sub, topic=b"x")
    for i in range(N):
        pub.send(b"y" + str(i).encode())
        pub.send(b"x" + str(i).encode())
    assert [sub.recv() for _ in range(N)] == [b"x" + str(i).encode() for i in range(N)]


def test_large_bodies_to_many(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    pub = world.socket(libs[0], "PUB")
    pub.bind(wildcard)
    subs = [world.socket(libs[1], "SUB") for _ in range(5)]
    for sub in subs:
        sub.connect(last(pub))
        sub.subscribe(b"")
    settle(pub, *subs)
    bodies = [bytes([i]) * (i * 20_000) for i in range(10)]
    for body in bodies:
        pub.send_multipart([b"head", body])
    for sub in subs:
        for body in bodies:
            assert sub.recv_multipart() == [b"head", body]


def test_counts(pair: Callable[..., Any]) -> None:
    """A topic goes when it was cancelled as often as it was subscribed to."""
    xpub, sub = pair("XPUB", "SUB")
    sub.subscribe(b"a")
    sub.subscribe(b"a")
    assert take(xpub) == b"\1a"
    sub.unsubscribe(b"a")
    sub.unsubscribe(b"unknown")
    sub.subscribe(b"b")
    assert take(xpub) == b"\1b"
    sub.unsubscribe(b"a")
    assert take(xpub) == b"\0a"
    sub.unsubscribe(b"b")
    assert take(xpub) == b"\0b"
    assert nothing(xpub)


def test_xpub_hears_of_the_first_and_the_last(
    libs: tuple[str, str], wildcard: str, world: Any
) -> None:
    xpub = world.socket(libs[0], "XPUB")
    xpub.bind(wildcard)
    one, two = (world.socket(libs[1], "SUB") for _ in range(2))
    one.connect(last(xpub))
    one.subscribe(b"t")
    assert take(xpub) == b"\1t"
    two.connect(last(xpub))
    two.subscribe(b"t")
    two.subscribe(b"own")
    assert take(xpub) == b"\1own"
    one.close(linger=0)
    assert nothing(xpub)
    two.close(linger=0)
    assert sorted(take(xpub) for _ in range(2)) == [b"\0own", b"\0t"]


@pytest.mark.parametrize("option", ["xpub_verbose", "xpub_verboser"])
def test_verbose(libs: tuple[str, str], option: str, wildcard: str, world: Any) -> None:
    xpub = world.socket(libs[0], "XPUB", **{option: 1})
    xpub.bind(wildcard)
    one, two = (world.socket(libs[1], "SUB") for _ in range(2))
    one.connect(last(xpub))
    one.subscribe(b"t")
    assert take(xpub) == b"\1t"
    one.subscribe(b"t")
    assert take(xpub) == b"\1t"
    two.connect(last(xpub))
    two.subscribe(b"t")
    assert take(xpub) == b"\1t"
    two.unsubscribe(b"t")
    if option == "xpub_verboser":
        assert take(xpub) == b"\0t"
    one.close(linger=0)
    assert take(xpub) == b"\0t"
    assert nothing(xpub)


def test_xsub(pair: Callable[..., Any]) -> None:
    xpub, xsub = pair("XPUB", "XSUB")
    xsub.send(b"\1A")
    assert take(xpub) == b"\1A"
    xsub.send(b"hello")
    assert take(xpub) == b"hello"
    xsub.send_multipart([b"", b"empty", b"x" * 10_000])
    assert take(xpub) == [b"", b"empty", b"x" * 10_000]
    xpub.send(b"A1")
    xpub.send(b"B1")
    xpub.send(b"A2")
    assert take(xsub) == b"A1"
    assert take(xsub) == b"A2"
    xsub.send(b"\0unknown")
    xsub.send(b"\0A")
    assert take(xpub) == b"\0A"
    assert nothing(xpub)


def test_multipart_subscriptions(pair: Callable[..., Any]) -> None:
    xpub, xsub = pair("XPUB", "XSUB")
    xsub.send_multipart([b"\1A", b"\1B", b"\1C"])
    assert [take(xpub) for _ in range(3)] == [b"\1A", b"\1B", b"\1C"]


def test_only_the_first_frame_subscribes(pair: Callable[..., Any]) -> None:
    xpub, xsub = pair("XPUB", "XSUB")
    for socket in (xpub, xsub):
        socket.setsockopt(ONLY_FIRST_SUBSCRIBE, 1)
    xsub.send_multipart([b"data", b"\1A", b"\0B"])
    assert take(xpub) == [b"data", b"\1A", b"\0B"]
    xsub.send_multipart([b"\1A", b"\1B"])
    assert [take(xpub) for _ in range(2)] == [b"\1A", b"\1B"]


def test_welcome(
    pair: Callable[..., Any], libs: Any, wildcard: str, world: Any
) -> None:
    xpub = world.socket(libs[0], "XPUB")
    xpub.setsockopt(72, b"W" * 5000)
    xpub.bind(wildcard)
    sub = world.socket(libs[1], "SUB")
    sub.subscribe(b"W")
    sub.connect(last(xpub))
    assert take(xpub) == b"\1W"
    assert take(sub) == b"W" * 5000
    xpub.send(b"World")
    assert take(sub) == b"World"


def test_manual(pair: Callable[..., Any]) -> None:
    xpub, sub = pair("XPUB", "SUB", xpub_manual=1)
    sub.subscribe(b"A")
    assert take(xpub) == b"\1A"
    xpub.subscribe(b"XA")
    sub.subscribe(b"XA")
    assert take(xpub) == b"\1XA"
    xpub.send(b"A")
    xpub.send(b"XA")
    assert take(sub) == b"XA"
    sub.unsubscribe(b"A")
    assert take(xpub) == b"\0A"
    xpub.unsubscribe(b"XA")
    xpub.send(b"XA")
    assert nothing(sub)
    sub.close(linger=0)
    assert take(xpub) == b"\0XA"


def test_manual_hears_of_every_end(
    libs: tuple[str, str], wildcard: str, world: Any
) -> None:
    """Also of a topic that another one has asked for as well."""
    xpub = world.socket(libs[0], "XPUB", xpub_manual=1)
    xpub.bind(wildcard)
    subs = [world.socket(libs[1], "SUB") for _ in range(2)]
    for sub in subs:
        sub.connect(last(xpub))
        sub.subscribe(b"A")
        assert take(xpub) == b"\1A"
        xpub.subscribe(b"A")
    for sub in subs:
        sub.close(linger=0)
        assert take(xpub) == b"\0A"


def test_manual_last_value(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    xpub = world.socket(libs[0], "XPUB")
    xpub.setsockopt(LAST_VALUE, 1)
    xpub.bind(wildcard)
    one, two = (world.socket(libs[1], "SUB") for _ in range(2))
    for sub in (one, two):
        sub.connect(last(xpub))
        sub.subscribe(b"v")
        assert take(xpub) == b"\1v"
        xpub.subscribe(b"v")
        xpub.send(b"value for you")
        assert take(sub) == b"value for you"
    xpub.send(b"vall")
    assert take(one) == b"vall"
    assert take(two) == b"vall"


def test_inverted(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    pub = world.socket(libs[0], "PUB", invert_matching=1)
    assert pub.invert_matching == 1
    pub.bind(wildcard)
    sub = world.socket(libs[1], "SUB", invert_matching=1)
    sub.connect(last(pub))
    sub.subscribe(b"no")
    # Until it is heard, everything comes.
    until(lambda: not (pub.send(b"no"), sub.poll(20))[1] or sub.recv() is None)
    settle(pub, sub, topic=b"yes")
    pub.send(b"nobody")
    pub.send(b"everybody")
    assert take(sub) == b"everybody"


def test_nodrop(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    pub = world.socket(libs[0], "XPUB", xpub_nodrop=1, sndhwm=5)
    pub.bind(wildcard)
    sub = world.socket(libs[1], "SUB", rcvhwm=5)
    sub.connect(last(pub))
    sub.subscribe(b"t")
    assert take(pub) == b"\1t"
    pub.sndtimeo = 0
    zmq = world.module(libs[0])
    body = b"t" * 100_000
    sent = 0
    with pytest.raises(zmq.Again):
        while sent < 10_000:
            pub.send_multipart([body, str(sent).encode()])
            sent += 1
    pub.send(b"for nobody")
    for i in range(sent):
        assert sub.recv_multipart() == [body, str(i).encode()]
    pub.sndtimeo = 20000
    pub.send(b"tail")
    assert take(sub) == b"tail"


def test_nodrop_part_by_part(library: str, world: Any) -> None:
    """Whoever gives up at the first part has not begun a message."""
    pub = world.socket(library, "XPUB", xpub_nodrop=1, sndhwm=1)
    pub.bind("inproc://nodrop")
    sub = world.socket(library, "SUB", rcvhwm=1)
    sub.subscribe(b"t")
    sub.connect("inproc://nodrop")
    assert take(pub) == b"\1t"
    zmq = world.module(library)
    for _ in range(2):
        pub.send_multipart([b"t", b"first"])
    with pytest.raises(zmq.Again):
        pub.send(b"t", zmq.DONTWAIT | zmq.SNDMORE)
    pub.send(b"for nobody", zmq.DONTWAIT | zmq.SNDMORE)
    pub.send(b"at all", zmq.DONTWAIT)
    for _ in range(2):
        assert take(sub) == [b"t", b"first"]
    pub.send(b"t", zmq.SNDMORE)
    pub.send(b"second")
    assert take(sub) == [b"t", b"second"]


def test_a_slow_subscriber_misses_what_others_get(
    library: str, wildcard: str, world: Any
) -> None:
    """And those that keep up miss nothing."""
    pub = world.socket("fastmq", "PUB", sndhwm=5)
    pub.bind(wildcard)
    slow = world.socket(library, "SUB", rcvhwm=5)
    slow.rcvbuf = 4096
    quick = world.socket(library, "SUB")
    for sub in (slow, quick):
        sub.connect(last(pub))
        sub.subscribe(b"")
    settle(pub, slow, quick)
    body = b"x" * 50_000
    n = 400
    for i in range(n):
        pub.send_multipart([str(i).encode(), body])
        assert quick.recv_multipart() == [str(i).encode(), body]
    got = []
    while slow.poll(300):
        number, same = slow.recv_multipart()
        assert same == body
        got.append(int(number))
    assert got == sorted(got)
    assert 5 <= len(got) < n


def test_subscriptions_return_with_the_connection(
    libs: tuple[str, str], held_endpoint: str, world: Any
) -> None:
    pub = world.socket(libs[0], "PUB")
    pub.bind(held_endpoint)
    sub = world.socket(libs[1], "SUB", reconnect_ivl=10)
    sub.connect(held_endpoint)
    topics = [f"topic-{i}-".encode() for i in range(300)]
    for topic in topics:
        sub.subscribe(topic)
    settle(pub, sub, topic=topics[-1])
    pub.close(linger=0)
    sub.unsubscribe(topics[0])
    sub.subscribe(b"new")
    pub = world.socket(libs[0], "PUB")

    def bound() -> bool:
        try:
            pub.bind(held_endpoint)
        except Exception:
            return False
        return True

    until(bound)
    for topic in (b"new", max(topics)):  # the first and the last, in either's order
        settle(pub, sub, topic=topic)
    for topic in topics:
        pub.send(topic)
    assert [take(sub) for _ in topics[1:]] == topics[1:]


def test_long_topics(pair: Callable[..., Any]) -> None:
    xpub, sub = pair("XPUB", "SUB")
    for n in (244, 245, 246, 254, 255, 256, 4085, 4086, 4087, 4096, 10_000, 100_000):
        topic = bytes([n % 251]) * n
        sub.subscribe(topic)
        assert take(xpub) == b"\1" + topic
        xpub.send(topic + b"!")
        assert take(sub) == topic + b"!"
        sub.unsubscribe(topic)
        assert take(xpub) == b"\0" + topic


def test_topics_count(world: Any, wildcard: str) -> None:
    pub = world.socket("fastmq", "XPUB")
    pub.bind(wildcard)
    sub = world.socket("zmq", "SUB")
    own = world.socket("fastmq", "SUB")
    for socket in (sub, own):
        socket.connect(last(pub))
        for topic in (b"a", b"b", b"a", b""):
            socket.subscribe(topic)
    assert own.getsockopt(TOPICS_COUNT) == 3
    assert sorted(take(pub) for _ in range(3)) == [b"\1", b"\1a", b"\1b"]
    assert pub.getsockopt(TOPICS_COUNT) == 3
    own.unsubscribe(b"a")
    assert own.getsockopt(TOPICS_COUNT) == 3
    own.unsubscribe(b"a")
    assert own.getsockopt(TOPICS_COUNT) == 2


def test_a_proxy_of_subscriptions(
    libs: tuple[str, str], fresh: Callable[[str], str], world: Any
) -> None:
    """Subscriptions travel upwards, messages down, through XSUB and XPUB."""
    pub = world.socket(libs[1], "PUB")
    pub.bind(fresh("tcp"))
    xsub = world.socket(libs[0], "XSUB")
    xsub.connect(last(pub))
    xpub = world.socket(libs[0], "XPUB")
    xpub.bind(fresh("tcp"))
    sub = world.socket(libs[1], "SUB")
    sub.connect(last(xpub))
    sub.subscribe(b"t")
    xsub.send(take(xpub))

    def arrives() -> bool:
        pub.send_multipart([b"t", b"body"])
        if not xsub.poll(10):
            return False
        xpub.send_multipart(xsub.recv_multipart())
        return True

    until(arrives)
    assert take(sub) == [b"t", b"body"]


def test_inproc(library: str, fresh: Callable[[str], str], world: Any) -> None:
    endpoint = fresh("inproc")
    sub = world.socket(library, "SUB")
    sub.subscribe(b"a")
    sub.connect(endpoint)
    xpub = world.socket(library, "XPUB")
    xpub.bind(endpoint)
    assert take(xpub) == b"\1a"
    sub.subscribe(b"b")
    assert take(xpub) == b"\1b"
    xpub.send_multipart([b"a", b"x" * 10_000])
    xpub.send(b"c")
    xpub.send(b"b")
    assert take(sub) == [b"a", b"x" * 10_000]
    assert take(sub) == b"b"
    sub.close()
    assert sorted(take(xpub) for _ in range(2)) == [b"\0a", b"\0b"]


def test_what_a_type_cannot_do(library: str, world: Any) -> None:
    zmq = world.module(library)
    sub = world.socket(library, "SUB")
    pub = world.socket(library, "PUB")
    with refuses(zmq.ENOTSUP):
        sub.send(b"")
    with refuses(zmq.ENOTSUP):
        pub.recv()
    with refuses(zmq.EINVAL):
        pub.subscribe(b"x")
    assert pub.poll(0, zmq.POLLOUT) == zmq.POLLOUT
    assert sub.poll(0, zmq.POLLIN | zmq.POLLOUT) == 0
    assert sub.linger == 0
    pub.send(b"to nobody")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("order", ["bind first", "connect first"])
@pytest.mark.parametrize("binder", ["publisher", "subscriber"])
@pytest.mark.parametrize("kinds", [("PUB", "SUB"), ("XPUB", "XSUB")])
def test_inproc_either_way(
    library: str,
    kinds: tuple[str, str],
    binder: str,
    order: str,
    when: str,
    fresh: Callable[[str], str],
    world: Any,
) -> None:
    """Whoever binds, and whether the subscription or the couple comes first."""
    pub, sub = world.socket(library, kinds[0]), world.socket(library, kinds[1])
    bound, other = (pub, sub) if binder == "publisher" else (sub, pub)

    def subscribe() -> None:
        if kinds[1] == "SUB":
            sub.subscribe(b"a")
        else:
            sub.send(b"\x01a")

    if when == "before":
        subscribe()
    endpoint = fresh("inproc")
    if order == "bind first":
        bound.bind(endpoint)
    other.connect(endpoint)
    if order == "connect first":
        bound.bind(endpoint)
    if when == "after":
        subscribe()
    settle(pub, sub, topic=b"a")
