# SPDX-License-Identifier: Apache-2.0
"""Connects, closes and kills at random: five seconds of it, or a minute (-m stress).

Contexts, sockets, threads and endpoints come and go; peers of both libraries, in
processes of their own, are killed in the middle. FASTMQ_STRESS_SECONDS is another
length for either. FASTMQ_SEED repeats the choices of a run, though not its timing; the
seed of a run is printed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from interop.content import Content
from interop.process import Peer

import fastmq

SHORT_S = float(os.environ.get("FASTMQ_STRESS_SECONDS", "5"))
LONG_S = float(os.environ.get("FASTMQ_STRESS_SECONDS", "60"))
SEED = int(os.environ.get("FASTMQ_SEED", time.time_ns()))
PATIENCE_MS = 30000
PATIENCE_S = 60.0
CONTENT = Content(3)

names = iter(range(1 << 62))
names_lock = threading.Lock()


def new_endpoint(dice: random.Random, transports: str = "tcp ipc inproc") -> str:
    with names_lock:
        n = next(names)
    match dice.choice(transports.split()):
        case "tcp":
            return "tcp://127.0.0.1:*"
        case "ipc":
            return f"ipc://@fastmq-stress-{os.getpid()}-{n}"
        case _:
            return f"inproc://{n}"


@contextmanager
def some_context(dice: random.Random, shared: Any) -> Iterator[Any]:
    """Give a context of one's own, or everybody's."""
    if dice.random() < 0.5:
        yield shared
        return
    context = fastmq.Context()
    try:
        yield context
    finally:
        context.destroy(linger=0)


def new_socket(context: Any, kind: int, dice: random.Random) -> Any:
    socket = context.socket(kind)
    socket.rcvtimeo = socket.sndtimeo = PATIENCE_MS
    socket.linger = 0
    socket.sndhwm = dice.choice([0, 1, 2, 10, 1000])
    socket.rcvhwm = dice.choice([0, 1, 2, 10, 1000])
    return socket


def bind(socket: Any, endpoint: str) -> str:
    socket.bind(endpoint)
    return str(socket.last_endpoint.decode().rstrip("\0"))


# --- scenes ---


def play_stream(dice: random.Random, shared: Any) -> None:
    """Two senders, one receiver; what comes is whole and in order."""
    n = dice.randrange(1, 200)
    with some_context(dice, shared) as context:
        pull = new_socket(context, fastmq.PULL, dice)
        pushers = [new_socket(context, fastmq.PUSH, dice) for _ in range(2)]
        try:
            endpoint = bind(pull, new_endpoint(dice))
            for push in pushers:
                push.connect(endpoint)

            def send(k: int) -> None:
                for i in range(n):
                    message = CONTENT.edges(23 + (i + k) % 20)
                    pushers[k].send_multipart([b"%d %d" % (k, i), *message])

            with ThreadPoolExecutor(2) as pool:
                sending = [pool.submit(send, k) for k in range(2)]
                expected = [0, 0]
                for _ in range(2 * n):
                    stamp, *message = pull.recv_multipart()
                    k, i = map(int, stamp.split())
                    assert i == expected[k]
                    assert message == CONTENT.edges(23 + (i + k) % 20)
                    expected[k] += 1
                for future in sending:
                    future.result(PATIENCE_S)
        finally:
            for socket in (pull, *pushers):
                socket.close()


def play_sudden_close(dice: random.Random, shared: Any) -> None:
    """Sockets are closed under the threads that use them."""
    with some_context(dice, shared) as context:
        left = new_socket(context, fastmq.PAIR, dice)
        right = new_socket(context, fastmq.PAIR, dice)
        right.connect(bind(left, new_endpoint(dice)))

        def use(socket: Any, call: Callable[[], Any]) -> None:
            try:
                while True:
                    call()
            except fastmq.ZMQError:
                assert socket.closed

        with ThreadPoolExecutor(3) as pool:
            running = [
                pool.submit(use, left, lambda: left.send(b"x" * 1000)),
                pool.submit(use, left, lambda: left.recv()),
                pool.submit(use, left, lambda: left.poll(100)),
            ]
            for _ in range(dice.randrange(50)):
                right.send_multipart([b"a", b"b"])
                right.recv()
            left.close()
            for future in running:
                future.result(PATIENCE_S)
        right.close()


def play_questions(dice: random.Random, shared: Any) -> None:
    with some_context(dice, shared) as context:
        req = new_socket(context, fastmq.REQ, dice)
        rep = new_socket(context, fastmq.REP, dice)
        try:
            req.connect(bind(rep, new_endpoint(dice)))
            for i in range(dice.randrange(1, 50)):
                req.send_multipart([b"%d" % i, b"x" * i])
                assert rep.recv_multipart() == [b"%d" % i, b"x" * i]
                rep.send(b"%d" % i)
                assert req.recv() == b"%d" % i
        finally:
            req.close()
            rep.close()


def play_churn(dice: random.Random, shared: Any) -> None:
    """Bind, unbind, connect and disconnect, used or not."""
    with some_context(dice, shared) as context:
        socket = new_socket(context, fastmq.PULL, dice)
        other = new_socket(context, fastmq.PUSH, dice)
        other.sndtimeo = 0
        try:
            for _ in range(dice.randrange(1, 8)):
                endpoint = bind(socket, new_endpoint(dice))
                for _ in range(dice.randrange(4)):
                    other.connect(endpoint)
                    if dice.random() < 0.5:
                        with suppress(fastmq.Again):
                            other.send(b"perhaps")
                    if dice.random() < 0.7:
                        other.disconnect(endpoint)
                if dice.random() < 0.7:
                    socket.unbind(endpoint)
                if socket.poll(0):
                    assert socket.recv() == b"perhaps"
        finally:
            socket.close()
            other.close()


def play_kill(dice: random.Random, shared: Any) -> None:
    """A peer process is killed while it talks to us."""
    library = dice.choice(["fastmq", "zmq"])
    with some_context(dice, shared) as context:
        pull = new_socket(context, fastmq.PULL, dice)
        try:
            endpoint = bind(pull, new_endpoint(dice, "tcp ipc"))
            options = {"type": "PUSH", "count": 1 << 30, "size": 2000, "first": 1}
            for _ in range(dice.randrange(1, 3)):
                with Peer(library, "stream", endpoint, **options) as peer:
                    for _ in range(dice.randrange(1, 500)):
                        pull.recv_multipart()
                    peer.kill()
        finally:
            pull.close()


SCENES = [play_stream] * 4 + [play_sudden_close] * 4 + [play_questions] * 4
SCENES += [play_churn] * 8 + [play_kill]


def play(seconds: float) -> None:
    print(f"FASTMQ_SEED={SEED}")
    end = time.monotonic() + seconds
    shared = fastmq.Context()

    def work(k: int) -> int:
        dice = random.Random(SEED + k)
        n = 0
        while n == 0 or time.monotonic() < end:
            dice.choice(SCENES)(dice, shared)
            n += 1
        return n

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work, k) for k in range(4)]
        assert all(w.result(seconds + PATIENCE_S) > 0 for w in working)
        pool.submit(shared.term).result(PATIENCE_S)


@pytest.mark.timeout(int(SHORT_S) + 120)
def test_the_library_survives_a_while() -> None:
    play(SHORT_S)


@pytest.mark.stress
@pytest.mark.timeout(int(LONG_S) + 120)
def test_the_library_survives() -> None:
    play(LONG_S)


@pytest.mark.stress
@pytest.mark.timeout(int(LONG_S) + 120)
def test_a_process_that_is_left_in_the_middle(tmp_path: Path) -> None:
    """Exit with sockets open, threads blocked and messages queued: no hang."""
    program = tmp_path / "leaves.py"
    program.write_text(LEAVES)
    end = time.monotonic() + LONG_S
    dice = random.Random(SEED)
    while time.monotonic() < end:
        arguments = [str(program), str(dice.randrange(1 << 30))]
        done = subprocess.run([sys.executable, *arguments], timeout=60, check=False)
        assert done.returncode == 0, arguments


LEAVES = """
import random, sys, threading, fastmq
dice = random.Random(int(sys.argv[1]))
context = fastmq.Context()
pull, push = context.socket(fastmq.PULL), context.socket(fastmq.PUSH)
pull.bind(dice.choice(["tcp://127.0.0.1:*", "ipc://*", "inproc://x"]))
push.connect(pull.last_endpoint.decode().rstrip("\\0"))
for i in range(dice.randrange(500)):
    push.send(b"x" * dice.randrange(5000))
if dice.random() < 0.5:
    begun = threading.Event()
    def wait():
        begun.set()
        while True:
            pull.recv()
    threading.Thread(target=wait, daemon=True).start()
    begun.wait()
if dice.random() < 0.5:
    push.close(linger=0)
"""
