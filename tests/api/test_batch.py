# SPDX-License-Identifier: Apache-2.0
"""Many messages a call, and arrays: what pyzmq does not have."""

from __future__ import annotations

import contextlib
import gc
import itertools
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import fastmq

N = 5000


@pytest.fixture(params=["fastmq"])
def zmq(request: pytest.FixtureRequest):
    return fastmq


def receive(pull, n: int, at_most: int = 1000) -> list[bytes]:
    got: list[bytes] = []
    while len(got) < n:
        batch = pull.recv_many(at_most)
        assert 1 <= len(batch) <= at_most
        got += batch
    return got


@pytest.mark.parametrize("transport", ["inproc", "tcp", "ipc"])
@pytest.mark.parametrize("hwm", [0, 10])
def test_as_one_by_one(pair, transport, hwm) -> None:
    push, pull = pair(fastmq.PUSH, fastmq.PULL, transport, sndhwm=hwm, rcvhwm=hwm)
    messages = [bytes([n % 256]) * (n % 700) for n in range(N)]
    messages[17] = bytes(100_000)
    sender = threading.Thread(target=push.send_many, args=(messages,))
    sender.start()
    assert receive(pull, N, 300) == messages
    sender.join()
    push.send(b"one")
    push.send_many([b"two"])
    assert [pull.recv(), pull.recv()] == [b"one", b"two"]


def test_whatever_has_a_buffer(push_pull) -> None:
    push, pull = push_pull
    messages = [bytearray(b"a"), memoryview(b"xbx")[1:2], fastmq.Frame(b"c"), b""]
    assert push.send_many(iter(messages * 100)) == 400
    assert push.send_many(()) == 0
    assert receive(pull, 400) == [b"a", b"b", b"c", b""] * 100
    messages[0].append(1)  # it is ours again


def test_a_bad_one_stops_it(push_pull) -> None:
    push, pull = push_pull
    with pytest.raises(TypeError) as error:
        push.send_many([b"1"] * 200 + [bytearray(b"1"), "text", b"2"])
    assert error.value.n_sent == 201
    assert error.value.unsent == ["text", b"2"]
    assert receive(pull, 201) == [b"1"] * 201
    with pytest.raises(TypeError) as error:
        push.send_multipart_many([[b"1", b"2"], [b"3", 4], [b"5"]])
    assert error.value.n_sent == 1
    assert error.value.unsent == [[b"3", 4], [b"5"]]
    assert pull.recv_multipart_many() == [[b"1", b"2"]]
    with pytest.raises(IndexError):
        push.send_multipart_many([[]])
    with pytest.raises(TypeError, match="list of parts"):
        push.send_multipart_many([b"parts"])


def test_without_room(pair) -> None:
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "inproc", sndhwm=4, rcvhwm=4)
    for timeout in (0, 10):
        with pytest.raises(fastmq.Again) as error:
            push.send_many([b"x"] * 50, timeout=timeout)
        assert error.value.n_sent == 8
        assert error.value.unsent == [b"x"] * 42
        assert receive(pull, 8) == [b"x"] * 8
    push.sndtimeo = 10
    with pytest.raises(fastmq.Again) as error:
        push.send_multipart_many([[b"x"]] * 50)
    assert error.value.n_sent == 8
    assert len(pull.recv_multipart_many(5)) == 5
    assert len(pull.recv_multipart_many(5)) == 3


WAYS = {
    "one part": (lambda push: push.send_many, lambda pull: pull.recv_many, lambda m: m),
    "whole": (
        lambda push: push.send_multipart_many,
        lambda pull: pull.recv_multipart_many,
        lambda m: [m, b"", m],
    ),
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest):
    """How to send, how to receive, and what a message with a given body is."""
    return WAYS[request.param]


def test_an_iterator_loses_nothing(pair, way) -> None:
    send_many, recv_many, message = way
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "inproc", sndhwm=4, rcvhwm=4)
    messages = [message(b"%d" % n) for n in range(1000)]
    source = iter(messages)
    unsent: list = []
    got: list = []
    for _ in range(1000):
        try:
            send_many(push)(itertools.chain(unsent, source), timeout=0)
            break
        except fastmq.Again as error:
            n_sent, unsent = error.n_sent, error.unsent
        assert n_sent == 8
        assert len(unsent) <= 128
        got += recv_many(pull)()
    assert got + recv_many(pull)() == messages


def test_an_iterator_that_fails(push_pull, way) -> None:
    send_many, recv_many, message = way
    push, pull = push_pull

    def some(n: int, error: BaseException):
        for i in range(n):
            yield message(b"%d" % i)
        raise error

    # As one by one: what came before it goes.
    with pytest.raises(ZeroDivisionError) as error:
        send_many(push)(some(200, ZeroDivisionError()))
    assert error.value.n_sent == 200
    assert error.value.unsent == []
    assert recv_many(pull)() == [message(b"%d" % i) for i in range(200)]
    with pytest.raises(KeyboardInterrupt) as error:
        send_many(push)(some(130, KeyboardInterrupt()))
    assert error.value.n_sent == 128
    assert error.value.unsent == [message(b"128"), message(b"129")]
    assert len(recv_many(pull)()) == 128


def test_an_iterator_that_fails_where_there_is_no_room(pair, way) -> None:
    send_many, _, message = way
    push, _ = pair(fastmq.PUSH, fastmq.PULL, "inproc", sndhwm=1, rcvhwm=1)

    def some():
        yield from [message(b"x")] * 10
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as error:
        send_many(push)(some(), timeout=0)
    assert error.value.n_sent == 2
    assert error.value.unsent == [message(b"x")] * 8


def test_the_timeout_is_of_the_whole_call(pair, way, alarm) -> None:
    send_many, recv_many, message = way
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "inproc", sndhwm=50, rcvhwm=50)
    # Room comes again and again, but not for so many within the time.
    alarm(lambda *_: recv_many(pull)(128, timeout=0), after=0.01, every=0.01)
    for messages in ([message(b"x")] * 30_000, itertools.repeat(message(b"x"))):
        with pytest.raises(fastmq.Again) as error:
            send_many(push)(messages, timeout=100)
        assert error.value.n_sent >= 100


def test_signals_do_not_send_twice(pair, way, alarm) -> None:
    send_many, recv_many, message = way
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "inproc", sndhwm=40, rcvhwm=40)
    messages = [message(b"%d" % n) for n in range(1000)]
    got: list = []
    inside: list[bool] = []

    def receive(*_) -> None:
        if not inside:  # the next signal may come before this one is done with
            inside.append(True)
            got.extend(recv_many(pull)(timeout=0))
            inside.clear()

    alarm(receive, after=0.01, every=0.005)
    assert send_many(push)(messages) == 1000
    while len(got) < 1000:
        signal.pause()
    assert got == messages


def test_a_handler_that_raises(pair, way, alarm) -> None:
    send_many, recv_many, message = way
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "inproc", sndhwm=4, rcvhwm=4)

    def interrupt(*_) -> None:
        raise ZeroDivisionError

    alarm(interrupt)
    messages = [message(b"%d" % n) for n in range(20)]
    with pytest.raises(ZeroDivisionError) as error:
        send_many(push)(messages)
    assert error.value.n_sent == 8
    assert recv_many(pull)() + error.value.unsent == messages


class TestMemory:
    """What is sent or received into belongs to the call as long as that takes."""

    N = 100

    def bodies(self) -> list[bytes]:
        return [bytes([n]) * 100 for n in range(self.N)]

    def others(self) -> list[bytes]:
        """Return what takes the place of bodies that were freed."""
        return [bytes([255]) * 100 for _ in range(20 * self.N)]

    @pytest.fixture
    def narrow(self, pair):
        return pair(fastmq.PUSH, fastmq.PULL, "inproc", sndhwm=1, rcvhwm=1)

    def test_a_list_that_a_thread_clears(self, narrow, way) -> None:
        send_many, recv_many, message = way
        push, pull = narrow
        messages = [message(body) for body in self.bodies()]
        with ThreadPoolExecutor(1) as pool:
            sending = pool.submit(send_many(push), messages)
            # With a message there, and the GIL here, the other one waits for room.
            assert pull.poll(10_000)
            messages.clear()
            kept = self.others()
            got: list = []
            while len(got) < self.N:
                got += recv_many(pull)()
            assert sending.result(10) == self.N
        assert got == [message(body) for body in self.bodies()]
        assert kept

    @pytest.mark.parametrize("whole", [False, True])
    def test_a_list_that_a_handler_clears(self, narrow, whole, alarm) -> None:
        push, pull = narrow
        is_cleared = threading.Event()
        got: list = []
        kept: list = []
        bodies = self.bodies()
        messages: list = [[body] for body in bodies] if whole else bodies

        def clear(*_) -> None:
            if pull.poll(0) and not kept:
                for parts in messages[:1] if whole else []:
                    parts.clear()  # it has gone
                messages.clear()
                bodies.clear()
                kept.extend(self.others())
                is_cleared.set()

        def take() -> None:
            assert is_cleared.wait(10)
            while len(got) < self.N:
                got.extend(pull.recv_many())

        with ThreadPoolExecutor(1) as pool:
            taking = pool.submit(take)
            alarm(clear, after=0.01, every=0.01)
            n = (push.send_multipart_many if whole else push.send_many)(messages)
            taking.result(10)
        assert n == self.N
        assert got == self.bodies()

    def test_parts_that_are_cleared_while_one_waits(self, narrow, alarm) -> None:
        push, pull = narrow
        push.send_many([b"1", b"2"])
        parts: list = self.bodies()
        kept: list = []

        def clear(*_) -> None:
            parts.clear()
            kept.extend(self.others())
            assert pull.recv_many() == [b"1", b"2"]

        alarm(clear)
        push.send_multipart(parts)
        assert pull.recv_multipart() == self.bodies()

    def test_buffers_are_exported(self, narrow, way, alarm) -> None:
        send_many, recv_many, message = way
        push, pull = narrow
        buffers = [bytearray(body) for body in self.bodies()[:9]]
        refused: list = []
        got: list = []

        def resize(*_) -> None:
            for buffer in buffers:
                try:
                    buffer.clear()
                except BufferError:
                    refused.append(buffer)
                    break
            got.extend(recv_many(pull)(timeout=0))

        if message(b"") == b"":
            alarm(resize, after=0.05, every=0.01)
            assert send_many(push)(buffers) == 9
            while len(got) < 9:
                signal.pause()
            assert got == self.bodies()[:9]
            assert refused
        for buffer in buffers:
            buffer.append(1)  # it is ours again

    def test_a_buffer_to_receive_into_is_exported(self, push_pull, alarm) -> None:
        push, pull = push_pull
        buffer = bytearray(100)
        refused: list = []

        def resize(*_) -> None:
            try:
                buffer.clear()
            except BufferError:
                refused.append(1)
            push.send(b"x" * 100)

        alarm(resize)
        assert pull.recv_into(buffer) == 100
        assert refused
        assert buffer == b"x" * 100

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="no __buffer__ in Python")
    def test_a_buffer_that_clears_the_list(self, push_pull, way) -> None:
        send_many, recv_many, message = way
        push, pull = push_pull
        messages: list = []

        class Clears:
            def __buffer__(self, flags: int) -> memoryview:
                messages.clear()
                self.kept = TestMemory().others()
                return memoryview(b"body")

        messages += [message(body) for body in self.bodies()]
        messages.insert(50, message(Clears()))
        assert send_many(push)(messages) == self.N + 1
        got = recv_many(pull)()
        assert got.pop(50) == message(b"body")
        assert got == [message(body) for body in self.bodies()]

    def test_parts_that_are_more_than_they_say(self, push_pull) -> None:
        push, _ = push_pull

        class Liar(list):
            def __len__(self) -> int:
                return 1

        parts = Liar([b"x" * 50] * 1000)
        for send in (push.send_multipart, lambda p: push.send_multipart_many([p])):
            with pytest.raises(RuntimeError, match="changed"):
                send(parts)


@pytest.mark.parametrize("n_parts", [1, 128, 300])
def test_what_comes_behind_is_told_the_next_time(pair, n_parts) -> None:
    """After a request a REP has to answer; that is no reason to lose it."""
    req, rep = pair(fastmq.REQ, fastmq.REP)
    parts = [b"%d" % n for n in range(n_parts)]
    for _ in range(2):
        req.send_multipart(parts)
        assert rep.recv_many() == parts
        with pytest.raises(fastmq.ZMQError) as error:
            rep.recv_many()
        assert error.value.errno == fastmq.EFSM
        rep.send_multipart(parts)
        assert req.recv_multipart_many() == [parts]
        req.send_multipart(parts)
        assert rep.recv_multipart_many() == [parts]
        rep.send_multipart(parts)
        assert req.recv_many() == parts


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "receive_one",
    [
        lambda pull: pull.recv(),
        lambda pull: pull.recv(copy=False).bytes,
        lambda pull: pull.recv_multipart()[0],
        lambda pull: pull.recv_many()[0],
    ],
)
def test_no_message_is_lost_to_what_a_tracker_runs(
    pair, monkeypatch, receive_one
) -> None:
    """Its event is Python's: a signal's handler may run in it, and raise."""
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "tcp")
    a, b = pair(fastmq.PAIR, fastmq.PAIR)
    tracker = a.send(bytearray(100_000), copy=False, track=True)
    (event,) = tracker.events
    frames = [b.recv(copy=False)]

    def interrupted() -> None:
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(event, "set", interrupted)

    def later() -> None:
        frames.clear()
        push.send(b"x")

    timer = threading.Timer(0.02, later)
    timer.start()
    assert receive_one(pull) == b"x"
    timer.join()
    with contextlib.suppress(ZeroDivisionError):
        tracker.wait(10)
    assert tracker.done


class TestOfTypes:
    def test_a_req_sends_one_at_a_time(self, pair) -> None:
        req, rep = pair(fastmq.REQ, fastmq.REP)
        for send in (req.send_many, rep.send_many):
            with pytest.raises(fastmq.ZMQError) as error:
                send([b"1", b"2", b"3"])
            assert error.value.errno == fastmq.EFSM
            is_first = send == req.send_many
            assert error.value.n_sent == is_first
            assert error.value.unsent == [b"1", b"2", b"3"][is_first:]
        assert rep.recv_multipart_many() == [[b"1"]]
        with pytest.raises(fastmq.ZMQError) as error:
            rep.send_multipart_many([[b"1", b"2"], [b"3"]])
        assert error.value.errno == fastmq.EFSM
        assert error.value.n_sent == 1
        assert req.recv_many() == [b"1", b"2"]

    @pytest.mark.parametrize("transport", ["inproc", "tcp"])
    def test_a_pair_goes_both_ways(self, pair, transport) -> None:
        a, b = pair(fastmq.PAIR, fastmq.PAIR, transport)
        messages = [b"%d" % n for n in range(300)]
        a.send_many(messages)
        b.send_many(reversed(messages))
        assert receive(b, 300) == messages
        assert receive(a, 300) == messages[::-1]

    def test_a_pub_filters_and_drops(self, make, address) -> None:
        pub = make(fastmq.XPUB, sndhwm=10)
        sub = make(fastmq.SUB, rcvhwm=10)
        pub.bind(address("inproc"))
        sub.connect(pub.last_endpoint.decode())
        sub.subscribe(b"a")
        assert pub.recv() == b"\1a"
        assert pub.send_many([b"a1", b"b", b"a2"] * 2) == 6
        assert sub.recv_many() == [b"a1", b"a2"] * 2
        assert pub.send_multipart_many([[b"b", b"a"], [b"a", b"b"]]) == 2
        assert sub.recv_multipart_many() == [[b"a", b"b"]]
        assert pub.send_many([b"a"] * 500) == 500
        assert 10 <= len(sub.recv_many()) <= 20
        with pytest.raises(fastmq.ZMQError) as error:
            sub.send_many([b"x"])
        assert error.value.errno == fastmq.ENOTSUP

    @pytest.mark.parametrize("at_most", [1, 7, 1000])
    def test_peers_have_their_turns(self, make, address, at_most) -> None:
        pull = make(fastmq.PULL)
        pull.bind(address("inproc"))
        for name in b"abc":
            push = make(fastmq.PUSH)
            push.connect(pull.last_endpoint.decode())
            push.send_many(b"%c%d" % (name, n) for n in range(200))
        got = receive(pull, 600, at_most)
        for name in b"abc":
            mine = [m for m in got if m[0] == name]
            assert mine == [b"%c%d" % (name, n) for n in range(200)]
        for i in range(0, 600, 3):
            assert len({m[0] for m in got[i : i + 3]}) == 3


def test_with_nothing_there(push_pull) -> None:
    push, pull = push_pull
    for receive_many in (pull.recv_many, pull.recv_multipart_many):
        for timeout in (0, 10):
            with pytest.raises(fastmq.Again):
                receive_many(timeout=timeout)
        with pytest.raises(ValueError, match="max_messages"):
            receive_many(0)
        timer = threading.Timer(0.01, push.send, (b"late",))
        timer.start()
        assert receive_many() in ([b"late"], [[b"late"]])
        timer.join()
    pull.rcvtimeo = 0
    with pytest.raises(fastmq.Again):
        pull.recv_many()
    pull.close()
    with pytest.raises(fastmq.ZMQError):
        pull.recv_many()
    with pytest.raises(fastmq.ZMQError) as error:
        pull.send_many([b"x"])
    assert error.value.errno == fastmq.ENOTSOCK
    assert error.value.n_sent == 0


def test_messages_of_several_parts(pair) -> None:
    dealer, router = pair(fastmq.DEALER, fastmq.ROUTER, "tcp")
    dealer.send_multipart_many(
        ([b"%d" % n, bytearray(b"b")] for n in range(N)), timeout=10_000
    )
    got: list = []
    while len(got) < N:
        got += router.recv_multipart_many(copy=len(got) % 2 == 0)
    assert [bytes(parts[1]) for parts in got] == [b"%d" % n for n in range(N)]
    # As parts, a message may be cut.
    dealer.send_multipart([b"1", b"2"])
    assert len(router.recv_many(2)) == 2
    assert router.rcvmore
    assert router.recv_many() == [b"2"]


def test_signals_are_heard(push_pull, alarm) -> None:
    _, pull = push_pull

    def interrupt(*_) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        alarm(interrupt)
        pull.recv_many()


class TestArrays:
    np = pytest.importorskip("numpy")

    @pytest.mark.parametrize("copy", [True, False])
    def test_of_all_types_and_shapes(self, push_pull, copy) -> None:
        push, pull = push_pull
        np = self.np
        arrays = [
            np.arange(6.0).reshape(2, 3),
            np.arange(24, dtype=">i2").reshape(2, 3, 4),
            np.array(3 + 4j),
            np.zeros((0, 5)),
            np.array(["one", "zwölf"]),
            np.array([True, False]),
            np.array(["2026-11-27"], dtype="M8[s]"),
            np.array(
                [(1, 2.5, (3, 4))], dtype=[("a", "u1"), ("b", "f4"), ("c", "i2", 2)]
            ),
            np.arange(10)[::3],
            np.arange(12).reshape(3, 4).T,
        ]
        for array in arrays:
            push.send_array(array, copy=copy)
            got = pull.recv_array()
            assert got.dtype == array.dtype
            assert got.shape == array.shape
            assert (got == array).all()
            assert not got.flags.writeable or not got.size

    def test_it_shows_the_memory_of_the_message(self, push_pull) -> None:
        push, pull = push_pull
        array = self.np.arange(100_000.0)
        tracker = push.send_array(array, copy=False, track=True)
        got = pull.recv_array()
        assert not got.flags.owndata
        mine = self.np.array(got)
        del got
        tracker.wait(10)
        push.send_array(mine)
        own = pull.recv_array(copy=True)
        own[0] = 7

    @pytest.mark.parametrize("transport", ["inproc", "tcp"])
    @pytest.mark.parametrize("size", [3, 100_000])
    def test_it_outlives_the_socket_and_the_context(self, transport, size) -> None:
        np = self.np
        with fastmq.Context() as ctx:
            with ctx.socket(fastmq.PUSH) as push, ctx.socket(fastmq.PULL) as pull:
                pull.bind("tcp://127.0.0.1:*" if transport == "tcp" else "inproc://a")
                push.connect(pull.last_endpoint.decode())
                push.rcvtimeo = pull.rcvtimeo = 10_000
                push.send_array(np.arange(size), copy=False)
                got = pull.recv_array(copy=False)
                view = got[1:]
            ctx.term()
        del ctx, push, pull, got
        gc.collect()
        others = [b"\xff" * (8 * size) for _ in range(20)]
        assert (view == np.arange(1, size)).all()
        assert others

    def test_what_is_read_only_is_for_new_consumers(self, push_pull) -> None:
        push, pull = push_pull
        push.send_array(self.np.arange(3))
        got = pull.recv_array(copy=False)
        with pytest.raises(BufferError):
            got.__dlpack__()
        if self.np.lib.NumpyVersion(self.np.__version__) >= "2.1.0":
            same = self.np.from_dlpack(got)
            assert same.tolist() == [0, 1, 2]
            assert not same.flags.writeable
            assert self.np.shares_memory(same, got)
        push.send_array(self.np.arange(3))
        pull.recv_array(copy=True).__dlpack__()

    def test_lists_and_dlpack(self, push_pull) -> None:
        push, pull = push_pull

        class Tensor:
            def __init__(self, array) -> None:
                self.array = array

            def __dlpack__(self, **kwargs):
                return self.array.__dlpack__(**kwargs)

            def __dlpack_device__(self):
                return self.array.__dlpack_device__()

        push.send_array([[1, 2], [3, 4]])
        assert pull.recv_array().tolist() == [[1, 2], [3, 4]]
        push.send_array(Tensor(self.np.arange(3)))
        assert self.np.from_dlpack(pull.recv_array(copy=True)).tolist() == [0, 1, 2]

    def test_what_is_none(self, push_pull) -> None:
        push, pull = push_pull
        with pytest.raises(TypeError, match="objects"):
            push.send_array([object()])
        for parts in (
            [b"x"],
            [b"{", b""],
            [b"{}", b""],
            [b"3", b""],
            [b'{"dtype":"<f8","shape":[2]}', b"short"],
            [b'{"dtype":"<f8","shape":[-1]}', bytes(8)],
            [b'{"dtype":"|O","shape":[1]}', bytes(8)],
            [b'{"dtype":"nonsense","shape":[1]}', bytes(8)],
            [b'{"dtype":[["a"]],"shape":[1]}', bytes(8)],
        ):
            push.send_multipart(parts)
            with pytest.raises(ValueError, match="array"):
                pull.recv_array()
