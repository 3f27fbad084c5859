# SPDX-License-Identifier: Apache-2.0
"""However much there is to do, the loop has its turns, and nothing is lost by that.

A socket works for 64 calls or about a millisecond. Nothing here looks at a clock: what
is to take long is so much that it takes several milliseconds on any machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import fastmq
import fastmq.asyncio

MANY = 100_000
# These take longer.
MANY_LISTS = 30_000
# So many turns the loop has at least while so many messages go.
FEW = 2


@pytest.fixture(params=["fastmq"])
def zmq(request: pytest.FixtureRequest):
    return fastmq


@pytest.fixture
def push_pull(pair) -> tuple[Any, Any]:
    push, pull = pair(fastmq.PUSH, fastmq.PULL, "inproc://bounds", sndhwm=0, rcvhwm=0)
    return push, pull


@asynccontextmanager
async def turns() -> AsyncIterator[Callable[[], int]]:
    """Count the turns of the loop."""
    loop = asyncio.get_running_loop()
    n = 0

    def count() -> None:
        nonlocal n, handle
        n += 1
        handle = loop.call_soon(count)

    handle = loop.call_soon(count)
    try:
        yield lambda: n
    finally:
        handle.cancel()


def fill(push: Any, messages: list[bytes]) -> None:
    """Send at once, by a blocking object."""
    assert fastmq.Socket.shadow(push.underlying).send_many(messages) == len(messages)


def numbers(n: int) -> list[bytes]:
    return [b"%d" % i for i in range(n)]


@pytest.mark.parametrize("timeout", [0, 20_000])
def test_receiving_many(run, push_pull, timeout) -> None:
    push, pull = push_pull

    async def main() -> None:
        fill(push, numbers(MANY))
        async with turns() as n_turns:
            batch = pull.recv_many(10**6, timeout=timeout)
            assert not batch.done()
            assert await batch == numbers(MANY)
            assert n_turns() >= FEW
        fill(push, numbers(MANY_LISTS))
        async with turns() as n_turns:
            batch = pull.recv_multipart_many(10**6, timeout=timeout)
            assert not batch.done()
            assert await batch == [[body] for body in numbers(MANY_LISTS)]
            assert n_turns() >= FEW

    run(main())


@pytest.mark.parametrize("timeout", [0, 20_000])
def test_sending_many(run, push_pull, timeout) -> None:
    push, pull = push_pull

    async def main() -> None:
        async with turns() as n_turns:
            sending = push.send_many(numbers(MANY), timeout=timeout)
            assert not sending.done()
            assert await sending == MANY
            assert n_turns() >= FEW
        async with turns() as n_turns:
            lists = [[body] for body in numbers(MANY_LISTS)]
            sending = push.send_multipart_many(lists, timeout=timeout)
            assert not sending.done()
            assert await sending == MANY_LISTS
            assert n_turns() >= FEW
        assert await pull.recv_many(10**6) == numbers(MANY) + numbers(MANY_LISTS)

    run(main())


@pytest.mark.parametrize("timeout", [0, 10])
def test_room_that_ends(run, pair, timeout) -> None:
    """A time-out is for waiting, not for what is done meanwhile."""
    push, pull = pair(
        fastmq.PUSH, fastmq.PULL, "inproc://room", sndhwm=MANY, rcvhwm=MANY
    )

    async def main() -> None:
        with pytest.raises(fastmq.Again) as error:
            await push.send_many(numbers(3 * MANY), timeout=timeout)
        assert error.value.n_sent == 2 * MANY
        assert await pull.recv_many(10**6) == numbers(2 * MANY)

    run(main())


def test_single_calls(run, push_pull) -> None:
    push, pull = push_pull
    n = 900

    async def main() -> None:
        for call in (
            lambda: push.send(b"x"),
            lambda: push.send_multipart([b"x"]),
            pull.recv,
            pull.recv_multipart,
        ):
            async with turns() as n_turns:
                for _ in range(n):
                    await call()
                assert n_turns() >= n // 64 - 1
        fill(push, numbers(n))
        async with turns() as n_turns:
            got = []
            async for parts in pull:
                got += parts
                if len(got) == n:
                    break
            assert got == numbers(n)
            assert n_turns() >= n // 64 - 1

    run(main())


def test_calls_that_take_long(run, push_pull) -> None:
    """Fewer than 64 have their turn, too: each of these copies a MiB."""
    push, _ = push_pull
    body = bytearray(1 << 20)

    async def main() -> None:
        async with turns() as n_turns:
            for _ in range(60):
                await push.send(body)
            assert n_turns() > 0

    run(main())


def test_without_time(run, push_pull) -> None:
    """Who does not want to wait still has to for the turn of the loop."""
    push, pull = push_pull
    push.sndtimeo = pull.rcvtimeo = 0

    async def main() -> None:
        async with turns() as n_turns:
            for body in numbers(200):
                await push.send(body)
            assert [await pull.recv() for _ in range(200)] == numbers(200)
            assert n_turns() >= 400 // 64
            for _ in range(100):
                with pytest.raises(fastmq.Again):
                    await pull.recv()
            push.close()

    run(main())


def test_those_who_wait(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        waiting = [pull.recv() for _ in range(500)]
        fill(push, numbers(500))
        pull._turn()  # what the loop would do
        assert 1 <= sum(future.done() for future in waiting) <= 64
        assert await asyncio.gather(*waiting) == numbers(500)
        late = [pull.recv() for _ in range(100)]
        sending = [push.send(b"%d" % n) for n in range(100)]
        assert await asyncio.gather(*late) == numbers(100)
        await asyncio.gather(*sending)

    run(main())


@pytest.mark.parametrize("method", ["recv_many", "recv_multipart_many"])
@pytest.mark.parametrize("n_turns", [0, 1])
def test_a_batch_that_is_cancelled_under_way(run, push_pull, method, n_turns) -> None:
    push, pull = push_pull

    async def main() -> None:
        fill(push, numbers(MANY))
        receiving = getattr(pull, method)(10**6)
        other = pull.recv()
        for _ in range(n_turns):
            await asyncio.sleep(0)
        assert not receiving.done()
        assert receiving.cancel()
        got = [await other]
        # What went back is a batch, and what did not another one.
        while len(got) < MANY:
            got += await pull.recv_many(10**6)
        assert got == numbers(MANY)

    run(main())


def test_parts_of_a_batch_that_is_cancelled(run, push_pull) -> None:
    push, pull = push_pull
    message = [b"1", b"2", b"3"]

    async def main() -> None:
        blocking = fastmq.Socket.shadow(push.underlying)
        blocking.send_multipart_many([message] * MANY_LISTS)
        receiving = pull.recv_many(10**6)
        assert not receiving.done()
        assert receiving.cancel()
        n = 0
        while n < MANY_LISTS:
            for parts in await pull.recv_multipart_many(1000):
                assert parts == message
                n += 1

    run(main())


def test_a_batch_under_way_ends_where_others_receive(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        fill(push, numbers(MANY))
        first = pull.recv()
        receiving = pull.recv_many(10**6)
        assert not receiving.done()
        at_once = pull.recv(fastmq.NOBLOCK)
        got = [*receiving.result(), at_once.result()]
        assert [await first, *got] == numbers(len(got) + 1)
        # The same where something goes back that is to be received before.
        await asyncio.sleep(0)
        first = pull.recv(fastmq.NOBLOCK)
        receiving = pull.recv_many(10**6)
        assert not receiving.done()
        assert first.cancel()
        batch = receiving.result()
        assert int(batch[0]) == len(got) + 2
        assert await pull.recv() == b"%d" % (len(got) + 1)

    run(main())


def test_closing_ends_a_batch_under_way(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        fill(push, numbers(MANY))
        waiting = [pull.recv_many(10**6), pull.recv()]
        sending = push.send_many(numbers(MANY))
        assert not sending.done()
        pull.close()
        push.close()
        assert all(future.cancelled() for future in (*waiting, sending))
        assert 0 < sending.n_sent < MANY
        await asyncio.sleep(0)

    run(main())


def test_a_loop_that_ends_before_its_turn(run, push_pull) -> None:
    """What it was asked for is asked of the next one."""
    push, pull = push_pull

    async def ask_for_a_turn() -> None:
        fill(push, numbers(300))
        received = [pull.recv() for _ in range(65)]
        assert not received[-1].done()
        assert all(future.cancel() for future in reversed(received))

    async def main() -> None:
        assert [await pull.recv() for _ in range(300)] == numbers(300)

    run(ask_for_a_turn())
    run(main())


def test_one_reader_a_socket(pair) -> None:
    """However many wait in it; and none when it is closed."""
    readers: list[int] = []
    n_added = 0

    class Counting(asyncio.SelectorEventLoop):
        def add_reader(self, fd: Any, *args: Any) -> None:
            nonlocal n_added
            n_added += 1
            readers.append(fd)
            super().add_reader(fd, *args)

        def remove_reader(self, fd: Any) -> bool:
            readers.remove(fd)
            return super().remove_reader(fd)

    async def main() -> None:
        one, two = pair(fastmq.DEALER, fastmq.DEALER, sndhwm=1, rcvhwm=1)
        waiting = [one.recv() for _ in range(100)]
        waiting += [one.recv_multipart(), one.recv_many(), one.poll()]
        assert len(readers) == n_added == 1
        receiving = [two.recv() for _ in range(103)]
        assert len(set(readers)) == len(readers) == n_added == 2
        for _ in range(103):
            await one.send(b"x")
            await two.send(b"y")
        await asyncio.gather(*waiting, *receiving)
        waiting = [one.recv(), two.recv(), one.recv()]
        assert len(set(readers)) == len(readers) == 2
        for future in waiting:
            future.cancel()
        one.close()
        two.close()
        assert not readers

    loop = Counting()
    try:
        loop.run_until_complete(asyncio.wait_for(main(), 20))
    finally:
        loop.close()
