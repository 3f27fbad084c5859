# SPDX-License-Identifier: Apache-2.0
"""Single parts: what can be sent, what arrives, and what is refused."""

from __future__ import annotations

import array
import inspect
import sys

import pytest

import fastmq

TRANSPORTS = ["inproc", "tcp", "ipc"]
SIZES = [0, 1, 7, 255, 256, 511, 512, 513, 4096, 65535, 65536, 1 << 20, (4 << 20) + 3]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_bodies_of_all_sizes(zmq, pair, transport) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    for size in SIZES:
        body = bytes(i % 251 for i in range(min(size, 997))) * (size // 997 + 1)
        body = body[:size]
        assert push.send(body) is None
        assert pull.recv() == body


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_order_is_kept(zmq, pair, transport) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, transport)
    for burst in (1, 10, 400):
        for i in range(burst):
            push.send(b"%d" % i)
        assert [pull.recv() for _ in range(burst)] == [b"%d" % i for i in range(burst)]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_request_and_reply(zmq, pair, transport) -> None:
    client, server = pair(zmq.REQ, zmq.REP, transport)
    for i in range(20):
        client.send(b"question %d" % i)
        assert server.recv() == b"question %d" % i
        server.send(b"answer %d" % i)
        assert client.recv() == b"answer %d" % i


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_pair_goes_both_ways(zmq, pair, transport) -> None:
    a, b = pair(zmq.PAIR, zmq.PAIR, transport)
    a.send(b"there")
    assert b.recv() == b"there"
    b.send(b"and back")
    assert a.recv() == b"and back"


@pytest.mark.parametrize(
    "body",
    [
        bytearray(b"bytearray"),
        memoryview(b"memoryview"),
        memoryview(b"sliced view")[2:7],
        array.array("d", [1.5, 2.5]),
        memoryview(bytes(12)).cast("B", (3, 4)),
        b"",
        bytearray(),
    ],
    ids=lambda body: type(body).__name__,
)
@pytest.mark.parametrize("copy", [True, False])
def test_whatever_has_a_buffer(push_pull, body, copy) -> None:
    push, pull = push_pull
    push.copy_threshold = 0
    push.send(body, copy=copy)
    assert pull.recv() == bytes(memoryview(body).cast("B"))


def test_a_buffer_is_the_callers_again(push_pull) -> None:
    push, pull = push_pull
    body = bytearray(b"before")
    push.send(body)
    body[:] = b"behind"
    body.extend(b"!")
    assert pull.recv() == b"before"


def test_subclasses_of_bytes(push_pull) -> None:
    class Body(bytes):
        pass

    push, pull = push_pull
    push.send(Body(b"x"))
    received = pull.recv()
    assert received == b"x"
    assert type(received) is bytes


@pytest.mark.parametrize("body", ["text", 5, None, 1.5, object(), ["list"]])
def test_what_is_no_buffer(push_pull, body) -> None:
    push, pull = push_pull
    for copy in (True, False):
        with pytest.raises(TypeError):
            push.send(body, copy=copy)
    assert pull.poll(0) == 0


def test_str_says_what_to_use(push_pull) -> None:
    with pytest.raises(TypeError, match="unicode not allowed, use send_string"):
        push_pull[0].send("text")


def test_a_buffer_with_holes(push_pull) -> None:
    with pytest.raises(BufferError):
        push_pull[0].send(memoryview(b"abcdef")[::2])


@pytest.mark.parametrize("flags", ["1", None, []])
def test_flags_are_ints(push_pull, flags) -> None:
    push, pull = push_pull
    with pytest.raises(TypeError):
        push.send(b"x", flags)
    with pytest.raises(TypeError):
        pull.recv(flags)


def test_unknown_flags_are_ignored(zmq, push_pull) -> None:
    push, pull = push_pull
    push.send(b"x", 0x100)
    assert pull.recv(flags=zmq.BLOCKY) == b"x"


def test_nothing_to_receive(zmq, make) -> None:
    pull = make(zmq.PULL, rcvtimeo=-1)
    for flag in (zmq.DONTWAIT, zmq.NOBLOCK, 1):
        with pytest.raises(zmq.Again):
            pull.recv(flag)
    pull.rcvtimeo = 0
    with pytest.raises(zmq.Again):
        pull.recv()
    pull.rcvtimeo = 20
    with pytest.raises(zmq.Again):
        pull.recv()
    with pytest.raises(zmq.Again):
        pull.recv(copy=False)


def test_no_room_to_send(zmq, make) -> None:
    push = make(zmq.PUSH, sndtimeo=-1)
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.DONTWAIT)
    push.sndtimeo = 0
    with pytest.raises(zmq.Again):
        push.send(b"x")
    push.sndtimeo = 20
    with pytest.raises(zmq.Again):
        push.send(b"x")
    with pytest.raises(zmq.Again):
        push.send(bytes(2 << 20))


def test_the_high_water_mark(zmq, make) -> None:
    pull, push = make(zmq.PULL, rcvhwm=5), make(zmq.PUSH, sndhwm=5)
    pull.bind("inproc://mark")
    push.connect("inproc://mark")
    with pytest.raises(zmq.Again):
        for _ in range(11):
            push.send(b"x", zmq.DONTWAIT)
    assert pull.recv() == b"x"


def test_the_wrong_direction(zmq, push_pull) -> None:
    push, pull = push_pull
    for call in (push.recv, lambda: pull.send(b"x"), push.recv_multipart):
        with pytest.raises(zmq.ZMQError) as info:
            call()
        assert info.value.errno == zmq.ENOTSUP


def test_request_out_of_turn(zmq, pair) -> None:
    client, server = pair(zmq.REQ, zmq.REP)
    for call in (client.recv, lambda: server.send(b"x")):
        with pytest.raises(zmq.ZMQError) as info:
            call()
        assert info.value.errno == zmq.EFSM
    client.send(b"x")
    with pytest.raises(zmq.ZMQError) as info:
        client.send(b"y")
    assert info.value.errno == zmq.EFSM
    assert server.recv() == b"x"


@pytest.mark.parametrize("size", [0, 5, 100, 600, 2 << 20])
def test_recv_into(push_pull, size) -> None:
    push, pull = push_pull
    body = b"a" * size
    push.send(body)
    buffer = bytearray(size + 3)
    assert pull.recv_into(buffer) == size
    assert buffer == body + bytes(3)


@pytest.mark.parametrize("size", [10, 1000, 2 << 20])
def test_recv_into_what_is_too_small(push_pull, size) -> None:
    push, pull = push_pull
    push.send(b"abcdefgh" + bytes(size))
    buffer = bytearray(8)
    assert pull.recv_into(buffer, nbytes=4) == size + 8
    assert buffer == b"abcd" + bytes(4)
    push.send(b"next")
    assert pull.recv_into(bytearray()) == 4
    push.send(b"12345678")
    items = array.array("i", [0, 0])
    assert pull.recv_into(items) == 8
    assert items.tobytes() == b"12345678"


def test_recv_into_refuses(zmq, push_pull) -> None:
    _, pull = push_pull
    with pytest.raises(BufferError):
        pull.recv_into(b"readonly")
    with pytest.raises(BufferError):
        pull.recv_into(memoryview(bytearray(8))[::2])
    for nbytes in (-1, 9):
        with pytest.raises(ValueError, match="nbytes"):
            pull.recv_into(bytearray(8), nbytes=nbytes)
    with pytest.raises(zmq.Again):
        pull.recv_into(bytearray(8), flags=zmq.DONTWAIT)
    with pytest.raises(TypeError):
        pull.recv_into(buffer=bytearray(8))


def test_sends_without_a_copy(zmq, push_pull) -> None:
    push, pull = push_pull
    # Smaller than the threshold: copied, and done with.
    assert push.send(b"small", copy=False, track=True).done
    assert pull.recv() == b"small"
    body = b"x" * zmq.COPY_THRESHOLD
    assert push.send(body, copy=False) is None
    assert pull.recv() == body
    tracker = push.send(body, copy=False, track=True)
    assert pull.recv() == body
    tracker.wait(10)
    assert tracker.done


def test_the_threshold_of_a_socket(zmq, ctx, push_pull) -> None:
    push, pull = push_pull
    assert push.copy_threshold == zmq.COPY_THRESHOLD
    push.copy_threshold = 0
    tracker = push.send(b"small", copy=False, track=True)
    assert pull.recv() == b"small"
    tracker.wait(10)
    with ctx.socket(zmq.PUSH, copy_threshold=7) as other:
        assert other.copy_threshold == 7


def test_received_frames(zmq, push_pull) -> None:
    push, pull = push_pull
    for size in (0, 5, 1000, 100_000):
        body = b"y" * size
        push.send(body, zmq.SNDMORE)
        push.send(b"last")
        frame = pull.recv(copy=False)
        assert isinstance(frame, zmq.Frame)
        assert frame.bytes == body
        assert bytes(frame.buffer) == body
        assert frame.bytes is frame.bytes
        assert len(frame) == size
        assert frame.more
        assert pull.recv(copy=False, track=True).tracker.done


def test_frames_are_sent(zmq, push_pull) -> None:
    push, pull = push_pull
    frame = zmq.Frame(b"again and again")
    for _ in range(3):
        assert push.send(frame) is None
        assert pull.recv() == b"again and again"
    with pytest.raises(ValueError, match="Not a tracked message"):
        push.send(frame, track=True)
    push.send(frame)
    received = pull.recv(copy=False)
    push.send(received)
    assert pull.recv() == b"again and again"


# --- the two calls that are made most, however they are written ---


def test_every_way_to_say_send(zmq, pair) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc")
    for send in (
        lambda: push.send(b"it"),
        lambda: push.send(data=b"it"),
        lambda: push.send(b"it", 0),
        lambda: push.send(b"it", copy=False),
        lambda: push.send(bytearray(b"it")),
        lambda: type(push).send(push, b"it"),
        lambda: super(type(push), push).send(b"it"),
    ):
        send()
        assert pull.recv() == b"it"


def test_every_way_to_say_recv(zmq, pair) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc")
    for recv in (
        lambda: pull.recv(),
        lambda: pull.recv(0),
        lambda: pull.recv(flags=zmq.NOBLOCK),
        lambda: pull.recv(copy=True),
        lambda: pull.recv(copy=False).bytes,
        lambda: type(pull).recv(pull),
        lambda: super(type(pull), pull).recv(),
    ):
        push.send(b"it")
        assert recv() == b"it"


def test_what_is_no_call_of_them(zmq, pair) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, "inproc")
    for call in (
        lambda: push.send(),
        lambda: push.send(b"it", 0, True, False, None, None, None),
        lambda: push.send(b"it", nonsense=1),
        lambda: push.send(b"it", data=b"it"),
        lambda: push.send("it"),
        lambda: type(push).send(),
        lambda: pull.recv(0, True, False, 1),
        lambda: pull.recv(nonsense=1),
        lambda: pull.recv("it"),
    ):
        with pytest.raises(TypeError):
            call()


def test_what_is_no_socket() -> None:
    for call in (
        lambda: fastmq.Socket.send(1, b"it"),
        lambda: fastmq.Socket.recv(1),
        lambda: fastmq.Socket.recv(fastmq.Context),
    ):
        with pytest.raises(TypeError):
            call()


def test_a_subclass_is_heard(zmq) -> None:
    class Loud(zmq.Socket):
        def send(self, data, *args, **kwargs):
            return super().send(data.upper(), *args, **kwargs)

        def recv(self, *args, **kwargs):
            return super().recv(*args, **kwargs) + b"!"

    with (
        zmq.Context() as context,
        Loud(context, zmq.PAIR) as one,
        Loud(context, zmq.PAIR) as other,
    ):
        one.bind("inproc://loud")
        other.connect("inproc://loud")
        one.send(b"it")
        assert other.recv() == b"IT!"


def test_signatures_are_there_to_be_read(zmq) -> None:
    for name, parameters in (
        ("send", ["self", "data", "flags", "copy", "track"]),
        ("recv", ["self", "flags", "copy", "track"]),
        ("recv_multipart", ["self", "flags", "copy", "track"]),
    ):
        found = list(inspect.signature(getattr(zmq.Socket, name)).parameters)
        assert found[: len(parameters)] == parameters


@pytest.mark.skipif(sys.version_info < (3, 11), reason="calls are not specialised")
def test_short_calls_take_the_short_way() -> None:
    assert inspect.ismethoddescriptor(fastmq.Socket.send)
    with fastmq.Context() as context, context.socket(fastmq.PUSH) as push:
        push.setsockopt(fastmq.SNDTIMEO, 0)
        with pytest.raises(fastmq.Again) as caught:
            push.send(b"nobody is there")
    names = [entry.name for entry in caught.traceback]
    assert any("quick_send" in name for name in names), names
