# SPDX-License-Identifier: Apache-2.0
"""Binding and connecting in any order and number, against both libraries."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from interop.conftest import OURS, World, name_pair

Fresh = Callable[[str], str]
PATIENCE_MS = 20000


def last_endpoint(socket: Any) -> str:
    return socket.last_endpoint.decode().rstrip("\0")


def test_connect_before_bind(
    libs: tuple[str, str], held_endpoint: str, world: World
) -> None:
    push = world.socket(libs[0], "PUSH")
    push.connect(held_endpoint)
    for i in range(10):
        push.send(b"%d" % i)
    pull = world.socket(libs[1], "PULL")
    pull.bind(held_endpoint)
    assert [pull.recv() for _ in range(10)] == [b"%d" % i for i in range(10)]


def test_connect_before_bind_inproc(world: World, fresh: Fresh) -> None:
    endpoint = fresh("inproc")
    req = world.socket(OURS, "REQ")
    req.connect(endpoint)
    req.send(b"early")
    rep = world.socket(OURS, "REP")
    rep.bind(endpoint)
    assert rep.recv() == b"early"
    rep.send(b"answer")
    assert req.recv() == b"answer"


def test_reconnect_after_the_binder_comes_back(
    libs: tuple[str, str], held_endpoint: str, world: World
) -> None:
    pull = world.socket(libs[1], "PULL")
    pull.bind(held_endpoint)
    push = world.socket(libs[0], "PUSH")
    push.connect(held_endpoint)
    n = last = 0
    for life in range(3):
        for _ in range(100):
            # What goes out to a binder about to close may be lost, but no more.
            while not pull.poll(10):
                n += 1
                push.send(b"%d" % n)
            number = int(pull.recv())
            assert number > last
            last = number
        if life < 2:
            pull.close(linger=0)
            # The name stays in use until the library has closed its listener.
            pull = world.socket(libs[1], "PULL")
            bind_when_free(world.module(libs[1]), pull, held_endpoint)


def bind_when_free(module: ModuleType, socket: Any, endpoint: str) -> None:
    for _ in range(1000):
        try:
            socket.bind(endpoint)
        except module.ZMQError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            assert not socket.poll(10)  # nothing is bound: just a moment
        else:
            return
    raise TimeoutError(endpoint)


def test_many_endpoints_on_one_socket(
    libs: tuple[str, str], fresh: Fresh, world: World
) -> None:
    pull = world.socket(libs[1], "PULL")
    bound = []
    for transport in ("tcp", "ipc", "tcp", "ipc"):
        pull.bind(fresh(transport))
        bound.append(last_endpoint(pull))
    assert len(set(bound)) == 4
    for i, endpoint in enumerate(bound):
        push = world.socket(libs[0], "PUSH")
        push.connect(endpoint)
        push.send(b"%d" % i)
    assert {pull.recv() for _ in bound} == {b"0", b"1", b"2", b"3"}
    # And one socket that connects to many.
    push = world.socket(libs[0], "PUSH")
    for endpoint in bound:
        push.connect(endpoint)
    for i in range(40):
        push.send(b"%d" % i)
    assert sorted(int(pull.recv()) for _ in range(40)) == list(range(40))


def test_one_socket_binds_and_connects_over_all_transports(
    world: World, fresh: Fresh
) -> None:
    left = world.socket(OURS, "PULL")
    theirs = world.socket("zmq", "PUSH")
    theirs.bind(fresh("tcp"))
    left.connect(last_endpoint(theirs))
    left.bind(fresh("ipc"))
    other = world.socket("zmq", "PUSH")
    other.connect(last_endpoint(left))
    inside = world.socket(OURS, "PUSH")
    name = fresh("inproc")
    left.bind(name)
    inside.connect(name)
    for i, push in enumerate((theirs, other, inside)):
        for _ in range(5):
            push.send(b"%d" % i)
    got = Counter(left.recv() for _ in range(15))
    assert got == {b"0": 5, b"1": 5, b"2": 5}


def test_wildcard_ports_differ_and_are_told(world: World) -> None:
    pull = world.socket(OURS, "PULL")
    ports = set()
    for host in ("127.0.0.1", "*"):
        for port in ("*", "0"):
            pull.bind(f"tcp://{host}:{port}")
            shown = last_endpoint(pull)
            expected = "0.0.0.0" if host == "*" else host
            assert shown.startswith(f"tcp://{expected}:")
            ports.add(int(shown.rpartition(":")[2]))
    assert len(ports) == 4
    assert 0 not in ports


def test_a_wildcard_ipc_endpoint_works(libs: tuple[str, str], world: World) -> None:
    pull = world.socket(libs[1], "PULL")
    pull.bind("ipc://*")
    push = world.socket(libs[0], "PUSH")
    push.connect(last_endpoint(pull))
    push.send(b"x")
    assert pull.recv() == b"x"


def test_an_abstract_ipc_name_works(
    libs: tuple[str, str], world: World, fresh: Fresh
) -> None:
    name = fresh("inproc").removeprefix("inproc://")
    pull = world.socket(libs[1], "PULL")
    pull.bind(f"ipc://@{name}")
    push = world.socket(libs[0], "PUSH")
    push.connect(f"ipc://@{name}")
    push.send(b"x")
    assert pull.recv() == b"x"


def test_localhost_by_name(libs: tuple[str, str], world: World) -> None:
    pull = world.socket(libs[1], "PULL")
    pull.bind("tcp://127.0.0.1:*")
    port = last_endpoint(pull).rpartition(":")[2]
    push = world.socket(libs[0], "PUSH")
    push.connect(f"tcp://localhost:{port}")
    push.send(b"x")
    assert pull.recv() == b"x"


def test_a_port_in_use_is_refused(world: World) -> None:
    pull = world.socket("zmq", "PULL")
    pull.bind("tcp://127.0.0.1:*")
    ours = world.socket(OURS, "PULL")
    with pytest.raises(world.module(OURS).ZMQError) as caught:
        ours.bind(last_endpoint(pull))
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_unbind_frees_the_name(world: World, held: Fresh, transport: str) -> None:
    endpoint = held(transport)
    first = world.socket(OURS, "PULL")
    first.bind(endpoint)
    first.unbind(endpoint)
    with pytest.raises(world.module(OURS).ZMQError) as caught:
        first.unbind(endpoint)
    assert caught.value.errno == errno.ENOENT
    second = world.socket(OURS, "PULL")
    bind_when_free(world.module(OURS), second, endpoint)
    push = world.socket(OURS, "PUSH")
    push.connect(endpoint)
    push.send(b"to the second")
    assert second.recv() == b"to the second"


def test_disconnect_ends_what_is_sent_there(
    libs: tuple[str, str], wildcard: str, fresh: Fresh, transport: str, world: World
) -> None:
    pulls = [world.socket(libs[1], "PULL") for _ in range(2)]
    pulls[0].bind(wildcard)
    pulls[1].bind(fresh(transport))
    endpoints = [last_endpoint(pull) for pull in pulls]
    push = world.socket(libs[0], "PUSH")
    for endpoint in endpoints:
        push.connect(endpoint)
    push.send(b"a")
    push.send(b"b")
    assert {pull.recv() for pull in pulls} == {b"a", b"b"}
    push.disconnect(endpoints[0])
    for i in range(6):
        push.send(b"%d" % i)
    assert [pulls[1].recv() for _ in range(6)] == [b"%d" % i for i in range(6)]
    assert pulls[0].poll(0) == 0
    with pytest.raises(world.module(libs[0]).ZMQError) as caught:
        push.disconnect(endpoints[0])
    assert caught.value.errno == errno.ENOENT


@pytest.mark.parametrize("pair", [(OURS, OURS), ("zmq", OURS)], ids=name_pair)
def test_eight_pushers_are_queued_fairly(
    pair: tuple[str, str], wildcard: str, world: World
) -> None:
    pull = world.socket(pair[1], "PULL")
    pull.bind(wildcard)
    endpoint = last_endpoint(pull)
    pushers = [world.socket(pair[0], "PUSH") for _ in range(8)]
    for push in pushers:
        push.connect(endpoint)
    for i, push in enumerate(pushers):
        push.send(b"hello %d" % i)
    # Everybody is connected once their first message is here.
    assert {pull.recv() for _ in pushers} == {b"hello %d" % i for i in range(8)}
    for n in range(50):
        for i, push in enumerate(pushers):
            push.send(b"%d %d" % (i, n))
    seen: list[list[int]] = [[] for _ in pushers]
    for _ in range(8 * 50):
        i, n = map(int, pull.recv().split())
        seen[i].append(n)
    assert all(numbers == list(range(50)) for numbers in seen)


def test_a_flooding_peer_does_not_starve_the_others(
    wildcard: str, world: World
) -> None:
    pull = world.socket(OURS, "PULL", rcvhwm=100)
    pull.bind(wildcard)
    endpoint = last_endpoint(pull)
    flood = world.socket("zmq", "PUSH", sndhwm=0)
    quiet = world.socket("zmq", "PUSH")
    for push in (flood, quiet):
        push.connect(endpoint)
        push.send(b"hello")
    for _ in range(2):
        assert pull.recv() == b"hello"
    for _ in range(20000):
        flood.send(b"flood")
    ended = world.module(OURS).EVENT_DISCONNECTED
    with pull.get_monitor_socket(ended) as monitor:
        quiet.send(b"quiet")
        quiet.close(linger=PATIENCE_MS)
        assert monitor.poll(PATIENCE_MS)  # what it said is here now
        pull.disable_monitor()
    n_before = 0
    while pull.recv() != b"quiet":
        n_before += 1
    assert n_before < 20000


def test_push_goes_round(
    libs: tuple[str, str], wildcard: str, fresh: Fresh, transport: str, world: World
) -> None:
    pulls = [world.socket(libs[1], "PULL") for _ in range(4)]
    push = world.socket(libs[0], "PUSH")
    for pull in pulls:
        pull.bind(fresh(transport))
        push.connect(last_endpoint(pull))
    for i in range(40):
        push.send(b"%d" % i)
    for k, pull in enumerate(pulls):
        got = [int(pull.recv()) for _ in range(10)]
        assert got == list(range(got[0], 40, 4)), k
        assert pull.poll(0) == 0


def test_req_and_rep_keep_to_their_turns(
    libs: tuple[str, str], wildcard: str, world: World
) -> None:
    rep = world.socket(libs[1], "REP")
    rep.bind(wildcard)
    req = world.socket(libs[0], "REQ")
    req.connect(last_endpoint(rep))
    efsm = 156384763
    for library, call in [
        (libs[0], lambda: req.recv()),
        (libs[1], lambda: rep.send(b"unasked")),
    ]:
        with pytest.raises(world.module(library).ZMQError) as caught:
            call()
        assert caught.value.errno == efsm
    req.send(b"1")
    with pytest.raises(world.module(libs[0]).ZMQError) as caught:
        req.send(b"2")
    assert caught.value.errno == efsm
    assert rep.recv() == b"1"
    with pytest.raises(world.module(libs[1]).ZMQError) as caught:
        rep.recv()
    assert caught.value.errno == efsm
    rep.send(b"one")
    assert req.recv() == b"one"


def test_several_reqs_get_their_own_answers(
    libs: tuple[str, str], wildcard: str, world: World
) -> None:
    rep = world.socket(libs[1], "REP")
    rep.bind(wildcard)
    reqs = [world.socket(libs[0], "REQ") for _ in range(5)]
    for i, req in enumerate(reqs):
        req.connect(last_endpoint(rep))
        req.send_multipart([b"%d" % i, b"x" * i])
    for _ in reqs:
        frames = rep.recv_multipart()
        rep.send_multipart(frames[::-1])
    for i, req in enumerate(reqs):
        assert req.recv_multipart() == [b"x" * i, b"%d" % i]
