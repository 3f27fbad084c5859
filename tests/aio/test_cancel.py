# SPDX-License-Identifier: Apache-2.0
"""A message whose receiver is cancelled before it has seen it is not lost."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

import fastmq
import fastmq.asyncio

N = 200


@pytest.fixture(params=["fastmq"])
def zmq(request: pytest.FixtureRequest):
    return fastmq


async def _arrived(future) -> None:
    """Wait until a future has ended, but not until anybody has heard of it."""
    while not future.done():
        await asyncio.sleep(0)


async def _cancel_on_arrival(future, task) -> None:
    await _arrived(future)
    task.cancel()


@pytest.mark.parametrize("method", ["recv", "recv_multipart", "recv_string"])
def test_in_the_window_between_arrival_and_resumption(run, push_pull, method) -> None:
    push, pull = push_pull

    async def receive():
        return await getattr(pull, method)()

    async def main() -> int:
        n_gone_back = 0
        for n in range(N):
            task = asyncio.ensure_future(receive())
            await asyncio.sleep(0)
            future = pull._recv_futures[0]
            # It has its turn between the arrival and the task's.
            cancelling = asyncio.ensure_future(_cancel_on_arrival(future, task))
            await push.send_string(str(n))
            await cancelling
            try:
                body = await task
            except asyncio.CancelledError:
                n_gone_back += future.cancelled()
                body = await pull.recv_multipart()
            text = body[0] if isinstance(body, list) else body
            assert text in (str(n), str(n).encode())
        return n_gone_back

    assert run(main()) > 0


def test_each_of_two_hundred_that_came_goes_back(run, push_pull) -> None:
    push, pull = push_pull

    async def receive():
        return await pull.recv()

    async def main() -> None:
        tasks = [asyncio.ensure_future(receive()) for _ in range(N)]
        await asyncio.sleep(0)
        futures = list(pull._recv_futures)
        assert len(futures) == N
        for n in range(N):
            assert push.send(str(n).encode(), fastmq.NOBLOCK).done()  # takes no turn
        while not futures[0].done():
            pull._turn()  # what the loop would do, but no task resumes
        while not futures[-1].done():
            pull._turn()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)
        assert pull.events & fastmq.POLLIN
        assert await pull.poll() == fastmq.POLLIN
        assert [await pull.recv() for _ in range(N)] == [b"%d" % n for n in range(N)]

    run(main())


def test_whoever_has_seen_it_keeps_it(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        for look in (
            lambda future: future.result(),
            lambda future: future.exception(),
        ):
            await push.send(b"x")
            future = pull.recv()
            await _arrived(future)
            look(future)
            assert not future.cancel()
            assert future.result() == b"x"
        told = []
        future = pull.recv()
        future.add_done_callback(told.append)
        await push.send(b"y")
        while not told:
            await asyncio.sleep(0)
        assert not future.cancel()
        assert await future == b"y"

    run(main())


def test_what_went_back_goes_to_the_one_who_waits(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        first, second = pull.recv(), pull.recv(copy=False)
        await push.send(b"1")
        await _arrived(first)
        assert not second.done()
        assert first.cancel()
        assert (await second).bytes == b"1"

    run(main())


def test_parts_stay_in_their_message(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        await push.send_multipart([b"1", b"2", b"3"])
        await push.send_multipart([b"4", b"5"])
        await pull.poll()
        part = pull.recv()
        await _arrived(part)
        assert part.cancel()
        assert await pull.recv_multipart() == [b"1", b"2", b"3"]
        whole = pull.recv_multipart(copy=False)
        await _arrived(whole)
        assert whole.cancel()
        assert pull.events & fastmq.POLLIN
        assert await pull.recv() == b"4"
        assert pull.rcvmore
        frame = await pull.recv(copy=False)
        assert (frame.bytes, frame.more) == (b"5", False)
        assert not pull.rcvmore
        assert isinstance(pull.recv(fastmq.NOBLOCK).exception(), fastmq.Again)

    run(main())


def test_a_buffer_is_filled_when_the_result_is_taken(run, push_pull) -> None:
    push, pull = push_pull
    room = bytearray(3)

    async def main() -> None:
        await push.send(b"abcdef")
        future = pull.recv_into(room)
        await _arrived(future)
        assert future.cancel()
        assert room == bytes(3)
        assert await pull.recv() == b"abcdef"

    run(main())


@pytest.mark.parametrize("relaxed", [0, 1])
def test_an_answer_that_went_back_comes_first(run, pair, relaxed) -> None:
    client, server = pair(fastmq.REQ, fastmq.REP)
    client.req_relaxed = relaxed

    async def main() -> None:
        await client.send(b"q1")
        request = server.recv()
        await _arrived(request)
        assert request.cancel()
        refused = server.send(b"early")
        assert refused.exception().errno == fastmq.EFSM
        assert await server.recv() == b"q1"
        await server.send(b"a1")
        answer = client.recv()
        await _arrived(answer)
        assert answer.cancel()
        if relaxed:
            await client.send(b"q2")
            assert await server.recv() == b"q2"
            await server.send(b"a2")
            assert await client.recv() == b"a2"
        else:
            assert client.send(b"q2").exception().errno == fastmq.EFSM
            assert await client.recv() == b"a1"

    run(main())


def test_wait_for_loses_nothing(run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        got = []
        sending = asyncio.ensure_future(_send_slowly(push))
        while len(got) < N:
            with suppress(asyncio.TimeoutError):
                got.append(await asyncio.wait_for(pull.recv(), 0.0005))
        await sending
        assert got == [b"%d" % n for n in range(N)]

    run(main())


async def _send_slowly(push) -> None:
    for n in range(N):
        await push.send(b"%d" % n)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.0004)


def test_others_have_their_turn(run, push_pull) -> None:
    """A socket that always has something to receive does not keep the loop."""
    push, pull = push_pull
    n_turns = 0

    async def count() -> None:
        nonlocal n_turns
        while True:
            n_turns += 1
            await asyncio.sleep(0)

    async def main() -> None:
        for _ in range(900):
            await push.send(b"x")
        await pull.poll()
        counting = asyncio.ensure_future(count())
        before = n_turns
        for _ in range(900):
            await pull.recv()
        counting.cancel()
        assert n_turns - before >= 900 // 64 - 1

    run(main())


def test_an_error_that_nobody_asks_for_is_told(run, pair) -> None:
    client, _ = pair(fastmq.REQ, fastmq.REP)
    told = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context))
        client.recv(fastmq.NOBLOCK)
        await asyncio.sleep(0)

    run(main())
    assert told[0]["exception"].errno == fastmq.EFSM


def test_its_own_results() -> None:
    loop = asyncio.new_event_loop()
    try:
        future = fastmq.asyncio.Future(loop=loop)
        future.set_result(3)
        with pytest.raises(asyncio.InvalidStateError):
            future.set_result(4)
        with pytest.raises(asyncio.InvalidStateError):
            future.set_exception(ValueError)
        assert loop.run_until_complete(future) == 3
        other = fastmq.asyncio.Future(loop=loop)
        other.set_exception(ValueError("x"))
        with pytest.raises(ValueError, match="x"):
            loop.run_until_complete(other)
        third = fastmq.asyncio.Future(loop=loop)
        assert third.cancel("why")
        with pytest.raises(asyncio.CancelledError, match="why"):
            third.result()
        assert "cancelled" in repr(third)
    finally:
        loop.close()


@pytest.mark.parametrize(
    "value", [b"body", None, (), (1, 2), StopIteration(3), KeyError("x")], ids=repr
)
def test_any_value_can_be_awaited(value) -> None:
    """A coroutine gets it without an exception; others as the value of one."""

    async def run() -> None:
        future = fastmq.asyncio.Future()
        future.set_result(value)
        assert await future is value
        for step in (lambda: next(iter(future)), lambda: future.__next__()):
            with pytest.raises(StopIteration) as stop:
                step()
            assert stop.value.value is value

    asyncio.run(run())


def test_a_future_is_not_stepped_twice() -> None:
    async def run() -> None:
        future = fastmq.asyncio.Future()
        steps = iter(future)
        assert next(steps) is future
        for step in (lambda: next(steps), lambda: steps.__next__()):
            with pytest.raises(RuntimeError, match="await wasn't used with future"):
                step()
        future.set_result(None)

    asyncio.run(run())
