# SPDX-License-Identifier: Apache-2.0
"""The types of one part, byte by byte, against a peer that the test plays.

Fair: FASTMQ_TEST_LIBRARY=zmq, with a pyzmq on the path that has libzmq's drafts.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from typing import Any

import pytest
from interop.conftest import World
from patterns.conftest import OURS, ends, until
from patterns.rawpeer import (
    COMMAND,
    GREETING,
    LONG,
    MORE,
    Frame,
    RawPeer,
    accept,
    command,
    listening,
    message,
    ready,
)
from vectors.dialogues import DRAFT_DIALOGUES, Dialogue, read_opening, vector

# What each talks to, and the vector of what it says first.
PEERS = {
    "SERVER": ("CLIENT", "server"),
    "CLIENT": ("SERVER", "client"),
    "RADIO": ("DISH", "radio"),
    "DISH": ("RADIO", "dish"),
    "GATHER": ("SCATTER", "gather"),
    "SCATTER": ("GATHER", "scatter"),
    "PEER": ("PEER", "peer"),
    "CHANNEL": ("CHANNEL", "channel"),
}
NAMES = [
    "PAIR",
    "PUB",
    "SUB",
    "REQ",
    "REP",
    "DEALER",
    "ROUTER",
    "PULL",
    "PUSH",
    "XPUB",
    "XSUB",
    "STREAM",
    "SERVER",
    "CLIENT",
    "RADIO",
    "DISH",
    "GATHER",
    "SCATTER",
    "DGRAM",
    "PEER",
    "CHANNEL",
]
End = Callable[[str], AbstractContextManager[tuple[Any, RawPeer]]]


@pytest.fixture(params=["binds", "connects"])
def end(request: pytest.FixtureRequest, world: World) -> End:
    """Return a function that makes a socket and a raw peer of it."""
    return ends(request.param, OURS, world)


@pytest.mark.parametrize("kind", PEERS)
def test_what_it_says_first(kind: str, end: End) -> None:
    peer_kind, name = PEERS[kind]
    with end(kind) as (_, peer):
        peer.send(vector(PEERS[peer_kind][1]))
        assert read_opening(peer.read, "3.1") == vector(name)


@pytest.mark.parametrize("kind", PEERS)
def test_whom_it_talks_to(kind: str, end: End) -> None:
    wanted, _ = PEERS[kind]
    for name in NAMES:
        with end(kind) as (made, peer):
            peer.send(GREETING)
            peer.read(64)
            peer.send(ready(name.encode()))
            if name == wanted:
                assert peer.frame().body[:6] == b"\x05READY"
                peer.send(command(b"PING", b"\0\0"))
                assert peer.command() == b"\x04PONG"
            else:
                peer.await_end()
            made.close()


@pytest.mark.parametrize("dialogue", DRAFT_DIALOGUES, ids=lambda each: each.name)
def test_what_is_said(dialogue: Dialogue, world: World) -> None:
    expected = vector(dialogue.name)
    made = world.socket(OURS, dialogue.kind)
    with listening() as (listener, endpoint):
        made.connect(endpoint)
        peer = accept(listener)
        with closing(peer.socket):
            peer.send(vector(dialogue.peer))
            said = read_opening(peer.read, dialogue.version)
            for act in dialogue.acts:
                act(made)
                said += peer.read(1)
            said += peer.read(len(expected) - len(said))
            assert said == expected


@pytest.mark.parametrize("kind", ["SERVER", "CLIENT", "GATHER", "PEER", "CHANNEL"])
def test_several_parts_are_dropped(kind: str, end: End) -> None:
    with end(kind) as (made, peer):
        peer.shake(PEERS[kind][0].encode())
        peer.send(message(b"two", b"parts") + message(b"one"))
        assert made.recv() == b"one"
        peer.send(message(b"", b"", b"three") + message(b"a", b"b") + message(b""))
        assert made.recv() == b""


@pytest.mark.parametrize("kind", ["SERVER", "PEER"])
def test_a_number_is_not_sent(kind: str, end: End) -> None:
    with end(kind) as (made, peer):
        peer.shake(PEERS[kind][0].encode())
        peer.send(message(b"question"))
        frame = made.recv(copy=False)
        made.send(b"answer", routing_id=frame.routing_id)
        assert peer.frame() == Frame(0, b"answer")


def test_a_group_is_a_frame_of_its_own(end: End) -> None:
    long = b"g" * 255
    with end("RADIO") as (radio, peer):
        peer.shake(b"DISH")
        for group in (b"a", long, b""):
            peer.send(command(b"JOIN", group))
        peer.send(command(b"LEAVE", b"a") + command(b"LEAVE", b"unknown"))
        # What is no JOIN is ignored, and so is what only looks like one.
        peer.send(message(b"\x04JOINa") + message(b"\1a", b"b") + command(b"JOI", b"a"))
        peer.send(command(b"PING", b"\0\0"))
        assert peer.command() == b"\x04PONG"
        peer.socket.settimeout(0.005)
        found = b""
        while not found:  # until the RADIO has looked at them
            radio.send(b"", group=long.decode())
            try:
                found = peer.socket.recv(1)
            except TimeoutError:
                continue
        peer.socket.settimeout(20)
        assert found == bytes([MORE])
        assert peer.read(258) == b"\xff" + long + b"\0\0"
        radio.send(b"no", group="a")
        radio.send(b"body", group="")
        radio.send(b"z" * 256, group=long.decode())
        frame = peer.frame()
        while frame == Frame(MORE, long):  # one that was sent twice above
            assert peer.frame() == Frame(0, b"")
            frame = peer.frame()
        assert frame == Frame(MORE, b"")
        assert peer.frame() == Frame(0, b"body")
        assert peer.frame() == Frame(MORE, long)
        assert peer.frame() == Frame(0, b"z" * 256)


def let_join(dish: Any, peer: RawPeer, group: str) -> None:
    """Join a group; libzmq tells of it when the socket is used next."""
    dish.join(group)
    peer.shake(b"RADIO")
    until(lambda: dish.poll(0) or select.select([peer.socket], [], [], 0.005)[0])
    assert peer.frame() == Frame(COMMAND, b"\x04JOIN" + group.encode())


def test_messages_of_groups(end: End) -> None:
    with end("DISH") as (dish, peer):
        let_join(dish, peer, "ab")
        peer.send(message(b"a", b"1") + message(b"abc", b"2") + message(b"ab", b"3"))
        frame = dish.recv(copy=False)
        assert (frame.bytes, frame.group) == (b"3", "ab")
        peer.send(message(b"ab\0c", b"4"))  # a NUL ends a name
        assert dish.recv() == b"4"


def test_heartbeats_between_the_frames(end: End) -> None:
    if OURS == "zmq":
        pytest.skip("libzmq takes a command for a frame of the message, and hangs up")
    with end("DISH") as (dish, peer):
        let_join(dish, peer, "ab")
        group, body = message(b"ab", b"1")[:4], message(b"1")
        ping = command(b"PING", b"\0\0")
        peer.send(ping + group + ping + body)
        assert dish.recv() == b"1"


@pytest.mark.parametrize(
    "wrong",
    [
        message(b"ab"),
        message(b""),
        message(b"ab", b"two", b"parts"),
        bytes([MORE | LONG]) + (256).to_bytes(8, "big") + b"x" * 256 + message(b"x"),
    ],
    ids=["no group", "nothing", "two parts", "long name"],
)
def test_what_is_no_radio(wrong: bytes, end: End) -> None:
    with end("DISH") as (dish, peer):
        let_join(dish, peer, "ab")
        peer.send(wrong)
        assert not dish.poll(50)
        peer.await_end()


def test_too_long_a_group_is_not_joined(end: End) -> None:
    if OURS == "zmq":
        pytest.skip("libzmq copies it to where there is room for 255 bytes")
    with end("RADIO") as (_, peer):
        peer.shake(b"DISH")
        peer.send(command(b"JOIN", b"g" * 256))
        assert peer.await_end() == b""
