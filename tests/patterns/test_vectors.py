# SPDX-License-Identifier: Apache-2.0
"""Both libraries against the byte vectors of tests/vectors, both ways.

What follows a READY must wait for the other side's (RFC 37, "The NULL Security
Mechanism"): libzmq breaks off with a peer whose first message it finds behind a READY
before it has sent its own. Ours does not mind.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from patterns.conftest import OURS, last
from patterns.rawpeer import COMMAND, Frame, RawPeer, accept, connected, listening
from vectors.dialogues import DIALOGUES, Dialogue, read_opening, vector

MESSAGES = [[b"hello"], [b"a", b"", b"c"], [b"long"]]


def tell(peer: RawPeer, name: str) -> None:
    """Send a vector; one of ZMTP 3 up to its greeting, and the rest after READY."""
    data = vector(name)
    greeting = 64 if data[9:11] == b"\x7f\x03" else 0
    peer.send(data[:greeting])
    if greeting:
        read_opening(peer.read, "3.1")
    peer.send(data[greeting:])


@pytest.mark.parametrize("name", ["peer_1_0", "peer_2_0", "peer_3_0"])
def test_messages(end: Callable[..., Any], name: str) -> None:
    with end("PULL") as (pull, peer):
        tell(peer, name)
        body = b"x" * (254 if name == "peer_1_0" else 256)
        for message in [*MESSAGES, [body]]:
            assert pull.recv_multipart() == message


def test_messages_and_a_name(end: Callable[..., Any]) -> None:
    with end("ROUTER") as (router, peer):
        tell(peer, "peer_3_1")
        for message in [*MESSAGES, [b"x" * 256]]:
            assert router.recv_multipart() == [b"alice", *message]


@pytest.mark.parametrize(
    "name", ["peer_sub_1_0", "peer_sub_2_0", "peer_sub_3_0", "peer_sub_3_1"]
)
def test_subscriptions(end: Callable[..., Any], name: str) -> None:
    with end("XPUB") as (xpub, peer):
        tell(peer, name)
        if name == "peer_sub_1_0":  # which is given everything, whatever it says
            assert xpub.recv() == b"\x01"
        assert [xpub.recv() for _ in range(3)] == [b"\x01ab", b"\x01b", b"\x00b"]


def test_a_ping(end: Callable[..., Any]) -> None:
    with end("PAIR") as (pair, peer):
        tell(peer, "peer_ping")
        assert pair.recv() == b"hello"
        assert peer.read(len(vector("pong"))) == vector("pong")
        pair.send(b"still here")
        assert peer.frame() == (0, b"still here")


def test_commands_that_there_are_not(end: Callable[..., Any]) -> None:
    with end("PULL") as (pull, peer):
        tell(peer, "peer_unknown_commands")
        assert pull.recv() == b"hello"


def test_a_refusal(end: Callable[..., Any]) -> None:
    with end("PULL") as (_, peer):
        tell(peer, "peer_error")
        assert peer.await_end() == b""


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue.name)
def test_what_is_said(dialogue: Dialogue, library: str, world: Any) -> None:
    expected = vector(dialogue.name)
    socket = world.socket(library, dialogue.kind, **dialogue.options)
    with listening() as (listener, endpoint):
        socket.connect(endpoint)
        peer = accept(listener)
        with closing(peer.socket):
            peer.send(vector(dialogue.peer))
            said = read_opening(peer.read, dialogue.version)
            for act in dialogue.acts:
                act(socket)
                said += peer.read(1)
            said += peer.read(len(expected) - len(said))
            assert said == expected


def test_all_at_once(world: Any) -> None:
    router = world.socket(OURS, "ROUTER")
    router.bind("tcp://127.0.0.1:*")
    with connected(last(router)) as peer:
        peer.send(vector("peer_3_1"))
        for message in [*MESSAGES, [b"x" * 256]]:
            assert router.recv_multipart() == [b"alice", *message]


@pytest.mark.parametrize("name", ["ping", "subscribe_cancel"])
def test_commands_of_libzmq(name: str, end: Callable[..., Any]) -> None:
    with end("XPUB") as (xpub, peer):
        tell(peer, "sub")
        peer.send(vector(name))
        if name == "ping":
            assert peer.frame() == Frame(COMMAND, b"\x04PONG")
        else:
            assert [xpub.recv() for _ in range(2)] == [b"\x01topic", b"\x00topic"]
