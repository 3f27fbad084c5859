# SPDX-License-Identifier: Apache-2.0
"""Frames and trackers by themselves."""

from __future__ import annotations

import array
import copy
import pickle
import sys
import threading

import pytest


def test_bodies(zmq) -> None:
    for body in (b"", b"bytes", bytearray(b"array"), memoryview(b"view")):
        frame = zmq.Frame(body)
        assert frame.bytes == bytes(frame) == bytes(body)
        assert len(frame) == len(body)
        assert bool(frame) is bool(body)
    assert zmq.Frame().bytes == zmq.Frame(None).bytes == b""
    assert zmq.Frame(zmq.Frame(b"frame")).bytes == b"frame"
    assert (
        zmq.Frame(array.array("i", [1, 2])).bytes == array.array("i", [1, 2]).tobytes()
    )
    assert zmq.Frame(memoryview(bytes(6)).cast("B", (2, 3))).bytes == bytes(6)
    assert zmq.Message is zmq.Frame


def test_what_is_no_body(zmq) -> None:
    for body in ("text", 5, object(), [b"list"]):
        with pytest.raises(TypeError):
            zmq.Frame(body)
    with pytest.raises(BufferError):
        zmq.Frame(memoryview(b"abcdef")[::2])


def test_other_keywords_have_no_effect(zmq) -> None:
    assert zmq.Frame(b"x", whatever=1).bytes == b"x"


def test_the_bytes_are_made_once(zmq) -> None:
    frame = zmq.Frame(b"x" * 100_000)
    assert frame.bytes is frame.bytes


def test_the_buffer(zmq) -> None:
    frame = zmq.Frame(bytearray(b"hello"))
    view = frame.buffer
    assert view is frame.buffer
    assert (view.format, view.ndim, view.readonly) == ("B", 1, False)
    view[0] = ord("j")
    assert bytes(memoryview(frame)) == b"jello"
    del frame
    assert bytes(view) == b"jello"


@pytest.mark.parametrize(
    ("options", "size", "is_copy"),
    [
        ({}, 10, True),
        ({}, 65535, True),
        ({}, 65536, False),
        ({"copy": True}, 1 << 20, True),
        ({"copy": False}, 10, False),
        ({"copy_threshold": 5}, 4, True),
        ({"copy_threshold": 5}, 5, False),
        ({"copy_threshold": 0}, 1, False),
    ],
)
def test_what_is_copied(zmq, options, size, is_copy) -> None:
    body = bytearray(size)
    frame = zmq.Frame(body, track=True, **options)
    body[0] = 1
    assert frame.bytes[0] == (0 if is_copy else 1)
    assert frame.tracker.done is is_copy
    if is_copy:
        assert frame.tracker is zmq._FINISHED_TRACKER
        assert frame.tracker_event is None or frame.tracker_event.is_set()
    else:
        assert isinstance(frame.tracker_event, threading.Event)
    assert zmq.Frame(body, **options).tracker is None


def test_the_threshold_is_read_when_needed(zmq, monkeypatch) -> None:
    monkeypatch.setattr(zmq, "COPY_THRESHOLD", 4)
    assert not zmq.Frame(b"12345", track=True).tracker.done
    assert zmq.Frame(b"123", track=True).tracker.done


def test_representation(zmq) -> None:
    shown = {
        b"": "b''",
        b"x" * 16: "b'xxxxxxxxxxxxxxxx'",
        b"x" * 17: "b'xxxxxxxxxxxx'...17B",
        bytes(999): f"{bytes(12)!r}...999B",
        bytes(2500): f"{bytes(12)!r}...2kB",
        bytes(1 << 20): f"{bytes(12)!r}...1MB",
    }
    for body, text in shown.items():
        assert repr(zmq.Frame(body)).endswith(f".Frame({text})>")


def test_comparison(zmq) -> None:
    frame = zmq.Frame(b"x")
    assert frame != b"x"
    assert frame != zmq.Frame(b"x")
    assert len({frame, frame}) == 1
    with pytest.raises(TypeError):
        frame < zmq.Frame(b"y")  # noqa: B015


def test_options(zmq) -> None:
    frame = zmq.Frame(b"x")
    assert frame.get(zmq.MORE) == frame.MORE == 0
    assert not frame.more
    frame.more = True
    assert frame.more
    for option in ("No-Such-Property", b"No-Such-Property", 999):
        with pytest.raises(zmq.ZMQError) as info:
            frame.get(option)
        assert info.value.errno == zmq.EINVAL
    with pytest.raises(zmq.ZMQError):
        frame["Socket-Type"]
    with pytest.raises(AttributeError, match="Frame has no such option: NOPE"):
        frame.nope  # noqa: B018
    with pytest.raises(AttributeError):
        frame.nope = 1


def test_properties_of_the_connection(zmq, pair) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, "tcp")
    for size in (1, 100_000):
        push.send_multipart([b"1" * size, b"2"])
        for frame in pull.recv_multipart(copy=False):
            assert frame["Socket-Type"] == frame.get(b"Socket-Type") == "PUSH"
            assert frame["Peer-Address"] == "127.0.0.1"


def test_no_properties_over_inproc(zmq, push_pull) -> None:
    push, pull = push_pull
    push.send(b"x")
    with pytest.raises(zmq.ZMQError):
        pull.recv(copy=False)["Socket-Type"]


def test_copies(zmq, ours) -> None:
    body = bytearray(100_000)
    frame = zmq.Frame(body, track=True)
    other = copy.copy(frame)
    assert other.bytes == frame.bytes
    assert other.tracker is frame.tracker
    if ours:
        # pyzmq's are of another class.
        assert type(other) is zmq.Frame
    tracker = frame.tracker
    del frame
    assert not tracker.done
    del other
    tracker.wait(10)
    assert tracker.done


def test_what_cannot_be_done(zmq) -> None:
    for call in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            call(zmq.Frame(b"x"))


def test_references(zmq) -> None:
    for body in (b"x" * 100_000, bytearray(100_000)):
        before = sys.getrefcount(body)
        frame = zmq.Frame(body, copy=False, track=True)
        assert sys.getrefcount(body) > before
        tracker = frame.tracker
        del frame
        tracker.wait(10)
        assert sys.getrefcount(body) == before


def test_a_frame_sent_to_several(zmq, make) -> None:
    pulls = [make(zmq.PULL) for _ in range(3)]
    pushes = [make(zmq.PUSH) for _ in range(3)]
    for i in range(3):
        pulls[i].bind(f"inproc://several-{i}")
        pushes[i].connect(f"inproc://several-{i}")
    frame = zmq.Frame(b"x" * 100_000, copy=False, track=True)
    tracker = frame.tracker
    for push in pushes:
        assert push.send(frame, copy=False, track=True) is tracker
    del frame
    assert not tracker.done
    received = [pull.recv(copy=False) for pull in pulls]
    assert {part.bytes for part in received} == {b"x" * 100_000}
    received.clear()
    part = None  # noqa: F841
    tracker.wait(10)


def test_trackers(zmq) -> None:
    assert zmq.MessageTracker().done
    assert zmq._FINISHED_TRACKER.done
    first, second = threading.Event(), threading.Event()
    inner = zmq.MessageTracker(first)
    outer = zmq.MessageTracker(inner, second)
    assert (inner.events, outer.peers) == ({first}, {inner})
    for timeout in (0, 0.01):
        with pytest.raises(zmq.NotDone):
            outer.wait(timeout)
    first.set()
    assert inner.done
    assert not outer.done
    second.set()
    assert outer.wait() is None
    assert outer.done


def test_what_cannot_be_tracked(zmq) -> None:
    with pytest.raises(ValueError, match="Not a tracked message"):
        zmq.MessageTracker(zmq.Frame(b"x"))
    with pytest.raises(TypeError):
        zmq.MessageTracker(b"x")
    with pytest.raises(TypeError):
        zmq.MessageTracker().wait(None)
    frame = zmq.Frame(bytearray(100_000), track=True)
    assert not zmq.MessageTracker(frame).done


def test_waiting_in_a_thread(zmq, push_pull) -> None:
    push, pull = push_pull
    tracker = push.send(bytearray(100_000), copy=False, track=True)
    done = threading.Event()

    def wait() -> None:
        tracker.wait()
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not done.is_set()
    pull.recv()
    assert done.wait(10)
    thread.join()
