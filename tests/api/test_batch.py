# SPDX-License-Identifier: Apache-2.0
"""Many messages a call, and arrays: what pyzmq does not have."""

from __future__ import annotations

import threading

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
        push.send_many([b"1"] * 200 + ["text", b"2"])
    assert error.value.n_sent == 128  # of each 128 all or none
    assert receive(pull, 128) == [b"1"] * 128
    with pytest.raises(TypeError) as error:
        push.send_multipart_many([[b"1", b"2"], [b"3", 4], [b"5"]])
    assert error.value.n_sent == 1
    assert pull.recv_multipart_many() == [[b"1", b"2"]]
    with pytest.raises(IndexError):
        push.send_multipart_many([[]])


def test_without_room(pair) -> None:
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "inproc", sndhwm=4, rcvhwm=4)
    for timeout in (0, 10):
        with pytest.raises(fastmq.Again) as error:
            push.send_many([b"x"] * 50, timeout=timeout)
        assert error.value.n_sent == 8
        assert receive(pull, 8) == [b"x"] * 8
    push.sndtimeo = 10
    with pytest.raises(fastmq.Again) as error:
        push.send_multipart_many([[b"x"]] * 50)
    assert error.value.n_sent == 8
    assert len(pull.recv_multipart_many(5)) == 5
    assert len(pull.recv_multipart_many(5)) == 3


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

    alarm(interrupt)
    with pytest.raises(ZeroDivisionError):
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
