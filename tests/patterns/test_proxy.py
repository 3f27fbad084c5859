# SPDX-License-Identifier: Apache-2.0
"""Proxies: what goes in on one side comes out on the other, whole and in order."""

from __future__ import annotations

import errno
import math
import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from patterns.conftest import OURS, refuses, until

N = 2000


def last(made: Any) -> str:
    return made.getsockopt_string(32)


@contextmanager
def running(world: Any, library: str, *sockets: Any) -> Iterator[None]:
    """Run a proxy in a thread, which ends by TERMINATE to the last socket."""
    ended = []
    module = world.module(library)
    context = world.context(library)
    control = context.socket(module.PAIR)
    order = context.socket(module.PAIR)
    control.bind("inproc://control")
    order.connect("inproc://control")
    front, back, *capture = sockets

    def run() -> None:
        capturing = capture[0] if capture else None
        ended.append(module.proxy_steerable(front, back, capturing, control))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        order.send(b"TERMINATE")
        thread.join()
        control.close(linger=0)
        order.close(linger=0)
    assert ended in ([0], [None])


@pytest.fixture
def pairs(fresh: Callable[[str], str], library: str, world: Any) -> Callable[..., Any]:
    """Return a function that makes a bound socket and its peers."""

    def make(kind: str, peers: str, transport: str = "inproc", n: int = 1) -> Any:
        bound = world.socket(library, kind)
        bound.bind(fresh(transport))
        found = []
        for _ in range(n):
            peer = world.socket(library, peers)
            peer.connect(last(bound))
            found.append(peer)
        return bound, found

    return make


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
def test_questions_and_answers(
    library: str, transport: str, pairs: Callable[..., Any], world: Any
) -> None:
    front, clients = pairs("ROUTER", "REQ", transport, 3)
    back, workers = pairs("DEALER", "REP", transport, 2)

    def work(worker: Any) -> None:
        while not done.is_set():
            if worker.poll(20):
                worker.send_multipart([*worker.recv_multipart(), b"answered"])

    def ask(client: Any) -> None:
        for i in range(200):
            question = [b"%d" % i, bytes(i * 50)]
            client.send_multipart(question)
            assert client.recv_multipart() == [*question, b"answered"]
        answered.append(client)

    answered: list[Any] = []
    done = threading.Event()
    threads = [threading.Thread(target=work, args=(w,)) for w in workers]
    asking = [threading.Thread(target=ask, args=(c,)) for c in clients]
    with running(world, library, front, back):
        for thread in threads + asking:
            thread.start()
        for thread in asking:
            thread.join()
        done.set()
        for thread in threads:
            thread.join()
    assert len(answered) == 3


def test_a_pipeline_loses_nothing(
    library: str, pairs: Callable[..., Any], world: Any
) -> None:
    """Low marks on all sides, and a receiver that comes late."""
    front, (push,) = pairs("PULL", "PUSH")
    back, (pull,) = pairs("PUSH", "PULL")
    for made in [front, push, back, pull]:
        made.sndhwm = made.rcvhwm = 3

    def send_all() -> None:
        for i in range(N):
            push.send_multipart([b"%d" % i, bytes(i % 7000)], copy=i % 2 == 0)

    thread = threading.Thread(target=send_all)
    with running(world, library, front, back):
        thread.start()
        for i in range(N):
            assert pull.recv_multipart() == [b"%d" % i, bytes(i % 7000)]
        thread.join()


def test_subscriptions_pass(
    library: str, pairs: Callable[..., Any], world: Any
) -> None:
    front, (publisher,) = pairs("XSUB", "PUB")
    back, (subscriber,) = pairs("XPUB", "SUB")
    with running(world, library, front, back):
        subscriber.setsockopt(6, b"a")

        def try_once() -> Any:
            publisher.send_multipart([b"b", b"not wanted"])
            publisher.send_multipart([b"a", b"wanted"])
            return subscriber.poll(10)

        until(try_once)
        assert subscriber.recv_multipart() == [b"a", b"wanted"]


def test_one_socket_gets_its_own_back(
    library: str, pairs: Callable[..., Any], world: Any
) -> None:
    router, dealers = pairs("ROUTER", "DEALER", "tcp", 2)
    with running(world, library, router, router):
        for i in range(100):
            for dealer in dealers:
                dealer.send_multipart([b"%d" % i, b"x"])
            for dealer in dealers:
                assert dealer.recv_multipart() == [b"%d" % i, b"x"]


@pytest.mark.parametrize("library", [OURS])
def test_one_rep_echoes(library: str, pairs: Callable[..., Any], world: Any) -> None:
    """It can send only once it has taken something (libzmq: in plain proxies only)."""
    rep, (req,) = pairs("REP", "REQ", "tcp")
    with running(world, library, rep, rep):
        for i in range(10):
            req.send_multipart([b"%d" % i, b"x"])
            assert req.recv_multipart() == [b"%d" % i, b"x"]


def test_capture(library: str, pairs: Callable[..., Any], world: Any) -> None:
    front, (push,) = pairs("PULL", "PUSH")
    back, (pull,) = pairs("PUSH", "PULL")
    capture, (captured,) = pairs("PUSH", "PULL")
    with running(world, library, front, back, capture):
        for i in range(100):
            push.send_multipart([b"%d" % i, b"x" * i])
        for i in range(100):
            assert pull.recv_multipart() == [b"%d" % i, b"x" * i]
            assert captured.recv_multipart() == [b"%d" % i, b"x" * i]


@pytest.mark.parametrize("library", [OURS])
@pytest.mark.parametrize("ends_before", [False, True])
def test_a_full_capture_holds_up_messages_but_no_commands(
    ends_before: bool, pairs: Callable[..., Any], world: Any, library: str
) -> None:
    """Libzmq waits in the middle of passing one on."""
    front, (push,) = pairs("PULL", "PUSH")
    back, (pull,) = pairs("PUSH", "PULL")
    capture, _ = pairs("PUSH", "PULL", n=0)
    control, (order,) = pairs("REP", "REQ")
    module = world.module(library)
    thread = threading.Thread(
        target=module.proxy_steerable, args=(front, back, capture, control)
    )
    thread.start()
    push.send(b"whole")
    for _ in range(10):
        order.send(b"STATISTICS")
        assert order.recv_multipart() == [bytes(8)] * 8
    if not ends_before:
        captured = world.socket(library, "PULL")
        captured.connect(last(capture))
        assert captured.recv() == pull.recv() == b"whole"
    order.send(b"TERMINATE")
    assert order.recv() == b""
    thread.join()
    if ends_before:
        assert front.recv() == b"whole"


@pytest.mark.parametrize("library", [OURS])
@pytest.mark.parametrize("kind", ["PAIR", "REP"])
def test_control(
    kind: str, pairs: Callable[..., Any], world: Any, library: str
) -> None:
    """Libzmq 4.3.5 knows nothing but TERMINATE."""
    front, (push,) = pairs("PULL", "PUSH")
    back, (pull,) = pairs("PUSH", "PULL")
    control, (order,) = pairs(kind, "REQ" if kind == "REP" else "PAIR")
    module = world.module(library)
    thread = threading.Thread(
        target=module.proxy_steerable, args=(front, back, None, control)
    )
    thread.start()

    def tell(text: bytes) -> None:
        order.send(text)
        if kind == "REP":
            assert order.recv() == b""

    def statistics() -> tuple[int, ...]:
        order.send(b"STATISTICS")
        return tuple(struct.unpack("Q", part)[0] for part in order.recv_multipart())

    assert statistics() == (0,) * 8
    push.send_multipart([b"ab", b"c"])
    assert pull.recv_multipart() == [b"ab", b"c"]
    assert statistics() == (2, 3, 0, 0, 0, 0, 2, 3)
    tell(b"what is this?")
    tell(b"PAUSE")
    assert statistics()[0] == 2
    push.send(b"paused")
    assert not pull.poll(50)
    tell(b"RESUME")
    assert pull.recv() == b"paused"
    tell(b"TERMINATE")
    thread.join()


def test_the_end_of_the_context(library: str, world: Any) -> None:
    module = world.module(library)
    context = module.Context()
    front, back = context.socket(module.ROUTER), context.socket(module.DEALER)
    front.bind("inproc://front")
    back.bind("inproc://back")
    ended = []

    def run() -> None:
        try:
            module.proxy(front, back)
        except module.ContextTerminated:
            ended.append(True)
        front.close()
        back.close()

    thread = threading.Thread(target=run)
    thread.start()
    context.term()
    thread.join()
    assert ended


def test_a_signal_ends_it_or_does_not(world: Any) -> None:
    zmq = world.module(OURS)
    front, back = world.socket(OURS, "PULL"), world.socket(OURS, "PUSH")
    front.bind("inproc://front")
    back.bind("inproc://back")
    push, pull = world.socket(OURS, "PUSH"), world.socket(OURS, "PULL")
    push.connect("inproc://front")
    pull.connect("inproc://back")
    calls = []
    raised = [-math.inf]

    class Enough(Exception):
        pass

    def handler(*args: object) -> None:
        """Raise once; and again if that was lost in a callback that lets none out."""
        calls.append(args)
        now = time.monotonic()
        if len(calls) > 20 and now > raised[-1] + 5:
            raised.append(now)
            raise Enough

    def disturb() -> None:
        for i in range(N):
            push.send(b"%d" % i)
            if i % 100 == 0:
                os.kill(os.getpid(), signal.SIGUSR1)
        for i in range(N):
            assert pull.recv() == b"%d" % i
        while not done.wait(0.01):
            os.kill(os.getpid(), signal.SIGUSR1)

    done = threading.Event()
    before = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        with pytest.raises(Enough):
            zmq.proxy(front, back)
    finally:
        done.set()
        thread.join()
        signal.signal(signal.SIGUSR1, before)


def test_bad_arguments(library: str, world: Any) -> None:
    zmq = world.module(library)
    pull, push = world.socket(library, "PULL"), world.socket(library, "PUSH")
    for bad in [None, 3, "socket"]:
        with pytest.raises(TypeError):
            zmq.proxy(bad, push)
        with pytest.raises(TypeError):
            zmq.proxy(pull, bad)
    with pytest.raises(TypeError):
        zmq.proxy(pull, push, 3)
    with pytest.raises(TypeError):
        zmq.proxy_steerable(pull, push, None, 3)
    pull.close()
    with refuses(errno.ENOTSOCK, errno.EFAULT):
        zmq.proxy(pull, push)


def test_device(library: str, world: Any) -> None:
    """As ipykernel's heartbeat uses it."""
    zmq = world.module(library)
    router, dealer = world.socket(library, "ROUTER"), world.socket(library, "DEALER")
    router.bind("tcp://127.0.0.1:*")
    dealer.connect(last(router))
    ended = []

    def run() -> None:
        try:
            zmq.device(zmq.QUEUE, router, router)
        except zmq.ZMQError as error:
            ended.append(error.errno)

    thread = threading.Thread(target=run)
    thread.start()
    dealer.send(b"ping")
    assert dealer.recv() == b"ping"
    context = world.contexts.pop(library)
    closing = threading.Thread(target=context.term)
    closing.start()
    thread.join()
    assert len(ended) == 1
    for made in [router, dealer]:
        made.close(linger=0)
    closing.join()
    world.sockets.clear()
