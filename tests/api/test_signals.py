# SPDX-License-Identifier: Apache-2.0
"""Signals during calls that block."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
from functools import partial

import pytest


class Caught(Exception):
    pass


def give_up(*args: object) -> None:
    raise Caught


@pytest.fixture
def ring(alarm, ours):
    """Return a function that has a handler called soon, and once.

    libzmq does not see a signal that comes just before it sleeps; the next one ends
    that sleep, and so pyzmq gets more of them. To us one is enough.
    """

    def call_once(handler, **when) -> None:
        calls = []

        def first(*args: object) -> None:
            calls.append(1)
            if len(calls) == 1:
                handler(*args)

        alarm(first, every=0 if ours else 0.05, **when)

    return call_once


# Their sockets are made before the signal may come.
CALLS = {
    "recv": lambda zmq, make: make(zmq.PULL, rcvtimeo=-1).recv,
    "recv without a copy": lambda zmq, make: partial(
        make(zmq.PULL, rcvtimeo=-1).recv, copy=False
    ),
    "recv_into": lambda zmq, make: partial(
        make(zmq.PULL, rcvtimeo=-1).recv_into, bytearray(1)
    ),
    "recv_multipart": lambda zmq, make: make(zmq.PULL, rcvtimeo=-1).recv_multipart,
    "send": lambda zmq, make: partial(make(zmq.PUSH, sndtimeo=-1).send, b"x"),
    "send large": lambda zmq, make: partial(
        make(zmq.PUSH, sndtimeo=-1).send, bytes(2 << 20)
    ),
    "send without a copy": lambda zmq, make: partial(
        make(zmq.PUSH, sndtimeo=-1).send, bytes(100_000), copy=False
    ),
    "send_multipart": lambda zmq, make: partial(
        make(zmq.PUSH, sndtimeo=-1).send_multipart, [b"x", b"y"]
    ),
    "poll": lambda zmq, make: make(zmq.PULL).poll,
    "select": lambda zmq, make: partial(zmq.select, [make(zmq.PULL)], [], []),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_a_handler_raises_comes_through(zmq, make, ring, call) -> None:
    blocks = CALLS[call](zmq, make)
    with pytest.raises(Caught):
        ring(give_up)
        blocks()


OURS_ALONE = {
    "recv_many": lambda zmq, make: make(zmq.PULL, rcvtimeo=-1).recv_many,
    "send_many": lambda zmq, make: partial(
        make(zmq.PUSH, sndtimeo=-1).send_many, [b"x", b"y"]
    ),
    "proxy": lambda zmq, make: partial(zmq.proxy, make(zmq.PULL), make(zmq.PUSH)),
    "term": lambda zmq, make: make(zmq.PULL).context.term,
}


@pytest.mark.parametrize("call", [*CALLS, *OURS_ALONE])
def test_a_signal_that_interrupts_nothing_is_not_slept_through(
    zmq, make, ours, alarm, call
) -> None:
    """One that comes before the sleep, or to another thread, as here."""
    if not ours:
        pytest.skip("pyzmq's calls sleep through it")
    blocks = {**CALLS, **OURS_ALONE}[call](zmq, make)
    with pytest.raises(Caught):
        alarm(give_up, elsewhere=True)
        blocks()


def test_a_proxy_with_much_to_do_can_be_interrupted(zmq, pair, ours, alarm) -> None:
    if not ours:
        pytest.skip("pyzmq's sleeps only where it has nothing to do")
    front, back = pair(zmq.PAIR, zmq.PAIR)
    front.send(b"which it passes to the other one again and again")
    with pytest.raises(Caught):
        alarm(give_up, elsewhere=True)
        zmq.proxy(front, back)


def test_the_socket_stays_usable(zmq, pair, ring) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, rcvtimeo=-1)
    for i in range(3):
        with pytest.raises(Caught):
            ring(give_up, after=0.01)
            pull.recv()
        push.send(b"%d" % i)
        assert pull.recv() == b"%d" % i


def test_a_handler_that_returns(zmq, pair, alarm) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, rcvtimeo=-1)
    calls = []

    def handler(*args: object) -> None:
        calls.append(1)
        if len(calls) == 3:
            # The handler may use the very socket that is waited for.
            assert pull.events == 0
            push.send(b"from the handler")

    alarm(handler, after=0.01, every=0.01)
    assert pull.recv() == b"from the handler"
    assert len(calls) >= 3


def test_a_handler_may_take_the_message(zmq, pair, ring) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, rcvtimeo=-1)
    taken = []

    def handler(*args: object) -> None:
        push.send(b"1")
        taken.append(pull.recv())
        push.send(b"2")

    ring(handler)
    assert pull.recv() == b"2"
    assert taken == [b"1"]


TIMED = {
    "recv": lambda pull, push: pull.recv(),
    "recv without a copy": lambda pull, push: pull.recv(copy=False),
    "recv_into": lambda pull, push: pull.recv_into(bytearray(4)),
    "recv_multipart": lambda pull, push: pull.recv_multipart(),
    "frames": lambda pull, push: pull.recv_multipart(copy=False),
    "send": lambda pull, push: push.send(b"x"),
    "send large": lambda pull, push: push.send(bytes(2 << 20)),
    "send without a copy": lambda pull, push: push.send(bytes(100_000), copy=False),
    "send_multipart": lambda pull, push: push.send_multipart([b"x", b"y"]),
}
POLLS = {
    "poll": lambda zmq, pull: pull.poll(300),
    "zmq_poll": lambda zmq, pull: zmq.zmq_poll([(pull, zmq.POLLIN)], 300),
    "select": lambda zmq, pull: zmq.select([pull], [], [], 0.3)[0],
}


@pytest.fixture
def busy_alarm(alarm):
    """Signals all the time; a wait that begins anew with each would never end."""
    alarm(lambda *args: None, after=0.02, every=0.02)


@pytest.mark.parametrize("call", TIMED)
def test_the_deadline_does_not_move(zmq, make, ours, call, request) -> None:
    if not ours:
        pytest.skip("pyzmq begins the time anew with every signal")
    pull, push = make(zmq.PULL, rcvtimeo=300), make(zmq.PUSH, sndtimeo=300)
    request.getfixturevalue("busy_alarm")
    with pytest.raises(zmq.Again):
        TIMED[call](pull, push)


@pytest.mark.parametrize("call", POLLS)
def test_the_end_of_a_poll_does_not_move(zmq, make, ours, call, request) -> None:
    if not ours:
        pytest.skip("pyzmq begins the time anew with every signal")
    pull = make(zmq.PULL)
    request.getfixturevalue("busy_alarm")
    assert not POLLS[call](zmq, pull)


def test_the_end_of_term_does_not_move(zmq, ours, busy_alarm) -> None:
    if not ours:
        pytest.skip("pyzmq's term has no end")
    ctx = zmq.Context()
    pull = ctx.socket(zmq.PULL)
    with pytest.raises(zmq.ZMQError) as info:
        ctx.term(timeout=300)
    assert info.value.errno == zmq.ETIMEDOUT
    pull.close()
    ctx.term()


TRIES = {
    "recv": lambda zmq, make: partial(make(zmq.PULL).recv, zmq.DONTWAIT),
    "recv_multipart": lambda zmq, make: partial(
        make(zmq.PULL).recv_multipart, zmq.DONTWAIT
    ),
    "poll": lambda zmq, make: partial(make(zmq.PULL).poll, 0),
    "send": lambda zmq, make: partial(make(zmq.PUSH).send, b"x", zmq.DONTWAIT),
}


# A handler may run while a weak reference dies, and what it raises there is lost: it
# raises until that was heard.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("call", TRIES)
def test_trying_in_a_loop_can_be_interrupted(zmq, make, ours, alarm, call) -> None:
    if not ours and sys.version_info >= (3, 12):
        pytest.skip("pyzmq runs no handlers in such a loop on this Python")
    attempt = TRIES[call](zmq, make)
    is_heard = False

    def handler(*args: object) -> None:
        if not is_heard:
            raise Caught

    with pytest.raises(Caught):
        try:
            alarm(handler, every=0.05)
            while True:
                try:
                    attempt()
                except zmq.Again:
                    continue
        finally:
            is_heard = True


@pytest.mark.parametrize(
    "call",
    ["pull.recv()", "pull.poll()", "push.send(b'x')", "zmq.select([pull], [], [])"],
)
def test_control_c(zmq, ours, call) -> None:
    program = f"""
import signal
import {zmq.__name__} as zmq

def interrupt(*args):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt

if {not ours}:
    signal.signal(signal.SIGINT, interrupt)
ctx = zmq.Context()
pull, push = ctx.socket(zmq.PULL), ctx.socket(zmq.PUSH)
try:
    print("ready", flush=True)
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
pull.close()
push.close()
ctx.term()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            # One that comes just before libzmq waits is seen at its end only. The
            # first that is heard lets no other one in.
            while not ours and not select.select([process.stdout], [], [], 1)[0]:
                process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "interrupted\n"
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_term_can_be_interrupted(zmq, alarm, ours) -> None:
    if not ours:
        pytest.skip("pyzmq forgets the context")
    ctx = zmq.Context()
    pull = ctx.socket(zmq.PULL)
    with pytest.raises(Caught):
        alarm(give_up)
        ctx.term()
    assert not ctx.closed
    pull.close()
    ctx.term()
    assert ctx.closed
