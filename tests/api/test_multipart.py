# SPDX-License-Identifier: Apache-2.0
"""Messages of several parts: whole or not at all."""

from __future__ import annotations

import pytest

TRANSPORTS = ["inproc", "tcp", "ipc"]
PARTS = [b"a", b"", b"b" * 600, bytes(70_000), b"c"]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("copy", [True, False])
def test_there_and_back(zmq, pair, transport, copy) -> None:
    a, b = pair(zmq.PAIR, zmq.PAIR, transport)
    for parts in ([b"one"], PARTS, [b"%d" % i for i in range(100)], [b"", b""]):
        a.send_multipart(parts, copy=copy)
        assert b.recv_multipart() == parts
        b.send_multipart(tuple(parts))
        frames = a.recv_multipart(copy=False)
        assert [frame.bytes for frame in frames] == parts
        assert [bool(frame.more) for frame in frames] == [True] * (len(parts) - 1) + [
            False
        ]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_large_parts(zmq, pair, transport) -> None:
    a, b = pair(zmq.PAIR, zmq.PAIR, transport)
    parts = [b"x" * (3 << 20), b"y", b"z" * (1 << 20)]
    a.send_multipart(parts)
    assert b.recv_multipart() == parts


def test_part_by_part(zmq, push_pull) -> None:
    push, pull = push_pull
    push.send(b"1", zmq.SNDMORE)
    push.send(b"2", flags=zmq.SNDMORE)
    assert pull.poll(0) == 0
    push.send(b"3")
    assert pull.recv() == b"1"
    assert pull.rcvmore == 1
    assert pull.get(zmq.RCVMORE) == 1
    assert pull.recv_multipart() == [b"2", b"3"]
    assert pull.rcvmore == 0


def test_more_after_a_multipart(zmq, push_pull) -> None:
    push, pull = push_pull
    push.send(b"0", zmq.SNDMORE)
    push.send_multipart([b"1", b"2"], zmq.SNDMORE)
    assert pull.poll(0) == 0
    push.send(b"3")
    assert pull.recv_multipart() == [b"0", b"1", b"2", b"3"]


@pytest.mark.parametrize("bad", ["text", 5, None, object()])
def test_a_bad_part_leaves_nothing_sent(push_pull, bad) -> None:
    push, pull = push_pull
    with pytest.raises(TypeError, match="Frame 2"):
        push.send_multipart([b"1", b"2", bad])
    push.send_multipart([b"good"])
    assert pull.recv_multipart() == [b"good"]


def test_what_is_no_list_of_parts(push_pull) -> None:
    push, pull = push_pull
    for parts in (b"bytes", (part for part in [b"x"]), 5, None):
        with pytest.raises(TypeError):
            push.send_multipart(parts)
    with pytest.raises(IndexError):
        push.send_multipart([])
    assert pull.poll(0) == 0


def test_parts_of_all_kinds(zmq, push_pull) -> None:
    push, pull = push_pull
    parts = [b"bytes", bytearray(b"array"), memoryview(b"view"), zmq.Frame(b"frame")]
    push.send_multipart(parts)
    assert pull.recv_multipart() == [b"bytes", b"array", b"view", b"frame"]


def test_trackers(zmq, push_pull) -> None:
    push, pull = push_pull
    assert push.send_multipart([b"1", b"2"]) is None
    assert push.send_multipart([b"1", b"2"], copy=False, track=True).done
    tracker = push.send_multipart([b"1", bytes(100_000)], copy=False, track=True)
    assert isinstance(tracker, zmq.MessageTracker)
    for _ in range(3):
        pull.recv_multipart()
    tracker.wait(10)


def test_unknown_keywords_have_no_effect(push_pull) -> None:
    push, pull = push_pull
    push.send_multipart([b"1"], whatever=True)
    assert pull.recv_multipart() == [b"1"]


def test_no_room_and_nothing_there(zmq, make) -> None:
    push, pull = make(zmq.PUSH, sndtimeo=10), make(zmq.PULL, rcvtimeo=10)
    with pytest.raises(zmq.Again):
        push.send_multipart([b"1", b"2"])
    with pytest.raises(zmq.Again):
        push.send_multipart([b"1", b"2"], zmq.DONTWAIT)
    with pytest.raises(zmq.Again):
        pull.recv_multipart()
    with pytest.raises(zmq.Again):
        pull.recv_multipart(zmq.DONTWAIT, copy=False)


def test_a_request_of_several_parts(zmq, pair) -> None:
    client, server = pair(zmq.REQ, zmq.REP, "tcp")
    for parts in ([b"q", b"", b"r"], [b""]):
        client.send_multipart(parts)
        assert server.recv_multipart() == parts
        server.send_multipart([*parts, b"answer"])
        assert client.recv_multipart() == [*parts, b"answer"]


def test_only_the_first_part_is_read(zmq, pair) -> None:
    client, server = pair(zmq.REQ, zmq.REP)
    client.send_multipart([b"1", b"2"])
    assert server.recv() == b"1"
    # The request is not read to its end.
    with pytest.raises(zmq.ZMQError) as info:
        server.send(b"too early")
    assert info.value.errno == zmq.EFSM
    assert server.recv() == b"2"
    server.send(b"now")
    assert client.recv() == b"now"
