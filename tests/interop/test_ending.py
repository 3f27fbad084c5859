# SPDX-License-Identifier: Apache-2.0
"""High-water marks, linger, and contexts that end while threads wait."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from interop.conftest import OURS, World
from interop.test_endpoints import last_endpoint

Fresh = Callable[[str], str]
PATIENCE_S = 30
one_thread_in_libzmq = pytest.mark.skipif(
    OURS == "zmq", reason="a socket of libzmq belongs to one thread"
)


def fill(world: World, library: str, socket: Any, body: bytes, limit: int) -> int:
    """Send until there is no room, and see that there is none; return how many."""
    again = world.module(library).Again
    n = 0
    while n < limit:
        try:
            socket.send(body, world.module(library).DONTWAIT)
        except again:
            if not socket.poll(200, world.module(library).POLLOUT):
                return n
        else:
            n += 1
    raise AssertionError(f"{n} messages and still no end")


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_the_mark_bounds_what_waits_for_a_connection(
    world: World, held: Fresh, transport: str
) -> None:
    endpoint = held(transport)
    push = world.socket(OURS, "PUSH", sndhwm=10)
    push.connect(endpoint)
    assert fill(world, OURS, push, b"x", 1000) == 10
    pull = world.socket(OURS if transport == "inproc" else "zmq", "PULL")
    pull.bind(endpoint)
    assert [pull.recv() for _ in range(10)] == [b"x"] * 10
    push.send(b"there is room again")
    assert pull.recv() == b"there is room again"


def test_a_peer_that_does_not_read_stops_the_sender(
    libs: tuple[str, str], wildcard: str, world: World
) -> None:
    pull = world.socket(libs[1], "PULL", rcvhwm=5)
    pull.bind(wildcard)
    push = world.socket(libs[0], "PUSH", sndhwm=5)
    push.connect(last_endpoint(pull))
    body = bytes(200_000)
    for _ in range(8):  # the marks alone have room for ten
        push.send(body)
    n = 8 + fill(world, libs[0], push, body, 5000)
    # TCP may take some more when it is offered some more, but not for ever.
    push.setsockopt(world.module(libs[0]).SNDTIMEO, 50)
    with pytest.raises(world.module(libs[0]).Again):
        while n < 5000:
            push.send(body)
            n += 1
    for _ in range(n):
        assert pull.recv() == body
    push.setsockopt(world.module(libs[0]).SNDTIMEO, 20000)
    push.send(b"goes on")
    assert pull.recv() == b"goes on"


def test_a_small_receive_mark_loses_nothing(
    libs: tuple[str, str], wildcard: str, world: World
) -> None:
    """The receiver pauses and resumes thousands of times."""
    pull = world.socket(libs[1], "PULL", rcvhwm=1)
    pull.bind(wildcard)
    push = world.socket(libs[0], "PUSH", sndhwm=1)
    push.connect(last_endpoint(pull))
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: [push.send(b"%d" % i) for i in range(5000)])
        got = [int(pull.recv()) for _ in range(5000)]
        sending.result(PATIENCE_S)
    assert got == list(range(5000))


def test_a_push_without_peers_waits_for_one(
    libs: tuple[str, str], wildcard: str, world: World
) -> None:
    push = world.socket(libs[0], "PUSH")
    push.bind(wildcard)
    module = world.module(libs[0])
    with pytest.raises(module.Again):
        push.send(b"x", module.DONTWAIT)
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(push.send, b"blocks until somebody comes")
        pull = world.socket(libs[1], "PULL")
        pull.connect(last_endpoint(push))
        assert pull.recv() == b"blocks until somebody comes"
        sending.result(PATIENCE_S)


# --- linger ---


def test_what_was_sent_is_delivered_after_close(
    libs: tuple[str, str], wildcard: str, world: World
) -> None:
    pull = world.socket(libs[1], "PULL")
    pull.bind(wildcard)
    context = world.module(libs[0]).Context()
    push = context.socket(world.module(libs[0]).PUSH)
    push.connect(last_endpoint(pull))
    bodies = [bytes([i]) * (i * 5000) for i in range(200)]
    with ThreadPoolExecutor(1) as pool:
        for body in bodies:
            push.send(body)
        push.close()
        ending = pool.submit(context.term)
        assert [pull.recv() for _ in bodies] == bodies
        ending.result(PATIENCE_S)


def test_linger_reaches_a_binder_that_comes_later(
    libs: tuple[str, str], held_endpoint: str, world: World
) -> None:
    context = world.module(libs[0]).Context()
    push = context.socket(world.module(libs[0]).PUSH)
    push.connect(held_endpoint)
    push.send(b"for later")
    push.close()
    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(context.term)
        pull = world.socket(libs[1], "PULL")
        pull.bind(held_endpoint)
        assert pull.recv() == b"for later"
        ending.result(PATIENCE_S)


@pytest.mark.parametrize("linger", [0, 50])
def test_term_gives_up_after_linger(
    world: World, held_endpoint: str, linger: int
) -> None:
    context = world.module(OURS).Context()
    push = context.socket(world.module(OURS).PUSH)
    push.connect(held_endpoint)
    push.send(b"for nobody")
    push.close(linger=linger)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(context.term).result(PATIENCE_S)


def test_term_does_not_wait_for_idle_sockets(
    libs: tuple[str, str], wildcard: str, world: World
) -> None:
    """Linger is for ever by default, but there is nothing to be sent."""
    pull = world.socket(libs[1], "PULL")
    pull.bind(wildcard)
    context = world.module(libs[0]).Context()
    push = context.socket(world.module(libs[0]).PUSH)
    push.connect(last_endpoint(pull))
    push.send(b"x")
    assert pull.recv() == b"x"
    push.close()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(context.term).result(PATIENCE_S)


# --- term while threads wait ---


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc", "nothing"])
@pytest.mark.parametrize("kind", ["recv", "send", "poll"])
def test_term_wakes_who_waits(
    world: World, fresh: Fresh, transport: str, kind: str
) -> None:
    module = world.module(OURS)
    context = module.Context()
    socket = context.socket(module.PUSH if kind == "send" else module.PULL)
    socket.linger = 0
    if transport != "nothing":
        socket.bind(fresh(transport))
    begun = threading.Event()

    def wait() -> None:
        begun.set()
        try:
            if kind == "recv":
                socket.recv()
            elif kind == "send":
                socket.send(b"nobody takes it")
            else:
                socket.poll()
        finally:
            socket.close()

    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(wait)
        assert begun.wait(PATIENCE_S)
        pool.submit(context.term).result(PATIENCE_S)
        with pytest.raises(module.ContextTerminated):
            waiting.result(PATIENCE_S)


@one_thread_in_libzmq
def test_term_wakes_many_threads_on_one_socket(world: World, wildcard: str) -> None:
    module = world.module(OURS)
    context = module.Context()
    pair = context.socket(module.PAIR)
    pair.linger = 0
    pair.bind(wildcard)
    begun = threading.Barrier(5)

    def wait(sends: bool) -> int:
        begun.wait(PATIENCE_S)
        try:
            if sends:
                pair.send(b"nobody takes it")
            else:
                pair.recv()
        except module.ContextTerminated as error:
            return error.errno
        raise AssertionError

    with ThreadPoolExecutor(5) as pool:
        waiting = [pool.submit(wait, i % 2 == 0) for i in range(4)]
        begun.wait(PATIENCE_S)
        ending = pool.submit(context.term)
        assert [w.result(PATIENCE_S) for w in waiting] == [156384765] * 4
        assert not ending.done()  # it waits for the socket
        pair.close()
        ending.result(PATIENCE_S)


@one_thread_in_libzmq
def test_close_wakes_who_waits(world: World, wildcard: str) -> None:
    module = world.module(OURS)
    pull = world.socket(OURS, "PULL")
    pull.bind(wildcard)
    begun = threading.Event()

    def wait() -> None:
        begun.set()
        pull.recv()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        assert begun.wait(PATIENCE_S)
        pull.close()
        with pytest.raises(module.ZMQError) as caught:
            waiting.result(PATIENCE_S)
    assert caught.value.errno == errno.ENOTSOCK


# --- one socket, many threads: legal here ---


@one_thread_in_libzmq
@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_threads_share_a_socket(world: World, fresh: Fresh, transport: str) -> None:
    n_threads, n_each = 4, 2000
    pull = world.socket(OURS, "PULL")
    pull.bind(fresh(transport))
    push = world.socket(OURS, "PUSH")
    push.connect(last_endpoint(pull))

    def send(k: int) -> None:
        for i in range(n_each):
            push.send_multipart([b"%d" % k, b"%d" % i])

    def recv() -> list[tuple[int, int]]:
        got = []
        for _ in range(n_each):
            k, i = pull.recv_multipart()
            got.append((int(k), int(i)))
        return got

    with ThreadPoolExecutor(2 * n_threads) as pool:
        receiving = [pool.submit(recv) for _ in range(n_threads)]
        sending = [pool.submit(send, k) for k in range(n_threads)]
        for future in sending:
            future.result(PATIENCE_S)
        parts = [future.result(PATIENCE_S) for future in receiving]
    everything = sorted(pair for part in parts for pair in part)
    assert everything == [(k, i) for k in range(n_threads) for i in range(n_each)]
    for part in parts:  # each thread saw each sender's messages in order
        for k in range(n_threads):
            numbers = [i for sender, i in part if sender == k]
            assert numbers == sorted(numbers)


@one_thread_in_libzmq
def test_a_poller_is_not_forgotten_behind_a_blocked_sender(
    world: World, fresh: Fresh
) -> None:
    """One ring wakes both; whoever takes it must think of the other."""
    module = world.module(OURS)
    left = world.socket(OURS, "PAIR", sndhwm=1, sndtimeo=-1)
    right = world.socket(OURS, "PAIR", rcvhwm=1)
    endpoint = fresh("inproc")
    right.bind(endpoint)
    left.connect(endpoint)
    fill(world, OURS, left, b"full", 10)
    with ThreadPoolExecutor(2) as pool:
        blocked = pool.submit(left.send, b"blocked")
        for _ in range(300):
            polling = pool.submit(left.poll, 10000, module.POLLIN)
            right.send(b"x")
            assert polling.result(PATIENCE_S) == module.POLLIN
            assert left.recv() == b"x"
        while right.recv() != b"blocked":
            pass
        blocked.result(PATIENCE_S)
