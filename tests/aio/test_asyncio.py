# SPDX-License-Identifier: Apache-2.0
"""Sockets of asyncio, as pyzmq has them."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import warnings
from contextlib import suppress
from importlib import import_module

import pytest


def test_what_is_there_is_there_at_once(zmq, run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        sent = push.send(b"1")
        await sent
        assert await pull.poll(10_000) == zmq.POLLIN
        received = pull.recv()
        assert received.done()
        assert received.result() == b"1"
        assert await received == b"1"
        assert received.exception() is None

    run(main())


def test_futures_are_those_of_asyncio(zmq, run, push_pull) -> None:
    push, pull = push_pull
    told = []

    async def main() -> None:
        received = pull.recv()
        assert isinstance(received, asyncio.Future)
        assert asyncio.isfuture(received)
        assert received.get_loop() is asyncio.get_running_loop()
        assert not received.done()
        with pytest.raises(asyncio.InvalidStateError):
            received.result()
        with pytest.raises(asyncio.InvalidStateError):
            received.exception()
        received.add_done_callback(told.append)
        received.add_done_callback(print)
        assert received.remove_done_callback(print) == 1
        assert received.remove_done_callback(print) == 0
        await push.send(b"x")
        assert await asyncio.wait_for(received, 10) == b"x"
        await asyncio.sleep(0)
        assert told == [received]
        assert not received.cancel()
        received.add_done_callback(told.append)
        await asyncio.sleep(0)
        assert told == [received, received]
        gathered = asyncio.gather(pull.recv(), pull.recv())
        await push.send(b"a")
        await push.send(b"b")
        assert await gathered == [b"a", b"b"]
        done, _ = await asyncio.wait([asyncio.ensure_future(push.send(b"c"))])
        assert done.pop().result() is None
        assert await asyncio.shield(pull.recv()) == b"c"

    run(main())


def test_calls_are_served_in_their_order(zmq, run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        waiting = [pull.recv(), pull.recv_multipart(), pull.recv(copy=False)]
        for n in range(2):
            await push.send_multipart([b"%d" % n, b"more"])
        assert await waiting[0] == b"0"
        assert await waiting[1] == [b"more"]
        assert (await waiting[2]).bytes == b"1"
        assert pull.rcvmore
        assert await pull.recv() == b"more"
        assert not pull.rcvmore

    run(main())


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "inproc://aio"])
def test_a_request_and_its_answer(zmq, run, pair, endpoint) -> None:
    client, server = pair(zmq.REQ, zmq.REP, endpoint)

    async def serve() -> None:
        for _ in range(100):
            await server.send_multipart(await server.recv_multipart())

    async def main() -> None:
        serving = asyncio.ensure_future(serve())
        for n in range(100):
            await client.send_string(str(n))
            assert await client.recv_string() == str(n)
        await serving

    run(main())


def test_errors_are_in_the_future(zmq, run, pair) -> None:
    client, _ = pair(zmq.REQ, zmq.REP)

    async def main() -> None:
        refused = client.send("text")
        assert isinstance(refused.exception(), TypeError)
        received = client.recv(zmq.NOBLOCK)
        assert received.done()
        with pytest.raises(zmq.ZMQError) as error:
            await received
        assert error.value.errno == zmq.EFSM
        await client.send(b"x")
        assert isinstance(client.recv(zmq.NOBLOCK).exception(), zmq.Again)
        with pytest.raises(zmq.ZMQError) as error:
            await client.send(b"y")
        assert error.value.errno == zmq.EFSM

    run(main())


def test_timeouts(zmq, run, push_pull, make) -> None:
    push, pull = push_pull
    lonely = make(zmq.PUSH)

    async def main() -> None:
        pull.rcvtimeo = 30
        with pytest.raises(zmq.Again):
            await pull.recv()
        with pytest.raises(zmq.Again):
            await pull.recv_multipart()
        pull.rcvtimeo = 0
        with pytest.raises(zmq.Again):
            await pull.recv()
        lonely.sndtimeo = 30
        with pytest.raises(zmq.Again):
            await lonely.send(b"x")
        pull.rcvtimeo = -1
        assert await pull.poll(20) == 0
        assert await pull.poll(0) == 0
        assert await pull.poll(20, zmq.POLLIN | zmq.POLLOUT) == 0
        assert not pull._recv_futures
        await push.send(b"x")
        assert await pull.recv() == b"x"

    run(main())


def test_cancelled_calls_leave_their_place(zmq, run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        first, second = pull.recv(), pull.recv()
        assert first.cancel()
        assert first.cancelled()
        assert first.done()
        assert not first.cancel()
        await push.send(b"x")
        assert await second == b"x"
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(asyncio.CancelledError):
            first.result()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(pull.recv(), 0.01)
        await push.send(b"y")
        assert await pull.recv() == b"y"

    run(main())


def test_a_full_queue_is_waited_for(zmq, run, pair) -> None:
    push, pull = pair(zmq.PUSH, zmq.PULL, sndhwm=2, rcvhwm=2, sndbuf=4096, rcvbuf=4096)
    body = bytes(10_000)

    async def main() -> None:
        sent = []
        for _ in range(200):
            sent.append(push.send(body))
            await asyncio.sleep(0)
        assert not sent[-1].done()
        assert len(push._send_futures) > 10
        for _ in sent:
            assert await pull.recv() == body
        await asyncio.gather(*sent)
        assert not push._send_futures

    run(main())


def test_what_waits_is_what_was_given(ours, zmq, run, make) -> None:
    push, pull = make(zmq.PUSH), make(zmq.PULL)
    body = bytearray(b"before")

    async def main() -> None:
        sent = push.send(body)
        assert not sent.done()
        body[:] = b"later!"
        push.bind("inproc://later")
        pull.connect("inproc://later")
        await sent
        assert await pull.recv() == (b"before" if ours else b"later!")

    run(main())


@pytest.mark.parametrize("is_full", [False, True])
def test_a_long_body_is_lent(ours, zmq, run, make, is_full) -> None:
    """A receiver in the process gets the object, also if that had to wait."""
    push, pull = make(zmq.PUSH), make(zmq.PULL)
    push.bind("inproc://long")
    body = os.urandom(100_000)

    async def main() -> None:
        if not is_full:
            pull.connect("inproc://long")
        sent = push.send(body)
        assert sent.done() is not is_full
        if is_full:
            pull.connect("inproc://long")
        await sent
        assert ((await pull.recv()) is body) == ours
        # A buffer that can change is copied.
        for kind in (bytearray, lambda made: memoryview(bytearray(made))):
            buffer = kind(body)
            await push.send(buffer)
            buffer[0] ^= 255
            assert await pull.recv() == body

    run(main())


def test_objects(zmq, run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        text, number, thing = pull.recv_string(), pull.recv_json(), pull.recv_pyobj()
        own = pull.recv_serialized(lambda parts: parts[::-1])
        await push.send_string("hëllo")
        await push.send_json({"a": [1]})
        await push.send_pyobj({1, 2})
        await push.send_serialized("ab", lambda text: [c.encode() for c in text])
        assert await text == "hëllo"
        assert await number == {"a": [1]}
        assert await thing == {1, 2}
        assert await own == [b"b", b"a"]
        bad = pull.recv_json()
        await push.send(b"{")
        with pytest.raises(json.JSONDecodeError):
            await bad
        assert isinstance(bad.exception(), ValueError)

    run(main())


def test_into_a_buffer(zmq, run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        room = bytearray(4)
        await push.send(b"123456")
        assert await pull.recv_into(room) == 6
        assert room == b"1234"
        await push.send(b"ab")
        assert await pull.recv_into(room, nbytes=1) == 2
        assert room == b"a234"
        await push.send(b"left")
        with pytest.raises(ValueError, match="nbytes"):
            await pull.recv_into(room, nbytes=5)
        with pytest.raises((BufferError, TypeError)):
            await pull.recv_into(b"1234")
        assert await pull.recv() == b"left"

    run(main())


def test_tracked_sends(zmq, run, push_pull) -> None:
    push, pull = push_pull
    body = bytes(200_000)

    async def main() -> None:
        tracker = await push.send(body, copy=False, track=True)
        assert isinstance(tracker, zmq.MessageTracker)
        frame = await pull.recv(copy=False, track=True)
        assert frame.bytes == body
        tracker = await push.send_multipart([b"x", body], copy=False, track=True)
        assert isinstance(tracker, zmq.MessageTracker)
        assert (await pull.recv_multipart(copy=False))[1].bytes == body

    run(main())


def test_closing_cancels(zmq, run, push_pull) -> None:
    _, pull = push_pull

    async def main() -> None:
        waiting = [pull.recv(), pull.recv_multipart(), pull.poll(10_000)]
        pull.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert all(future.cancelled() for future in waiting)
        with pytest.raises(zmq.ZMQError) as error:
            pull.recv()
        assert error.value.errno == zmq.ENOTSOCK
        with pytest.raises(zmq.ZMQError):
            await pull.send(b"x")
        with pytest.raises(zmq.ZMQError):
            pull.poll()

    run(main())


def test_several_loops_after_each_other(zmq, run, push_pull) -> None:
    push, pull = push_pull

    async def main() -> None:
        waiting = pull.recv()
        await asyncio.sleep(0)
        await push.send(b"x")
        assert await waiting == b"x"

    for _ in range(3):
        run(main())


def test_without_a_loop(zmq, push_pull) -> None:
    push, _ = push_pull
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        with pytest.warns(RuntimeWarning):
            waiting = push_pull[1].recv()
        loop.run_until_complete(push.send(b"x"))
        assert loop.run_until_complete(waiting) == b"x"
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def test_sharing_with_blocking_objects(ours, zmq, run, ctx, make) -> None:
    blocking = zmq.Context(ctx)
    assert type(zmq.asyncio.Context(blocking)) is zmq.asyncio.Context
    push = blocking.socket(zmq.PUSH)
    origin = blocking.socket(zmq.PULL)
    pull = zmq.asyncio.Socket(origin)
    assert type(push) is zmq.Socket
    assert pull.type == zmq.PULL
    other = zmq.asyncio.Socket.from_socket(pull)
    assert other.underlying == pull.underlying
    assert type(make(zmq.PAIR, zmq.Socket)) is zmq.Socket
    with blocking.socket(zmq.PAIR, zmq.asyncio.Socket) as made:
        assert type(made) is zmq.asyncio.Socket
    pull.bind("inproc://shared")
    push.connect("inproc://shared")

    async def main() -> None:
        waiting = other.recv() if ours else pull.recv()
        await asyncio.sleep(0)
        push.send(b"x")
        assert await waiting == b"x"

    run(main())
    for socket in (other, pull, push, origin):
        socket.close(linger=0)


def test_instances_are_by_class(zmq) -> None:
    mine = zmq.asyncio.Context.instance()
    assert type(mine) is zmq.asyncio.Context
    assert zmq.asyncio.Context.instance() is mine
    assert type(zmq.Context.instance()) is zmq.Context  # and may be others' as well
    mine.term()


def test_a_poller(zmq, run, pair, push_pull) -> None:
    push, pull = push_pull
    one, two = pair(zmq.PAIR, zmq.PAIR)
    blocking_ctx = zmq.Context()
    blocking = blocking_ctx.socket(zmq.PAIR)
    talker = blocking_ctx.socket(zmq.PAIR)
    talker.bind("inproc://blocking")
    blocking.connect("inproc://blocking")
    reader, writer = os.pipe()

    async def main() -> None:
        poller = zmq.asyncio.Poller()
        for thing in (pull, two, blocking, reader):
            poller.register(thing, zmq.POLLIN)
        assert await poller.poll(0) == []
        assert await poller.poll(20) == []
        waiting = poller.poll(10_000)
        assert not waiting.done()
        await push.send(b"x")
        assert await waiting == [(pull, zmq.POLLIN)]
        assert await pull.recv() == b"x"
        waiting = poller.poll()
        talker.send(b"y")
        assert await waiting == [(blocking, zmq.POLLIN)]
        assert blocking.recv() == b"y"
        waiting = poller.poll()
        os.write(writer, b"z")
        assert await waiting == [(reader, zmq.POLLIN)]
        os.read(reader, 1)
        poller.register(writer, zmq.POLLOUT)
        assert await poller.poll() == [(writer, zmq.POLLOUT)]
        poller.unregister(writer)
        waiting = poller.poll()
        assert waiting.cancel()
        await one.send(b"1")
        assert await poller.poll() == [(two, zmq.POLLIN)]

    try:
        run(main())
    finally:
        os.close(reader)
        os.close(writer)
        blocking_ctx.destroy(linger=0)


def test_a_poller_of_a_closed_socket(zmq, run, push_pull) -> None:
    _, pull = push_pull

    async def main() -> None:
        poller = zmq.asyncio.Poller()
        poller.register(pull, zmq.POLLIN)
        waiting = poller.poll(10_000)
        await asyncio.sleep(0)
        pull.close()
        while not waiting.done():
            await asyncio.sleep(0)
        assert waiting.cancelled() or waiting.exception() is not None

    run(main())


def test_a_terminated_context(ours, zmq, run) -> None:
    if not ours:
        pytest.skip("pyzmq: the call waits for ever, and so does the end")
    ctx = zmq.asyncio.Context()
    pull = ctx.socket(zmq.PULL)
    shared = zmq.Context.shadow(ctx.underlying)

    async def main() -> None:
        waiting = pull.recv()
        loop = asyncio.get_running_loop()
        ending = loop.run_in_executor(None, shared.term)
        with pytest.raises(zmq.ContextTerminated):
            await waiting
        pull.close()
        await ending

    run(main())
    ctx.term()


def test_monitors(zmq, run, make) -> None:
    recv = import_module(f"{zmq.__name__}.utils.monitor").recv_monitor_message
    pull = make(zmq.PULL)
    monitor = pull.get_monitor_socket()

    async def main() -> None:
        pull.bind("tcp://127.0.0.1:*")
        told = await recv(monitor)
        assert told["event"] == zmq.EVENT_LISTENING
        assert told["endpoint"] == pull.last_endpoint

    run(main())
    pull.disable_monitor()
    monitor.close()


def test_nothing_is_spun_for(zmq, pair) -> None:
    """Neither for a message that does not come nor for one that nobody receives."""
    one, two = pair(zmq.DEALER, zmq.DEALER)
    turns = 0

    class Counting(asyncio.SelectorEventLoop):
        def _run_once(self) -> None:
            nonlocal turns
            turns += 1
            super()._run_once()

    async def main() -> None:
        waiting = two.recv()
        for _ in range(100):
            await one.send(b"unread")
        assert await waiting == b"unread"
        waiting = one.recv()
        before = turns
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.1)
        waiting.cancel()
        assert turns - before < 50

    loop = Counting()
    loop.run_until_complete(asyncio.wait_for(main(), 20))
    loop.close()


def test_forgotten_sockets_say_so(zmq, run) -> None:
    ctx = zmq.asyncio.Context()

    async def main() -> None:
        pull = ctx.socket(zmq.PULL)
        waiting = pull.recv()
        waiting.cancel()
        await asyncio.sleep(0)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            del pull, waiting
            gc.collect()
        return [w for w in told if w.category is ResourceWarning]

    if zmq.__name__ != "fastmq":
        ctx.destroy(linger=0)
        pytest.skip("pyzmq's loop keeps the socket")
    assert "Unclosed socket" in str(run(main())[0].message)
    ctx.term()


def test_deprecated_names(ours, zmq) -> None:
    if ours:  # pyzmq says it once
        with pytest.warns(DeprecationWarning):
            zmq.asyncio.install()
    with pytest.warns(DeprecationWarning):
        loop = zmq.asyncio.ZMQEventLoop()
    loop.close()
    with zmq.asyncio.Context() as ctx, pytest.warns(DeprecationWarning):
        zmq.asyncio.Socket(ctx, zmq.PULL, io_loop=object()).close()
