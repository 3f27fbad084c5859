# SPDX-License-Identifier: Apache-2.0
"""ROUTER and DEALER: ids, envelopes, and what happens when they cannot be reached."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from typing import Any

import pytest
from patterns.conftest import OURS, refuses, until

N = 3000


def last(socket: Any) -> str:
    return socket.getsockopt_string(32)


def wait_for(socket: Any, ms: int = 20000) -> list[bytes]:
    assert socket.poll(ms)
    return socket.recv_multipart()


def test_echo(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    router = world.socket(libs[0], "ROUTER")
    router.bind(wildcard)
    dealers = []
    for i in range(3):
        dealer = world.socket(libs[1], "DEALER", routing_id=f"dealer-{i}".encode() * 9)
        dealer.connect(last(router))
        dealers.append(dealer)
    for dealer in dealers:
        for i in range(100):
            dealer.send_multipart([b"", str(i).encode(), b"x" * (i * 100)])
    for _ in range(300):
        name, *message = router.recv_multipart()
        assert name in {dealer.routing_id for dealer in dealers}
        router.send_multipart([name, *message])
    for dealer in dealers:
        for i in range(100):
            assert dealer.recv_multipart() == [b"", str(i).encode(), b"x" * (i * 100)]


def test_rep_gives_any_envelope_back(
    libs: tuple[str, str], wildcard: str, world: Any
) -> None:
    rep = world.socket(libs[0], "REP")
    rep.bind(wildcard)
    dealer = world.socket(libs[1], "DEALER")
    dealer.connect(last(rep))
    for envelope in ([b"e" * 5000], [b"1", b"l" * 100_000, b"2", b"m" * 4097]):
        dealer.send_multipart([*envelope, b"", b"question"])
        assert rep.recv() == b"question"
        rep.send(b"answer")
        assert dealer.recv_multipart() == [*envelope, b"", b"answer"]


def test_dealer_connects_and_binds(
    libs: tuple[str, str], wildcard: str, world: Any
) -> None:
    dealer = world.socket(libs[0], "DEALER")
    dealer.bind(wildcard)
    router = world.socket(libs[1], "ROUTER")
    router.connect(last(dealer))
    dealer.send(b"hello")
    name, message = router.recv_multipart()
    assert len(name) == 5
    assert name[0] == 0
    assert message == b"hello"
    router.send_multipart([name, b"to", b"you"])
    assert dealer.recv_multipart() == [b"to", b"you"]


@pytest.mark.parametrize("kind", ["DEALER", "REP"])
def test_dealer_deals_in_turn(
    libs: tuple[str, str], kind: str, fresh: Callable[[str], str], world: Any
) -> None:
    dealer = world.socket(libs[0], "DEALER")
    others = []
    for _ in range(3):
        other = world.socket(libs[1], kind)
        other.bind(fresh("tcp"))
        dealer.connect(last(other))
        others.append(other)
    for i in range(9):
        dealer.send_multipart([b"", str(i).encode()])
    for turn, other in enumerate(others):
        for i in range(3):
            message = other.recv_multipart()
            assert message[-1] == str(3 * i + turn).encode()
            if kind == "REP":
                other.send(message[-1])
    if kind == "REP":
        answers = [dealer.recv_multipart() for _ in range(9)]
        assert sorted(answers) == [[b"", str(i).encode()] for i in range(9)]


def test_req_and_router(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    router = world.socket(libs[0], "ROUTER")
    router.bind(wildcard)
    req = world.socket(libs[1], "REQ", routing_id=b"me")
    req.connect(last(router))
    for i in range(N // 10):
        req.send_multipart([b"question", str(i).encode()])
        assert router.recv_multipart() == [b"me", b"", b"question", str(i).encode()]
        router.send_multipart([b"me", b"", b"answer", str(i).encode()])
        assert req.recv_multipart() == [b"answer", str(i).encode()]


def test_a_rep_with_the_options_of_a_router(library: str, world: Any) -> None:
    """A reply to who has gone is dropped, and the next one is answered."""
    rep = world.socket(library, "REP")
    rep.setsockopt(33, 1)  # ROUTER_MANDATORY
    rep.setsockopt(56, 1)  # ROUTER_HANDOVER
    rep.setsockopt(61, b"name")  # CONNECT_ROUTING_ID
    rep.bind("inproc://rep")
    for i in range(3):
        req = world.socket(library, "REQ")
        req.connect("inproc://rep")
        req.send(b"%d" % i)
        assert rep.recv() == b"%d" % i
        if i != 2:
            req.close(linger=0)
        rep.send(b"answer")
    assert req.recv() == b"answer"


def test_thousands_each_way(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    router = world.socket(libs[0], "ROUTER", sndhwm=0, rcvhwm=0)
    router.bind(wildcard)
    dealer = world.socket(libs[1], "DEALER", sndhwm=0, rcvhwm=0, routing_id=b"d")
    dealer.connect(last(router))
    for i in range(N):
        dealer.send_multipart([b"there", str(i).encode()])
    for i in range(N):
        assert router.recv_multipart() == [b"d", b"there", str(i).encode()]
        router.send_multipart([b"d", b"back", str(i).encode(), b""])
    for i in range(N):
        assert dealer.recv_multipart() == [b"back", str(i).encode(), b""]


def test_router_to_router(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    """A probe tells the bound one of the other, which has named it itself."""
    bound = world.socket(libs[0], "ROUTER", routing_id=b"bound")
    bound.bind(wildcard)
    caller = world.socket(libs[1], "ROUTER", routing_id=b"caller", probe_router=1)
    caller.setsockopt(61, b"mine")  # CONNECT_ROUTING_ID
    caller.router_mandatory = 1
    caller.connect(last(bound))
    assert wait_for(bound) == [b"caller", b""]
    bound.send_multipart([b"caller", b"hi"])
    assert wait_for(caller) == [b"mine", b"hi"]
    caller.send_multipart([b"mine", b"ho"])
    assert wait_for(bound) == [b"caller", b"ho"]
    with refuses(errno.EHOSTUNREACH):
        caller.send_multipart([b"bound", b"by a name that does not count"])


def test_unknown_ids(library: str, wildcard: str, world: Any) -> None:
    router = world.socket(library, "ROUTER")
    router.bind(wildcard)
    router.send_multipart([b"nobody", b"x"])
    assert router.poll(0, 2) == 2
    router.router_mandatory = 1
    assert router.poll(0, 2) == 0
    zmq = world.module(library)
    for flags in (0, zmq.DONTWAIT):
        with refuses(errno.EHOSTUNREACH):
            router.send(b"nobody", zmq.SNDMORE | flags)
    router.router_mandatory = 0
    router.send(b"an address alone says nothing")
    router.send_multipart([b"nobody", b"is", b"there"])


def test_mandatory_and_full(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    """A full pipe is no reason to drop, but to wait."""
    router = world.socket(libs[0], "ROUTER", sndhwm=2, router_mandatory=1)
    router.sndtimeo = 0
    router.bind(wildcard)
    dealer = world.socket(libs[1], "DEALER", routing_id=b"d", rcvhwm=2)
    dealer.connect(last(router))
    dealer.send(b"")
    assert wait_for(router) == [b"d", b""]
    zmq = world.module(libs[0])
    sent = 0
    body = b"x" * 100_000
    with pytest.raises(zmq.Again):
        while sent < 10_000:
            router.send_multipart([b"d", str(sent).encode(), body])
            sent += 1
    for i in range(sent):
        assert dealer.recv_multipart() == [str(i).encode(), body]
    assert router.poll(20000, zmq.POLLOUT) == zmq.POLLOUT
    router.sndtimeo = 20000
    router.send_multipart([b"d", b"again"])
    assert wait_for(dealer) == [b"again"]


def test_duplicate_ids(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    """The second one of a name is left alone."""
    router = world.socket(libs[0], "ROUTER")
    router.bind(wildcard)
    first = world.socket(libs[1], "DEALER", routing_id=b"twin")
    first.connect(last(router))
    first.send(b"first")
    assert wait_for(router) == [b"twin", b"first"]
    second = world.socket(libs[1], "DEALER", routing_id=b"twin")
    second.connect(last(router))
    second.send(b"second")
    third = world.socket(libs[1], "DEALER", routing_id=b"third")
    third.connect(last(router))
    third.send(b"third")
    assert wait_for(router) == [b"third", b"third"]
    assert router.poll(100) == 0
    router.send_multipart([b"twin", b"for the first"])
    assert wait_for(first) == [b"for the first"]


def test_the_second_of_a_name_is_heard_when_the_first_has_gone(
    wildcard: str, world: Any
) -> None:
    """Libzmq would leave it alone for ever."""
    router = world.socket(OURS, "ROUTER", router_mandatory=1)
    router.bind(wildcard)
    first = world.socket("zmq", "DEALER", routing_id=b"twin")
    first.connect(last(router))
    first.send(b"first")
    assert wait_for(router) == [b"twin", b"first"]
    second = world.socket("zmq", "DEALER", routing_id=b"twin")
    second.connect(last(router))
    second.send(b"second")
    assert router.poll(50) == 0
    first.close(linger=0)
    assert wait_for(router) == [b"twin", b"second"]
    router.send_multipart([b"twin", b"welcome"])
    assert wait_for(second) == [b"welcome"]


def test_handover(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    router = world.socket(libs[0], "ROUTER", router_handover=1)
    router.bind(wildcard)
    first = world.socket(libs[1], "DEALER", routing_id=b"twin")
    first.reconnect_ivl = -1
    first.connect(last(router))
    first.send(b"first")
    assert wait_for(router) == [b"twin", b"first"]
    second = world.socket(libs[1], "DEALER", routing_id=b"twin")
    second.connect(last(router))
    second.send(b"second")
    assert wait_for(router) == [b"twin", b"second"]
    router.send_multipart([b"twin", b"for the second"])
    assert wait_for(second) == [b"for the second"]
    assert first.poll(50) == 0


def test_a_peer_that_returns(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    """Under the same name, as soon as its old connection has gone.

    libzmq finds the old connection unreachable before it gives up its name, and
    ignores for ever who comes with the name between the two; what one said that was
    given up may still come.
    """
    router = world.socket(libs[0], "ROUTER", router_mandatory=1)
    router.bind(wildcard)
    numbers = itertools.count()

    def come() -> Any:
        """Return a dealer that has come, or None."""
        token = b"%d" % next(numbers)
        dealer = world.socket(libs[1], "DEALER", routing_id=b"again")
        dealer.connect(last(router))
        dealer.send(token)
        if libs[0] == OURS:
            assert wait_for(router) == [b"again", token]
            return dealer
        while router.poll(1000):
            if wait_for(router) == [b"again", token]:
                return dealer
        dealer.close(linger=0)
        return None

    for _ in range(5):
        dealer = until(come)
        router.send_multipart([b"again", b"yes"])
        assert wait_for(dealer) == [b"yes"]
        dealer.close(linger=0)

        def gone() -> bool:
            try:
                router.send_multipart([b"again", b"still there?"])
            except world.module(libs[0]).ZMQError as error:
                return bool(error.errno == errno.EHOSTUNREACH)
            return router.poll(5) != 0

        until(gone)


def test_a_router_that_connects_keeps_its_names(
    libs: tuple[str, str], held_endpoint: str, world: Any
) -> None:
    """What is sent while the other side is away waits for its next connection."""
    dealer = world.socket(libs[1], "DEALER", routing_id=b"announced")
    dealer.bind(held_endpoint)
    router = world.socket(libs[0], "ROUTER", reconnect_ivl=10)
    router.setsockopt(61, b"given")
    router.connect(held_endpoint)
    router.send_multipart([b"given", b"before"])
    assert wait_for(dealer) == [b"before"]
    dealer.send(b"back")
    assert wait_for(router) == [b"given", b"back"]
    dealer.close(linger=0)
    dealer = world.socket(libs[1], "DEALER", routing_id=b"another")
    until(lambda: try_to_bind(dealer, held_endpoint))
    dealer.send(b"back again")
    assert wait_for(router) == [b"given", b"back again"]
    router.send_multipart([b"given", b"after"])
    assert wait_for(dealer)[-1] == b"after"


def try_to_bind(socket: Any, endpoint: str) -> bool:
    try:
        socket.bind(endpoint)
    except Exception:
        return False
    return True


def test_connect_with_a_name_that_is_taken(world: Any, wildcard: str) -> None:
    """An error here; libzmq ends the process."""
    router = world.socket("fastmq", "ROUTER")
    dealer = world.socket("fastmq", "DEALER", routing_id=b"x")
    dealer.bind(wildcard)
    router.setsockopt(61, b"x")
    router.connect(last(dealer))
    for endpoint in (last(dealer), f"inproc://taken-{os.getpid()}"):
        router.setsockopt(61, b"x")
        with refuses(errno.EADDRINUSE):
            router.connect(endpoint)
    router.connect(last(dealer))  # it was for one connect alone
    with refuses(errno.EINVAL):
        dealer.setsockopt(61, b"x")
    with refuses(errno.EINVAL):
        router.setsockopt(61, b"")


def test_notify(wildcard: str, world: Any) -> None:
    """ROUTER_NOTIFY: connections that come and go are messages."""
    router = world.socket("fastmq", "ROUTER")
    router.setsockopt(97, 3)
    assert router.getsockopt(97) == 3
    router.bind(wildcard)
    dealer = world.socket("zmq", "DEALER", routing_id=b"d")
    dealer.connect(last(router))
    assert wait_for(router) == [b"d", b""]
    dealer.send_multipart([b"x", b"y"])
    dealer.send(b"z")
    dealer.close(linger=20000)
    assert wait_for(router) == [b"d", b"x", b"y"]
    assert wait_for(router) == [b"d", b"z"]
    assert wait_for(router) == [b"d", b""]
    with refuses(errno.EINVAL):
        router.setsockopt(97, 4)


def test_inproc(library: str, fresh: Callable[[str], str], world: Any) -> None:
    endpoint = fresh("inproc")
    early = world.socket(library, "DEALER", routing_id=b"early")
    early.connect(endpoint)
    early.send(b"before the bind")
    router = world.socket(library, "ROUTER", routing_id=b"router")
    router.bind(endpoint)
    assert wait_for(router) == [b"early", b"before the bind"]
    late = world.socket(library, "ROUTER")
    late.connect(endpoint)
    # A router that connects knows the other by the name that this one has.
    late.send_multipart([b"router", b"hello"])
    name, message = wait_for(router)
    assert message == b"hello"
    assert len(name) == 5
    router.send_multipart([name, b"there"])
    assert wait_for(late) == [b"router", b"there"]
    router.send_multipart([b"early", b"you"])
    assert wait_for(early) == [b"you"]
    early.close()
    router.router_mandatory = 1

    def gone() -> bool:
        try:
            router.send_multipart([b"early", b"?"])
        except world.module(library).ZMQError as error:
            return bool(error.errno == errno.EHOSTUNREACH)
        return False

    until(gone)


def test_long_and_binary_ids(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    router = world.socket(libs[0], "ROUTER")
    router.bind(wildcard)
    for name in (b"\x01", b"\xff" * 255, bytes(range(1, 256)), b"i" * 33, b"i" * 32):
        dealer = world.socket(libs[1], "DEALER", routing_id=name)
        dealer.connect(last(router))
        dealer.send_multipart([b"", b"b"])
        frames = router.recv_multipart(copy=False)
        assert [bytes(frame) for frame in frames] == [name, b"", b"b"]
        router.send_multipart(frames)
        assert wait_for(dealer) == [b"", b"b"]


def test_part_by_part(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    router = world.socket(libs[0], "ROUTER")
    router.bind(wildcard)
    dealer = world.socket(libs[1], "DEALER", routing_id=b"d")
    dealer.connect(last(router))
    dealer.send(b"a", 2)
    dealer.send(b"b")
    assert router.recv() == b"d"
    assert router.rcvmore
    assert router.recv() == b"a"
    assert router.rcvmore
    assert router.recv() == b"b"
    assert not router.rcvmore
    router.send(b"d", 2)
    router.send(b"c", 2)
    router.send(b"d")
    assert dealer.recv_multipart() == [b"c", b"d"]
