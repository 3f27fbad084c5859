# SPDX-License-Identifier: Apache-2.0
"""Long bodies: bytes objects are lent when sent, and read into when received."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import tracemalloc
from collections.abc import Callable

import pytest

TRANSPORTS = ["inproc", "tcp", "ipc"]
LONG = 100_000
# Around the size from which objects are lent, and from which none is made ahead.
SIZES = [LONG, 8191, 8192, 8193, 10, LONG, 4 << 20, (4 << 20) + 1, LONG, LONG]
# Rows of long ones, and what may come behind: the next header is read by itself.
SIZES += [LONG, LONG, 4096, 4097, LONG, LONG, LONG, 0, 1, LONG, LONG, 300, 60_000, LONG]


def bodies(sizes: list[int]) -> list[bytes]:
    return [os.urandom(size) for size in sizes]


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("sizes", [SIZES, [LONG] * 100], ids=["changing", "one"])
def test_a_stream(zmq, pair, transport, sizes) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    sent = bodies(sizes)
    sender = in_thread(lambda: [push.send(body) for body in sent])
    assert [pull.recv() for _ in sent] == sent
    sender.join()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_parts_that_change(zmq, pair, transport) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    sent = [list(parts) for parts in itertools.pairwise(bodies(SIZES))]
    sender = in_thread(lambda: [push.send_multipart(parts) for parts in sent])
    assert [pull.recv_multipart() for _ in sent] == sent
    sender.join()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_frames_and_buffers_between(zmq, pair, transport) -> None:
    """However they are received, the bodies are right."""
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    sent = bodies([LONG] * 12)
    sender = in_thread(lambda: [push.send(body) for body in sent])
    room = bytearray(LONG)
    for i, body in enumerate(sent):
        if i % 4 == 1:
            assert pull.recv(copy=False).bytes == body
        elif i % 4 == 2:
            assert pull.recv_into(room) == LONG
            assert room == body
        else:
            assert pull.recv() == body
    sender.join()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_what_was_sent_is_let_go_of(zmq, pair, transport) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    body = os.urandom(LONG)
    before = sys.getrefcount(body)
    for _ in range(20):
        push.send(body)
        pull.recv()
    while sys.getrefcount(body) > before:
        push.send(b"")  # a call is when what was sent comes back
        pull.recv()
        if zmq.__name__ == "fastmq":
            zmq._core.collect()
    assert sys.getrefcount(body) == before


def test_no_object_is_made_for_ever(zmq, pair, ours) -> None:
    """After a few short bodies none is made for a long one any more."""
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc")
    push.send(bytes(LONG))
    assert len(pull.recv()) == LONG
    tracemalloc.start()
    try:
        peaks = []
        for _ in range(20):
            push.send(b"short")
            tracemalloc.reset_peak()
            before, _ = tracemalloc.get_traced_memory()
            assert pull.recv() == b"short"
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    if ours:
        assert peaks[0] > LONG  # it may be a header
    assert max(peaks[-10:]) < LONG


def test_a_receiver_in_the_process_gets_the_object(zmq, pair, ours) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc")
    body = os.urandom(LONG)
    push.send(body)
    got = pull.recv()
    assert got == body
    assert (got is body) == ours
    # A buffer that can change is copied.
    buffer = bytearray(body)
    push.send(buffer)
    buffer[0] ^= 255
    assert pull.recv() == body


def test_several_receivers_in_the_process(zmq, make) -> None:
    pub = make(zmq.XPUB, xpub_verbose=1)
    subs = [make(zmq.SUB) for _ in range(3)]
    pub.bind("inproc://large")
    for sub in subs:
        sub.connect("inproc://large")
        sub.subscribe(b"")
        pub.recv()
    sent = bodies(SIZES)
    for body in sent:
        pub.send(body)
    for sub in subs:
        assert [sub.recv() for _ in sent] == sent
