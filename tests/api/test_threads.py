# SPDX-License-Identifier: Apache-2.0
"""Sockets of one process in several threads."""

from __future__ import annotations

import threading
from collections import Counter

import pytest


def run(*functions) -> None:
    failures = []

    def guarded(function) -> None:
        try:
            function()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("transport", ["inproc", "tcp", "ipc"])
def test_a_stream_between_threads(zmq, pair, transport) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    n = 5000
    received = []

    def send() -> None:
        for i in range(n):
            push.send(b"%d" % i)

    def receive() -> None:
        for _ in range(n):
            received.append(pull.recv())

    run(send, receive)
    assert received == [b"%d" % i for i in range(n)]


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
def test_requests_between_threads(zmq, pair, transport) -> None:
    client, server = pair(zmq.REQ, zmq.REP, transport)

    def ask() -> None:
        for i in range(300):
            client.send(b"%d" % i)
            assert client.recv() == b"%d!" % i

    def answer() -> None:
        for _ in range(300):
            server.send(server.recv() + b"!")

    run(ask, answer)


def test_a_blocked_receiver_is_woken(zmq, pair) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, "tcp", rcvtimeo=-1)
    started = threading.Event()
    received = []

    def receive() -> None:
        started.set()
        received.append(pull.recv())

    def send() -> None:
        started.wait()
        push.send(b"x")

    run(receive, send)
    assert received == [b"x"]


def test_a_blocked_sender_is_woken(zmq, make) -> None:
    push, pull = make(zmq.PUSH, sndtimeo=-1, sndhwm=1), make(zmq.PULL, rcvhwm=1)
    pull.bind("inproc://narrow")
    push.connect("inproc://narrow")

    def send() -> None:
        for i in range(200):
            push.send(b"%d" % i)

    def receive() -> None:
        for i in range(200):
            assert pull.recv() == b"%d" % i

    run(send, receive)


def test_the_lock_of_python_is_given_up(zmq, make) -> None:
    """A blocked call lets other threads run."""
    pull, push = make(zmq.PULL, rcvtimeo=-1), make(zmq.PUSH)
    pull.bind("inproc://lock")
    steps = []
    about_to_block = threading.Event()

    def block() -> None:
        about_to_block.set()
        steps.append(pull.recv())

    thread = threading.Thread(target=block)
    thread.start()
    about_to_block.wait()
    for i in range(1000):
        steps.append(i)
    push.connect("inproc://lock")
    push.send(b"x")
    thread.join()
    assert steps[-1] == b"x"
    assert len(steps) == 1001


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
def test_many_senders_each_in_order(zmq, make, address, transport) -> None:
    pull = make(zmq.PULL)
    pull.bind(address(transport))
    where = pull.last_endpoint.decode()
    n_senders, n_messages = 4, 500

    def sender(number: int):
        def send() -> None:
            push = make(zmq.PUSH, linger=-1)
            push.connect(where)
            for i in range(n_messages):
                push.send_multipart([b"%d" % number, b"%d" % i])
            push.close()

        return send

    seen: Counter[bytes] = Counter()

    def receive() -> None:
        for _ in range(n_senders * n_messages):
            number, i = pull.recv_multipart()
            assert int(i) == seen[number]
            seen[number] += 1

    run(receive, *(sender(number) for number in range(n_senders)))
    assert set(seen.values()) == {n_messages}


def test_one_socket_in_several_threads(zmq, pair, ours) -> None:
    if not ours:
        pytest.skip("a crash in libzmq")
    push, pull = pair(zmq.PUSH, zmq.PULL, "tcp")
    n_threads, n_messages = 3, 1000
    received: Counter[bytes] = Counter()
    lock = threading.Lock()

    def send() -> None:
        for i in range(n_messages):
            push.send_multipart([b"part", b"%d" % i])

    def receive() -> None:
        mine = Counter()
        for _ in range(n_messages):
            first, second = pull.recv_multipart()
            assert first == b"part"
            mine[second] += 1
        with lock:
            received.update(mine)

    run(*[send] * n_threads, *[receive] * n_threads)
    assert received == {b"%d" % i: n_threads for i in range(n_messages)}


def test_a_socket_closed_under_a_call(zmq, make, ours) -> None:
    if not ours:
        pytest.skip("a crash in libzmq")
    pull = make(zmq.PULL, rcvtimeo=-1)
    started = threading.Event()
    raised = []

    def receive() -> None:
        started.set()
        try:
            pull.recv()
        except zmq.ZMQError as error:
            raised.append(error.errno)

    def close() -> None:
        started.wait()
        pull.close()

    run(receive, close)
    assert raised == [zmq.ENOTSOCK]
