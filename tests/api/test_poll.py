# SPDX-License-Identifier: Apache-2.0
"""Waiting for sockets and descriptors."""

from __future__ import annotations

import os
import select
import socket as stdlib_socket
import threading

import pytest


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_registration(zmq, push_pull) -> None:
    push, pull = push_pull
    poller = zmq.Poller()
    poller.register(push)
    poller.register(pull, zmq.POLLIN)
    assert push in poller
    assert poller.sockets == [(push, zmq.POLLIN | zmq.POLLOUT), (pull, zmq.POLLIN)]
    poller.register(push, zmq.POLLOUT)
    assert poller.sockets[0] == (push, zmq.POLLOUT)
    poller.modify(push, zmq.POLLIN)
    assert poller.sockets[0] == (push, zmq.POLLIN)
    poller.register(push, 0)
    assert push not in poller
    assert poller.sockets == [(pull, zmq.POLLIN)]
    poller.register(push, 0)
    poller.register(push)
    poller.unregister(pull)
    assert poller.sockets == [(push, zmq.POLLIN | zmq.POLLOUT)]
    with pytest.raises(KeyError):
        poller.unregister(pull)


@pytest.mark.parametrize("transport", ["inproc", "tcp", "ipc"])
def test_readiness(zmq, pair, transport) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    poller.register(push, zmq.POLLOUT)
    assert push.poll(10_000, zmq.POLLOUT) == zmq.POLLOUT
    assert poller.poll(0) == [(push, zmq.POLLOUT)]
    push.send(b"x")
    assert pull.poll(10_000) == zmq.POLLIN
    assert dict(poller.poll(10_000)) == {push: zmq.POLLOUT, pull: zmq.POLLIN}
    assert pull.recv() == b"x"
    assert dict(poller.poll(0)) == {push: zmq.POLLOUT}


def test_the_poll_of_a_socket(zmq, push_pull) -> None:
    push, pull = push_pull
    assert pull.poll(0) == 0
    assert pull.poll(10) == 0
    assert pull.poll(timeout=0, flags=zmq.POLLIN | zmq.POLLOUT) == 0
    assert push.poll(0, zmq.POLLOUT) == zmq.POLLOUT
    assert type(push.poll(0, zmq.POLLOUT)) is int
    push.send(b"x")
    for timeout in (None, -1, 10, 0, 0.5):
        assert pull.poll(timeout) == zmq.POLLIN


def test_one_of_many(zmq, make) -> None:
    pulls = [make(zmq.PULL) for _ in range(40)]
    poller = zmq.Poller()
    for i, pull in enumerate(pulls):
        pull.bind(f"inproc://many-{i}")
        poller.register(pull, zmq.POLLIN)
    assert poller.poll(0) == []
    push = make(zmq.PUSH)
    push.connect("inproc://many-33")
    push.send(b"x")
    assert poller.poll() == [(pulls[33], zmq.POLLIN)]


def test_nothing_to_wait_for(zmq) -> None:
    assert zmq.Poller().poll() == []
    assert zmq.Poller().poll(10_000) == []
    assert zmq.zmq_poll([]) == []


def test_descriptors(zmq, push_pull, pipe) -> None:
    push, pull = push_pull
    reader, writer = pipe
    poller = zmq.Poller()
    poller.register(reader, zmq.POLLIN)
    poller.register(writer, zmq.POLLOUT)
    poller.register(pull, zmq.POLLIN)
    assert poller.poll(0) == [(writer, zmq.POLLOUT)]
    os.write(writer, b"x")
    push.send(b"x")
    assert dict(poller.poll(10_000)) == {
        reader: zmq.POLLIN,
        writer: zmq.POLLOUT,
        pull: zmq.POLLIN,
    }
    poller.unregister(writer)
    os.read(reader, 1)
    assert poller.poll(10_000) == [(pull, zmq.POLLIN)]


def test_objects_with_a_descriptor(zmq, pipe) -> None:
    _, writer = pipe
    left, right = stdlib_socket.socketpair()
    with left, right, os.fdopen(os.dup(writer), "wb") as file:
        assert zmq.zmq_poll([(left, zmq.POLLOUT), (file, zmq.POLLOUT)], 0) == [
            (left.fileno(), zmq.POLLOUT),
            (file.fileno(), zmq.POLLOUT),
        ]


def test_hang_up(zmq) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    (found,) = zmq.zmq_poll([(reader, zmq.POLLIN)], 10_000)
    assert found[0] == reader
    assert found[1] & zmq.POLLERR
    os.close(reader)


def test_what_cannot_be_polled(zmq) -> None:
    for thing in (object(), "text", 1.5, None):
        with pytest.raises(TypeError):
            zmq.zmq_poll([(thing, zmq.POLLIN)], 0)

    class Bad:
        def fileno(self):
            return "none"

    with pytest.raises(ValueError):  # noqa: PT011
        zmq.zmq_poll([(Bad(), zmq.POLLIN)], 0)


def test_select(zmq, push_pull, pipe) -> None:
    push, pull = push_pull
    reader, writer = pipe
    assert zmq.select([pull], [push], [pull], 0) == ([], [push], [])
    assert zmq.select([pull, reader], [], [], 0.01) == ([], [], [])
    push.send(b"x")
    os.write(writer, b"x")
    assert zmq.select([pull], [push], [pull], timeout=10) == ([pull], [push], [])
    readable, writable, _ = zmq.select([pull, reader], [writer], [])
    assert set(readable) == {pull, reader}
    assert writable == [writer]
    assert zmq.select([], [], [], 0) == ([], [], [])


def test_closed_sockets(zmq, make, ours) -> None:
    pull = make(zmq.PULL)
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    pull.close()
    if ours:
        # pyzmq waits for standard input instead.
        with pytest.raises(zmq.ZMQError) as info:
            poller.poll(0)
        assert info.value.errno == zmq.ENOTSOCK
    poller.unregister(pull)
    assert pull not in poller
    assert poller.poll(0) == []


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
def test_the_descriptor(zmq, pair, transport) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    descriptor = pull.fileno()
    assert descriptor == pull.fd == pull.FD == pull.get(zmq.FD)
    for i in range(5):
        # The rule: look at EVENTS, receive all there is, wait for the descriptor.
        while pull.events & zmq.POLLIN:
            pull.recv()
        push.send(b"%d" % i)
        while not pull.events & zmq.POLLIN:
            ready, _, _ = select.select([descriptor], [], [], 10)
            assert ready == [descriptor]
        assert pull.recv() == b"%d" % i


def test_many_messages_by_the_descriptor(zmq, pair) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, "tcp")
    received = []
    for i in range(500):
        push.send(b"%d" % i)
    while len(received) < 500:
        while pull.events & zmq.POLLIN:
            received.append(pull.recv(zmq.DONTWAIT))
        if len(received) < 500:
            assert select.select([pull.fd], [], [], 10)[0]
    assert received == [b"%d" % i for i in range(500)]


def is_readable(socket, seconds: float = 10) -> bool:
    return select.select([socket.fd], [], [], seconds)[0] != []


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
def test_receiving_until_there_is_nothing(zmq, pair, transport) -> None:
    """That is as good as to read EVENTS: the descriptor is quiet then."""
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    for i in range(5):
        push.send(b"%d" % i)
        received = []
        while not received:
            assert is_readable(pull)
            with pytest.raises(zmq.Again):
                while True:
                    received.append(pull.recv(zmq.DONTWAIT))
        assert received == [b"%d" % i]
        assert not is_readable(pull, 0)


def test_a_descriptor_that_is_asked_for_late(zmq, pair) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc")
    push.send(b"x")
    assert is_readable(pull)
    assert pull.recv() == b"x"


def test_sending_until_there_is_no_room(zmq, ctx, ours) -> None:
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.sndhwm = pull.rcvhwm = 1
        pull.bind("inproc://room")
        push.connect("inproc://room")
        assert push.fd >= 0
        with pytest.raises(zmq.Again):
            while True:
                push.send(b"x", zmq.DONTWAIT)
        if ours:
            # Libzmq may need another attempt, later.
            assert not is_readable(push, 0)
        pull.recv()
        pull.recv()
        assert is_readable(push)
        assert push.poll(10_000, zmq.POLLOUT) == zmq.POLLOUT


def test_a_negative_descriptor_is_never_ready(zmq, push_pull) -> None:
    push, _ = push_pull

    class Closed:
        def fileno(self):
            return -1

    for thing in (-1, Closed()):
        assert zmq.zmq_poll([(thing, zmq.POLLIN)], 0) == []
        ready = zmq.zmq_poll([(thing, zmq.POLLIN), (push, zmq.POLLOUT)], 10)
        assert ready == [(push, zmq.POLLOUT)]


def test_a_descriptor_that_is_not_open(zmq) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.close(writer)
    assert zmq.zmq_poll([(reader, zmq.POLLIN)], 10_000) == [(reader, zmq.POLLERR)]


@pytest.mark.parametrize("timeout", ["1", [], object()])
def test_times_of_the_wrong_type(zmq, push_pull, timeout) -> None:
    _, pull = push_pull
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    for call in (
        lambda: poller.poll(timeout),
        lambda: pull.poll(timeout),
        lambda: zmq.select([pull], [], [], timeout),
    ):
        with pytest.raises(TypeError):
            call()


def test_fractions_of_a_millisecond(zmq, push_pull) -> None:
    push, pull = push_pull
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    assert poller.poll(0.9) == []
    assert poller.poll(1.9) == []
    assert zmq.select([pull], [], [], 0.001) == ([], [], [])
    push.send(b"x")
    assert poller.poll(0.9) == [(pull, zmq.POLLIN)]


def test_what_a_poller_remembers(zmq, make) -> None:
    a, b, c = (make(zmq.PULL) for _ in range(3))
    poller = zmq.Poller()
    for socket in (a, b, c):
        poller.register(socket, zmq.POLLIN)
    poller.unregister(a)
    # Those behind it have moved up.
    assert poller._map == {b: 0, c: 1}
    poller.modify(c, zmq.POLLOUT)
    assert poller.sockets == [(b, zmq.POLLIN), (c, zmq.POLLOUT)]
    poller.modify(a, zmq.POLLIN)
    assert a in poller


def test_flags_are_masks(zmq, push_pull) -> None:
    push, pull = push_pull
    push.send(b"x")
    ((thing, flags),) = zmq.zmq_poll([(pull, zmq.POLLIN | zmq.POLLOUT)], 0)
    assert thing is pull
    assert type(flags) is int
    assert flags == zmq.POLLIN


def test_a_poll_is_woken(zmq, push_pull) -> None:
    push, pull = push_pull
    started = threading.Event()
    found = []

    def wait() -> None:
        started.set()
        poller = zmq.Poller()
        poller.register(pull, zmq.POLLIN)
        found.extend(poller.poll())

    thread = threading.Thread(target=wait)
    thread.start()
    started.wait()
    push.send(b"x")
    thread.join()
    assert found == [(pull, zmq.POLLIN)]
