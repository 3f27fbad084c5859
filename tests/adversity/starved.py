# SPDX-License-Identifier: Apache-2.0
"""A process that runs out of descriptors, and what its sockets make of it.

    python -m adversity.starved PUSH_TO

Binds a PULL and tells where; PUSH_TO is where somebody else's PULL is. Ends with 0 if
all was as it must be: errors and events instead of an abort, an I/O thread that does
not spin, and all as before once there are descriptors again.
"""

from __future__ import annotations

import errno
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import fastmq
from fastmq.utils.monitor import recv_monitor_message

FEW = 64
PATIENCE_MS = 20000
ALLOWED = (errno.EMFILE, errno.ENFILE)


def count_descriptors() -> int:
    n = 0
    for fd in range(1024):
        with suppress(OSError):
            os.fstat(fd)
            n += 1
    return n


@contextmanager
def none_left(spare: int = 0) -> Iterator[None]:
    """Take all descriptors but so many."""
    taken = []
    with suppress(OSError):
        while True:
            taken.append(os.dup(0))
    for _ in range(spare):
        os.close(taken.pop())
    try:
        yield
    finally:
        for fd in taken:
            os.close(fd)


def works_or_says_so(what: Callable[[], Any]) -> Any:
    try:
        return what()
    except fastmq.ZMQError as error:
        if error.errno not in ALLOWED:
            raise
        return None


def await_descriptors(n: int) -> None:
    """Wait until closed sockets have given theirs back, a little after close."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while count_descriptors() != n:
        assert time.monotonic() < deadline, f"{count_descriptors()} are not {n}"
        os.sched_yield()


def await_events(monitor: Any, event: int, n: int) -> None:
    while n:
        n -= recv_monitor_message(monitor)["event"] == event


def new_socket(context: Any, kind: int) -> Any:
    socket = context.socket(kind)
    socket.linger = 0
    socket.rcvtimeo = socket.sndtimeo = PATIENCE_MS
    return socket


def watched(context: Any, kind: int) -> tuple[Any, Any]:
    socket = new_socket(context, kind)
    monitor = socket.get_monitor_socket()
    monitor.rcvtimeo = PATIENCE_MS
    return socket, monitor


def see_accepts_fail(pull: Any, monitor: Any) -> None:
    cpu_s, begun = time.process_time(), time.monotonic()
    print(pull.last_endpoint.decode().rstrip("\0"), flush=True)  # now they connect
    await_events(monitor, fastmq.EVENT_ACCEPT_FAILED, 6)
    cpu_s, took_s = time.process_time() - cpu_s, time.monotonic() - begun
    assert cpu_s < took_s / 4, f"{cpu_s} s of work in {took_s} s"


def see_dials_retried(push: Any, monitor: Any, push_to: str) -> None:
    push.connect(push_to)
    await_events(monitor, fastmq.EVENT_CONNECT_RETRIED, 3)


def try_the_rest(context: Any) -> None:
    """Everything else that needs descriptors: it works, or says what is missing."""
    for kind in (fastmq.PULL, fastmq.ROUTER, fastmq.XPUB, fastmq.STREAM):
        socket = works_or_says_so(lambda kind=kind: new_socket(context, kind))
        if socket is None:
            continue
        works_or_says_so(lambda s=socket: s.bind("tcp://127.0.0.1:*"))
        works_or_says_so(lambda s=socket: s.bind("ipc://*"))
        works_or_says_so(lambda s=socket: s.connect("tcp://127.0.0.1:1"))
        works_or_says_so(lambda s=socket: s.connect("tcp://localhost:1"))
        works_or_says_so(lambda s=socket: s.bind(f"inproc://rest-{id(s)}"))
        works_or_says_so(lambda s=socket: s.getsockopt(fastmq.FD))
        works_or_says_so(lambda s=socket: s.getsockopt(fastmq.EVENTS))
        works_or_says_so(lambda s=socket: s.poll(1))
        works_or_says_so(lambda s=socket: s.get_monitor_socket())
        socket.disable_monitor()
        socket.close()
    for _ in range(3):
        other = fastmq.Context()
        socket = works_or_says_so(lambda: new_socket(other, fastmq.PAIR))  # noqa: B023
        if socket is not None:
            socket.close()
        other.term()


def see_all_work(context: Any) -> None:
    before = count_descriptors()
    a, b = new_socket(context, fastmq.PAIR), new_socket(context, fastmq.PAIR)
    for endpoint in ("tcp://127.0.0.1:*", "ipc://*", "inproc://works"):
        a.bind(endpoint)
        there = a.last_endpoint.decode().rstrip("\0")
        b.connect(there)
        b.send_multipart([b"all", b"well"])
        assert a.poll(PATIENCE_MS)
        assert a.recv_multipart() == [b"all", b"well"]
        assert a.getsockopt(fastmq.FD) >= 0
        b.disconnect(there)
        a.unbind(there)
        a.close()
        b.close()
        a, b = new_socket(context, fastmq.PAIR), new_socket(context, fastmq.PAIR)
    a.close()
    b.close()
    await_descriptors(before)


def main(push_to: str) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, FEW))
    before = count_descriptors()
    context = fastmq.Context()
    pull, pull_monitor = watched(context, fastmq.PULL)
    pull.bind("tcp://127.0.0.1:*")
    push, push_monitor = watched(context, fastmq.PUSH)
    other = new_socket(context, fastmq.PUSH)  # its set is made while there is room
    other.connect("inproc://nobody")
    push.bind("tcp://127.0.0.1:*")
    see_all_work(context)
    with none_left():
        see_accepts_fail(pull, pull_monitor)
        see_dials_retried(push, push_monitor, push_to)
    assert pull.recv() == b"from outside"
    push.send(b"from inside")
    await_events(push_monitor, fastmq.EVENT_HANDSHAKE_SUCCEEDED, 1)
    connected = count_descriptors()
    for spare in range(8):
        with none_left(spare):
            try_the_rest(context)
    await_descriptors(connected)
    see_all_work(context)
    context.destroy(linger=PATIENCE_MS)
    await_descriptors(before)


if __name__ == "__main__":
    main(sys.argv[1])
