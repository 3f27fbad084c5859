# SPDX-License-Identifier: Apache-2.0
"""Frames and trackers by themselves."""

from __future__ import annotations

import array
import copy
import pickle
import sys
import threading

import pytest
from patterns.conftest import until


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


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_references(zmq, kind) -> None:
    body = kind(100_000)
    before = sys.getrefcount(body)
    frame = zmq.Frame(body, copy=False, track=True)
    assert sys.getrefcount(body) > before
    tracker = frame.tracker
    del frame
    tracker.wait(10)
    # pyzmq says so just before it forgets it.
    until(lambda: sys.getrefcount(body) == before)


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


def test_the_event_of_a_tracker_is_one_of_threading(zmq) -> None:
    """It is waited for by who likes, whoever gives it, and as often."""
    frame = zmq.Frame(bytearray(b"x" * 100), copy=False, track=True, copy_threshold=0)
    event = frame.tracker_event
    assert frame.tracker.events == {event}
    assert isinstance(event, threading.Event)
    assert "unset" in repr(event)
    for timeout in (0, -1, 0.001):
        assert not event.wait(timeout)
    with pytest.raises(TypeError):
        event.wait("a while")
    seen = []
    waiters = [
        threading.Thread(
            target=lambda timeout=timeout: seen.append(event.wait(timeout))
        )
        for timeout in (None, None, 60, 1e9)
    ]
    for waiter in waiters:
        waiter.start()
    del frame
    zmq.MessageTracker(event).wait(60)
    for waiter in waiters:
        waiter.join(60)
    assert seen == [True] * 4
    assert event.is_set()
    assert event.wait(0)
    event.set()
    assert "unset" not in repr(event)
    event.clear()
    assert not event.wait(0)
    event.set()
    assert event.wait()


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


def test_options_in_any_case(zmq) -> None:
    frame = zmq.Frame(b"x")
    for name in ("MORE", "More", "shared", "SHARED"):
        assert getattr(frame, name) == 0
        assert hasattr(frame, name)
    # `more` is a plain attribute, MORE asks the message.
    frame.more = True
    assert frame.MORE == 0
    assert not hasattr(frame, "SRCFD")
    with pytest.raises(AttributeError, match="^SRCFD attribute is write-only$"):
        frame.SRCFD  # noqa: B018
    for call in (lambda: frame.set(zmq.MORE, 1), lambda: setattr(frame, "MORE", 1)):
        with pytest.raises(zmq.ZMQError) as info:
            call()
        assert info.value.errno == zmq.EINVAL
    with pytest.raises(AttributeError, match="^Frame has no such option: NOPE$"):
        frame.nope = 1
    with pytest.raises(AttributeError):
        frame.bytes = b"y"


def test_attributes_of_subclasses(zmq) -> None:
    class Mine(zmq.Frame):
        known = 0

    mine = Mine(b"x")
    mine.known = 1
    assert mine.known == 1
    with pytest.raises(AttributeError):
        mine.unknown = 1
    assert mine.bytes == b"x"
    assert repr(mine).endswith("(b'x')>")


def test_whose_body_it_is(zmq) -> None:
    frame = zmq.Frame(b"x" * 1000)
    assert frame.get(zmq.SHARED) == 0
    other = copy.copy(frame)
    # A copy of pyzmq's is of another class, which has no attributes for options.
    assert frame.get(zmq.SHARED) == other.get(zmq.SHARED) == frame.shared == 1


def test_where_a_frame_came_from(zmq, pair) -> None:
    client, server = pair(zmq.REQ, zmq.REP, "tcp", identity=b"me")
    for size in (0, 1, 100_000):
        client.send(b"x" * size)
        frame = server.recv(copy=False)
        assert frame.get(zmq.SRCFD) == frame.srcfd > 2
        assert frame["Socket-Type"] == frame.get("Socket-Type") == "REQ"
        assert frame["Identity"] == "me"
        assert frame["Peer-Address"] == "127.0.0.1"
        assert not frame.more
        for name in ("Routing-Id", "User-Ids", "X-None"):
            with pytest.raises(zmq.ZMQError) as info:
                frame[name]
            assert info.value.errno == zmq.EINVAL
        server.send(b"")
        assert client.recv(copy=False)["Socket-Type"] == "REP"


def test_only_some_say_who_they_are(zmq, pair) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, "ipc", identity=b"me")
    push.send(b"x")
    frame = pull.recv(copy=False)
    with pytest.raises(zmq.ZMQError):
        frame["Identity"]


def test_a_frame_is_no_sequence(zmq) -> None:
    frame = zmq.Frame(b"abc")
    for call in (
        lambda: frame[0],
        lambda: list(frame),
        lambda: 97 in frame,
    ):
        with pytest.raises(zmq.ZMQError) as info:
            call()
        assert info.value.errno == zmq.EINVAL
    for call in (
        lambda: frame + b"x",
        lambda: frame[None],
        lambda: frame[1.5],
        lambda: frame > b"x",
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError):
        del frame[0]


def test_arguments_by_position(zmq) -> None:
    assert zmq.Frame(bytes(100_000), True, True).tracker is zmq._FINISHED_TRACKER
    assert zmq.Frame(bytes(10), False, None, 0).tracker is None
    assert not zmq.Frame(bytes(10), True, None, 5).tracker.done
    assert zmq.Frame(None, True).tracker.done
    assert zmq.Frame(track=True).tracker is zmq._FINISHED_TRACKER
    assert zmq.Frame(bytes(10), copy=False).tracker_event is None


def test_numpy(zmq) -> None:
    numpy = pytest.importorskip("numpy")
    numbers = numpy.arange(6, dtype="int32").reshape(2, 3)
    frame = zmq.Frame(numbers, copy=False)
    assert numpy.frombuffer(frame, dtype="int32").tolist() == list(range(6))
    assert numpy.frombuffer(frame.buffer, dtype="int32").sum() == 15
    with pytest.raises(ValueError, match="not contiguous"):
        zmq.Frame(numbers[:, ::2], copy=False)


def test_exact_references(zmq) -> None:
    """One for the frame, one for what was lent; another for each copy."""
    body = b"x" * 100_000
    before = sys.getrefcount(body)
    frame = zmq.Frame(body, copy=False, track=True)
    assert sys.getrefcount(body) == before + 2
    other = copy.copy(frame)
    assert sys.getrefcount(body) == before + 3
    tracker = frame.tracker
    del frame
    assert sys.getrefcount(body) == before + 2
    view = other.buffer
    del other
    assert sys.getrefcount(body) == before + 2
    assert not tracker.done
    del view
    tracker.wait(10)
    until(lambda: sys.getrefcount(body) == before)


def test_the_tracker_waits_for_frames_held_by_the_receiver(zmq, push_pull) -> None:
    push, pull = push_pull
    body = bytes(100_000)
    tracker = push.send(body, copy=False, track=True)
    frame = pull.recv(copy=False)
    view = frame.buffer
    del frame
    with pytest.raises(zmq.NotDone):
        tracker.wait(0.01)
    assert not tracker.done
    del view
    tracker.wait(10)


@pytest.mark.parametrize("transport", ["inproc", "tcp"])
def test_several_trackers_in_one(zmq, make, address, transport) -> None:
    trackers = []
    pulls = []
    for _ in range(3):
        push, pull = make(zmq.PUSH), make(zmq.PULL)
        pull.bind(address(transport) if transport == "tcp" else f"inproc://{id(pull)}")
        push.connect(pull.last_endpoint.decode())
        trackers.append(push.send(bytes(100_000), copy=False, track=True))
        pulls.append(pull)
    all_of_them = zmq.MessageTracker(*trackers)
    assert all_of_them.peers == set(trackers)
    for pull in pulls:
        assert len(pull.recv()) == 100_000
    all_of_them.wait(10)
    assert all(tracker.done for tracker in trackers)
    assert all_of_them.done


def test_a_frame_for_each_part_has_its_own_tracker(zmq, push_pull) -> None:
    push, pull = push_pull
    frames = [zmq.Frame(bytes(70_000), track=True) for _ in range(3)]
    trackers = [frame.tracker for frame in frames]
    assert push.send_multipart(frames, copy=False, track=True) is trackers[-1]
    del frames
    received = pull.recv_multipart(copy=False)
    assert not trackers[0].done
    del received
    zmq.MessageTracker(*trackers).wait(10)
    with pytest.raises(ValueError, match="Not a tracked message"):
        push.send_multipart([zmq.Frame(b"x")], track=True)
    assert pull.poll(0) == 0
