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
        sending = push.send_multipart_many([[b"y"]] * 20)
        assert not sending.done()
        assert len(await pull.recv_many()) == 8
        while sending.n_sent < 8:
            await asyncio.sleep(0)
        assert sending.cancel()
        assert sending.n_sent == 8
        assert await pull.recv_many(timeout=10) == [b"y"] * 8
        with pytest.raises(fastmq.Again):
            await pull.recv_many(timeout=0)
        with pytest.raises(fastmq.Again):
            await pull.recv_multipart_many(timeout=10)
        with pytest.raises(TypeError):
            push.send_multipart_many([b"parts"])
        refused = push.send_many([b"1", 2])
        assert isinstance(refused.exception(), TypeError)

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
