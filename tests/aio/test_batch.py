# SPDX-License-Identifier: Apache-2.0
"""Many messages a call in an event loop, and iteration over what comes."""

from __future__ import annotations

import asyncio

import pytest

import fastmq
import fastmq.asyncio

N = 5000


@pytest.fixture(params=["fastmq"])
def zmq(request: pytest.FixtureRequest):
    return fastmq


@pytest.mark.parametrize("hwm", [0, 10])
def test_batches(run, pair, hwm) -> None:
    push, pull = pair(fastmq.PUSH, fastmq.PULL, sndhwm=hwm, rcvhwm=hwm)
    messages = [b"%d" % n for n in range(N)]

    async def main() -> None:
        sending = push.send_many(messages)
        got: list[bytes] = []
        async for bodies in pull.batches(300):
            assert 1 <= len(bodies) <= 300
            got += bodies
            if len(got) == N:
                break
        assert got == messages
        assert await sending == N
        sending = push.send_multipart_many([m, b"x"] for m in messages)
        got = []
        while len(got) < N:
            got += await pull.recv_multipart_many()
        assert got == [[m, b"x"] for m in messages]
        assert await sending == N

    run(main())


def test_iteration(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        for n in range(3):
            await push.send_multipart([b"%d" % n, b"x"])
        got = []
        async for parts in pull:
            got.append(parts)
            if len(got) == 3:
                break
        assert got == [[b"%d" % n, b"x"] for n in range(3)]

    run(main())


def test_what_was_cancelled_says_how_much_went(run, pair) -> None:
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "inproc://few", sndhwm=4, rcvhwm=4)

    async def main() -> None:
        with pytest.raises(fastmq.Again) as error:
            await push.send_many([b"x"] * 20, timeout=10)
        assert error.value.n_sent == 8
        assert error.value.unsent == [b"x"] * 12
        sending = push.send_multipart_many([[b"y"]] * 20)
        assert not sending.done()
        assert len(await pull.recv_many()) == 8
        while sending.n_sent < 8:
            await asyncio.sleep(0)
        assert sending.cancel()
        assert sending.n_sent == 8
        assert sending.unsent == [(b"y",)] * 12
        assert await pull.recv_many(timeout=10) == [b"y"] * 8
        with pytest.raises(fastmq.Again):
            await pull.recv_many(timeout=0)
        with pytest.raises(fastmq.Again):
            await pull.recv_multipart_many(timeout=10)

    run(main())


def test_a_bad_one_stops_it(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        refused = push.send_many([b"1", (b"2",), b"3"])
        assert isinstance(refused.exception(), TypeError)
        assert refused.exception().n_sent == refused.n_sent == 1
        assert refused.exception().unsent == refused.unsent == [(b"2",), b"3"]
        assert await pull.recv_many() == [b"1"]
        refused = push.send_multipart_many([[b"1", b"2"], b"parts"])
        assert isinstance(refused.exception(), TypeError)
        assert refused.exception().n_sent == 1
        assert refused.exception().unsent == [b"parts"]
        assert await pull.recv_multipart_many() == [[b"1", b"2"]]
        sent = push.send_many([b"1"])
        assert (await sent, sent.n_sent, sent.unsent) == (1, 1, [])

        def broken():
            yield b"1"
            yield b"2"
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError) as error:
            push.send_many(broken())
        assert error.value.n_sent == 0
        assert error.value.unsent == [b"1", b"2"]

    run(main())


@pytest.mark.parametrize("whole", [False, True])
def test_what_waits_is_not_the_callers_list(run, pair, whole) -> None:
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "inproc://own", sndhwm=1, rcvhwm=1)
    bodies = [bytes([n]) * 100 for n in range(100)]

    async def main() -> None:
        messages: list = [
            [bytes([n]) * 100] if whole else bytes([n]) * 100 for n in range(100)
        ]
        sending = (push.send_multipart_many if whole else push.send_many)(messages)
        assert not sending.done()
        for parts in messages if whole else []:
            parts.clear()
        messages.clear()
        others = [bytes([255]) * 100 for _ in range(1000)]
        got: list = []
        while len(got) < 100:
            got += await pull.recv_many()
        assert got == bodies
        assert await sending == 100
        assert others

    run(main())


def test_what_comes_behind_is_told_the_next_time(run, pair) -> None:
    req, rep = pair(fastmq.REQ, fastmq.REP)
    parts = [b"%d" % n for n in range(300)]

    async def main() -> None:
        for _ in range(2):
            await req.send_multipart(parts)
            assert await rep.recv_many() == parts
            with pytest.raises(fastmq.ZMQError) as error:
                await rep.recv_many()
            assert error.value.errno == fastmq.EFSM
            await rep.send_multipart(parts)
            assert await req.recv_multipart_many() == [parts]

    run(main())


def test_a_batch_that_nobody_has_seen_goes_back(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        await push.send_multipart_many([[b"1", b"2"], [b"3"], [b"4", b"5"]])
        await pull.poll()
        for receive in (pull.recv_many, pull.recv_multipart_many):
            batch = receive()
            assert batch.done()
            assert batch.cancel()
        assert await pull.recv_multipart() == [b"1", b"2"]
        assert await pull.recv_many(1) == [b"3"]
        batch = pull.recv_many(1)
        assert batch.cancel()
        assert await pull.recv_multipart_many() == [[b"4", b"5"]]
        with pytest.raises(ValueError, match="max_messages"):
            pull.recv_many(0)

    run(main())


def test_arrays(run, push_pull) -> None:
    np = pytest.importorskip("numpy")
    push, pull = push_pull

    async def main() -> None:
        receiving = pull.recv_array()
        await push.send_array(np.arange(3))
        assert (await receiving).tolist() == [0, 1, 2]

    run(main())
