# SPDX-License-Identifier: Apache-2.0
"""What endpoints are called, how many there are, and when they are over."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from patterns.conftest import OURS, last, refuses, until
from patterns.rawpeer import accept, listening
from ports import held_port

PORT = "tcp://127.0.0.1:*"
ONE = "tcp://127.0.0.1:{}"
NAME = "tcp://localhost:{}"


# Names


@pytest.mark.parametrize("name", [PORT, "tcp://*:*", "tcp://127.0.0.1:0", "ipc://*"])
def test_a_wildcard_is_no_name(name: str, library: str, world: Any) -> None:
    pull = world.socket(library, "PULL")
    pull.bind(name)
    for undo in (pull.unbind, pull.disconnect):
        with refuses(errno.ENOENT):
            undo(name)
    pull.unbind(last(pull))


@pytest.mark.parametrize(
    ("made", "undone"),
    [(ONE, ONE), (NAME, ONE), (ONE, NAME), ("tcp://*:{}", "tcp://0.0.0.0:{}")],
)
def test_a_bind_by_another_name(
    made: str, undone: str, library: str, world: Any
) -> None:
    pull = world.socket(library, "PULL")
    with held_port() as port:
        pull.bind(made.format(port))
        pull.unbind(undone.format(port))
        with refuses(errno.ENOENT):
            pull.unbind(undone.format(port))


@pytest.mark.parametrize(
    ("made", "undone", "does"),
    [(ONE, ONE, True), (ONE, NAME, True), (NAME, NAME, True), (NAME, ONE, False)],
)
def test_a_connect_by_another_name(
    made: str, undone: str, does: bool, library: str, world: Any
) -> None:
    push = world.socket(library, "PUSH")
    push.connect(made.format(1))
    if does:
        push.disconnect(undone.format(1))
    with refuses(errno.ENOENT):
        push.disconnect(undone.format(1))


def test_unbind_and_disconnect_are_one(library: str, world: Any) -> None:
    pull = world.socket(library, "PULL")
    pull.bind(PORT)
    pull.disconnect(last(pull))
    pull.connect(ONE.format(1))
    pull.unbind(ONE.format(1))
    for undo in (pull.unbind, pull.disconnect):
        with refuses(errno.ENOENT):
            undo(ONE.format(1))


# How many


@pytest.mark.parametrize(("kind", "n"), [("DEALER", 1), ("REQ", 1), ("PUSH", 2)])
def test_a_second_connect(kind: str, n: int, libs: tuple[str, str], world: Any) -> None:
    """It does nothing for some types, PUB and SUB among them."""
    router = world.socket(libs[0], "ROUTER" if kind != "PUSH" else "PULL")
    router.bind(PORT)
    made = world.socket(libs[1], kind)
    made.connect(last(router))
    made.connect(last(router))
    if kind == "PUSH":
        made.disconnect(last(router))  # both
        with refuses(errno.ENOENT):
            made.disconnect(last(router))
        return
    senders = set()
    for _ in range(4):
        made.send(b"who")
        sender, *rest = router.recv_multipart()
        senders.add(sender)
        if kind == "REQ":
            router.send_multipart([sender, *rest])
            assert made.recv() == b"who"
    assert len(senders) == n


def test_a_second_connect_of_push(library: str, world: Any) -> None:
    push = world.socket(library, "PUSH")
    with listening() as (listener, endpoint):
        push.connect(endpoint)
        push.connect(endpoint)
        for _ in range(2):
            accept(listener).socket.close()


def test_a_second_connect_of_sub(libs: tuple[str, str], world: Any) -> None:
    xpub = world.socket(libs[0], "XPUB")
    xpub.bind(PORT)
    sub = world.socket(libs[1], "SUB")
    sub.connect(last(xpub))
    sub.connect(last(xpub))
    sub.subscribe(b"")
    assert xpub.recv() == b"\1"
    for i in range(10):
        xpub.send(b"%d" % i)
    assert [sub.recv() for _ in range(10)] == [b"%d" % i for i in range(10)]


# The end


@pytest.mark.parametrize("never", [0, -1])
@pytest.mark.parametrize("kind", ["PUSH", "DEALER", "PAIR"])
def test_a_lost_connection_is_over(
    kind: str, never: int, library: str, world: Any
) -> None:
    """Without RECONNECT_IVL; what connects to the same place again is another one."""
    made = world.socket(library, kind, reconnect_ivl=never)
    peer = {"PUSH": "PULL"}.get(kind, kind)
    # libzmq's PAIR may have no place for the next one yet, and then never takes it.
    n = 1 if kind == "PAIR" and library != OURS else 2
    with listening() as (listener, endpoint):
        for _ in range(n):
            made.connect(endpoint)
            raw = accept(listener)
            with closing(raw.socket):
                raw.shake(peer.encode())
                made.send(b"x")
                raw.frame()
            until(lambda: not made.poll(1, 2), "it has nobody to send to")
            with refuses(errno.EAGAIN):
                made.send(b"x", 1)
            with refuses(errno.ENOENT):
                made.disconnect(endpoint)


@pytest.mark.parametrize("never", [0, -1])
def test_a_first_attempt_that_failed(never: int, library: str, world: Any) -> None:
    """It is never tried again, and yet is not over."""
    made = world.socket(library, "PUSH", reconnect_ivl=never, linger=0)
    monitor = made.get_monitor_socket()
    world.sockets.append(monitor)
    with held_port() as port:
        made.connect(ONE.format(port))
        names = [monitor.recv_multipart()[0][0] for _ in range(2)]
    assert names == [0x02, 0x80]  # CONNECT_DELAYED, CLOSED
    made.send(b"for nobody", 1)
    made.disconnect(ONE.format(port))


# Marks


@pytest.mark.parametrize("transport", ["tcp", "ipc", "inproc"])
def test_both_marks_are_taken_up(
    transport: str, library: str, world: Any, fresh: Callable[[str], str]
) -> None:
    """Though nobody receives, and whatever the order in which it goes out."""
    push = world.socket(library, "PUSH", sndhwm=10)
    push.bind(fresh(transport))
    pulls = [world.socket(library, "PULL", rcvhwm=10) for _ in range(2)]
    for pull in pulls:
        pull.connect(last(push))
    for i in range(40):
        push.send(b"%06d" % i * 10000)
    for _ in range(40):
        ready = until(lambda: [pull for pull in pulls if pull.poll(10)])
        assert len(ready[0].recv()) == 60000


def test_a_receivers_mark_may_change(library: str, world: Any) -> None:
    push = world.socket(library, "PUSH", sndhwm=5)
    pull = world.socket(library, "PULL", rcvhwm=5)
    push.bind("inproc://marks")
    pull.connect("inproc://marks")
    n_more = 15
    if library == OURS:  # full already; libzmq would go on only after a receive
        for _ in range(10):
            push.send(b"x", 1)
        with refuses(errno.EAGAIN):
            push.send(b"x", 1)
        n_more = 5
    pull.rcvhwm = 10
    assert push.poll(0, 2)
    for _ in range(n_more):
        push.send(b"x", 1)
    with refuses(errno.EAGAIN):
        push.send(b"x", 1)


# Files


def test_a_name_that_is_reserved(library: str, world: Any, folder: Path) -> None:
    """By an empty file, as mkstemp makes it."""
    (folder / "reserved").touch()
    pull = world.socket(library, "PULL")
    pull.bind(f"ipc://{folder}/reserved")
    push = world.socket(library, "PUSH")
    push.connect(f"ipc://{folder}/reserved")
    push.send(b"x")
    assert pull.recv() == b"x"


def test_a_file_with_something_in_it(world: Any, folder: Path) -> None:
    """Libzmq removes it."""
    (folder / "mine").write_text("precious")
    pull = world.socket(OURS, "PULL")
    with refuses(errno.EADDRINUSE):
        pull.bind(f"ipc://{folder}/mine")
    assert (folder / "mine").read_text() == "precious"
