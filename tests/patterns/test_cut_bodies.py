# SPDX-License-Identifier: Apache-2.0
"""A long body that comes in two halves, with a call that gives up between them."""

from __future__ import annotations

import os
import struct

import pytest
from patterns.conftest import last, refuses
from patterns.rawpeer import LONG, connected

LENGTH = 100_000


def long_frame(body: bytes) -> bytes:
    return bytes([LONG]) + struct.pack("!Q", len(body)) + body


@pytest.fixture
def pull(world, library):
    """A PULL that expects long bodies, as it has received one."""
    socket = world.socket(library, "PULL")
    socket.bind("tcp://127.0.0.1:*")
    return socket


def test_the_second_half_comes_later(pull) -> None:
    with connected(last(pull)) as peer:
        peer.shake(b"PUSH")
        for _ in range(3):
            body = os.urandom(LENGTH)
            peer.send(long_frame(body)[:50_000])
            pull.rcvtimeo = 20
            with refuses(11):
                pull.recv()
            peer.send(long_frame(body)[50_000:])
            pull.rcvtimeo = 10_000
            assert pull.recv() == body


def test_the_second_half_never_comes(pull) -> None:
    with connected(last(pull)) as peer:
        peer.shake(b"PUSH")
        peer.send(long_frame(bytes(LENGTH)))
        assert pull.recv() == bytes(LENGTH)
        peer.send(long_frame(b"x" * LENGTH)[:50_000])
        pull.rcvtimeo = 20
        with refuses(11):
            pull.recv()
    pull.rcvtimeo = 10_000
    body = os.urandom(LENGTH)
    with connected(last(pull)) as peer:
        peer.shake(b"PUSH")
        peer.send(long_frame(body))
        assert pull.recv() == body
