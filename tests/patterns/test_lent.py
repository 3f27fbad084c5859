# SPDX-License-Identifier: Apache-2.0
"""Bodies lent with a copy_threshold of 0: however short, they are not copied.

So a tracker tells when its message has left, has been received, or is dropped.
"""

from __future__ import annotations

from typing import Any

import pytest
from interop.conftest import OURS, World
from patterns.conftest import last, until
from patterns.rawpeer import accept, connected, listening

SIZES = [0, 1, 9, 255, 256, 4096, 4097, 70_000]
NOBODY = "tcp://127.0.0.1:9"
PARTS = [b"", b"short", b"m" * 300, b"l" * 9000, b"end"]


def lender(world: World, library: str, kind: str, **options: Any) -> Any:
    return world.socket(library, kind, copy_threshold=0, **options)


def test_until_it_is_written(
    libs: tuple[str, str], held_endpoint: str, world: World
) -> None:
    sender, receiver = libs
    push = lender(world, sender, "PUSH", reconnect_ivl=10)
    push.connect(held_endpoint)
    trackers = []
    for size in SIZES:
        trackers.append(push.send(bytes(size), copy=False, track=True))
        push.send(b"copied")
    trackers.append(push.send_multipart(PARTS, copy=False, track=True))
    assert not any(tracker.done for tracker in trackers)
    pull = world.socket(receiver, "PULL")
    pull.bind(held_endpoint)
    for size in SIZES:
        assert pull.recv() == bytes(size)
        assert pull.recv() == b"copied"
    assert pull.recv_multipart() == PARTS
    for tracker in trackers:
        tracker.wait(20)


def test_until_it_is_received(library: str, world: World, fresh: Any) -> None:
    """Within the process, that is; a frame is the lender's memory."""
    pull = world.socket(library, "PULL")
    pull.bind(fresh("inproc"))
    push = lender(world, library, "PUSH")
    push.connect(last(pull))
    for size in SIZES:
        tracker = push.send(bytes(size), copy=False, track=True)
        assert not tracker.done
        assert pull.recv() == bytes(size)
        tracker.wait(20)
        tracker = push.send(bytes(size), copy=False, track=True)
        frame = pull.recv(copy=False)
        assert frame.bytes == bytes(size)
        assert not tracker.done
        del frame
        tracker.wait(20)
    tracker = push.send_multipart(PARTS, copy=False, track=True)
    assert not tracker.done
    assert pull.recv_multipart() == PARTS
    tracker.wait(20)


@pytest.mark.parametrize("reason", ["close", "destroy"])
def test_until_it_is_dropped(library: str, world: World, reason: str) -> None:
    push = lender(world, library, "PUSH", linger=0)
    push.connect(NOBODY)
    tracker = push.send_multipart(PARTS, copy=False, track=True)
    part = push.send(b"half", world.module(library).SNDMORE, copy=False, track=True)
    assert not tracker.done
    assert not part.done
    if reason == "close":
        push.close()
    else:
        world.contexts.pop(library).destroy()
    tracker.wait(20)
    part.wait(20)


def test_nobody_wants_it(library: str, world: World, fresh: Any) -> None:
    pub = lender(world, library, "PUB")
    pub.bind(fresh("tcp"))
    pub.send(b"topic", copy=False, track=True).wait(20)


def test_all_subscribers(library: str, world: World, fresh: Any) -> None:
    pub = lender(world, library, "XPUB")
    pub.bind(fresh("inproc"))
    subs = [world.socket(library, "SUB") for _ in range(3)]
    for sub in subs:
        sub.connect(last(pub))
        sub.setsockopt(6, b"")
    assert pub.recv() == b"\x01"
    until(lambda: pub.getsockopt(15) & 2 and not pub.poll(20))
    tracker = pub.send(b"topic", copy=False, track=True)
    frames = [sub.recv(copy=False) for sub in subs]
    while frames:
        assert not tracker.done
        assert frames.pop().bytes == b"topic"
    tracker.wait(20)


def test_the_last_one_only(library: str, world: World) -> None:
    push = lender(world, library, "PUSH", conflate=1, linger=0)
    push.connect(NOBODY)
    first = push.send(b"first", copy=False, track=True)
    assert not first.done
    second = push.send(b"second", copy=False, track=True)
    first.wait(20)
    assert not second.done


def test_the_frame_that_says_so(library: str, world: World) -> None:
    """Whatever the threshold of its socket; and what is copied is not tracked."""
    push = world.socket(library, "PUSH", linger=0)
    push.connect(NOBODY)
    module = world.module(library)
    frame = module.Frame(b"lent", copy=False, track=True)
    tracker = push.send(frame)
    del frame
    assert not tracker.done
    assert push.send(b"copied", copy=False, track=True).done
    assert push.send_multipart([b"copied"], copy=False, track=True).done
    push.copy_threshold = 5
    assert push.send(b"four", copy=False, track=True).done
    assert not push.send(b"fives", copy=False, track=True).done


def test_questions_and_answers(
    libs: tuple[str, str], wildcard: str, world: World
) -> None:
    rep = lender(world, libs[1], "REP")
    rep.bind(wildcard)
    req = lender(world, libs[0], "REQ")
    req.connect(last(rep))
    for size in (*SIZES, 300, 5):
        asked = req.send(bytes(size), copy=False, track=True)
        assert rep.recv() == bytes(size)
        answered = rep.send_multipart([bytes(size), b"!"], copy=False, track=True)
        assert req.recv_multipart() == [bytes(size), b"!"]
        asked.wait(20)
        answered.wait(20)


def test_through_a_relay(library: str, world: World, fresh: Any) -> None:
    """A long way round: ROUTER hands on what it got, over inproc and tcp."""
    pull = world.socket(library, "PULL")
    pull.bind(fresh("tcp"))
    front = world.socket(library, "ROUTER")
    front.bind(fresh("inproc"))
    back = world.socket(library, "PUSH")
    back.connect(last(pull))
    dealer = lender(world, library, "DEALER", routing_id=b"d")
    dealer.connect(last(front))
    tracker = dealer.send_multipart(PARTS, copy=False, track=True)
    frames = front.recv_multipart(copy=False)
    assert not tracker.done
    back.send_multipart(frames, copy=False)
    assert pull.recv_multipart() == [b"d", *PARTS]
    del frames
    tracker.wait(20)


def test_sealed(libs: tuple[str, str], wildcard: str, world: World) -> None:
    module = world.module(libs[1])
    public, secret = module.curve_keypair()
    pull = world.socket(libs[1], "PULL", curve_server=1, curve_secretkey=secret)
    pull.bind(wildcard)
    mine = module.curve_keypair()
    push = lender(
        world,
        libs[0],
        "PUSH",
        curve_serverkey=public,
        curve_publickey=mine[0],
        curve_secretkey=mine[1],
    )
    push.connect(last(pull))
    trackers = [push.send(bytes(size), copy=False, track=True) for size in SIZES]
    trackers.append(push.send_multipart(PARTS, copy=False, track=True))
    for size in SIZES:
        assert pull.recv() == bytes(size)
    assert pull.recv_multipart() == PARTS
    for tracker in trackers:
        tracker.wait(20)


def test_on_the_wire(library: str, world: World) -> None:
    with listening() as (listener, endpoint):
        push = lender(world, library, "PUSH")
        push.connect(endpoint)
        tracker = push.send_multipart(PARTS, copy=False, track=True)
        assert not tracker.done
        peer = accept(listener)
        with peer.socket:
            peer.shake(b"PULL")
            assert [peer.frame().body for _ in PARTS] == PARTS
            tracker.wait(20)


def test_a_raw_peer(library: str, world: World, fresh: Any) -> None:
    stream = lender(world, library, "STREAM")
    stream.bind(fresh("tcp"))
    with connected(last(stream)) as peer:
        name, _ = stream.recv_multipart()
        tracker = stream.send_multipart([name, b"bytes"], copy=False, track=True)
        assert peer.read(5) == b"bytes"
        tracker.wait(20)


def test_its_buffer_stays_exported(world: World) -> None:
    """Of ours only: pyzmq lets it be resized, and reads what was freed."""
    push = lender(world, OURS, "PUSH", linger=0)
    push.connect(NOBODY)
    body = bytearray(b"short")
    tracker = push.send(body, copy=False, track=True)
    with pytest.raises(BufferError):
        body.extend(b"longer")
    push.close()
    tracker.wait(20)
    body.extend(b"longer")


def test_what_keeps_a_context(world: World, fresh: Any) -> None:
    nobody = fresh("ipc")
    push = lender(world, OURS, "PUSH", linger=-1, reconnect_ivl=10)
    push.connect(nobody)
    tracker = push.send(b"short", copy=False, track=True)
    push.close()
    context = world.contexts.pop(OURS)
    with pytest.raises(world.module(OURS).TermTimeout) as caught:
        context.term(timeout=0)
    assert [what.messages for what in caught.value.unsent] == [1]
    assert not tracker.done
    pull = world.socket(OURS, "PULL")
    pull.bind(nobody)
    context.term(timeout=20_000)
    tracker.wait(20)
    assert pull.recv() == b"short"
