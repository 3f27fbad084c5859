# SPDX-License-Identifier: Apache-2.0
"""Sockets on Tornado's loop: streams that call back, and futures."""

from __future__ import annotations

import asyncio
import logging
import sys
from importlib import import_module

import pytest

ioloop = pytest.importorskip("tornado.ioloop")


@pytest.fixture(params=["fastmq", "zmq"])
def zmq(request: pytest.FixtureRequest):
    for name in ("asyncio", "eventloop.future", "eventloop.zmqstream"):
        import_module(f"{request.param}.{name}")
    return import_module(request.param)


@pytest.fixture
def run():
    """Return a function that runs a coroutine function on a loop of its own."""
    loop = ioloop.IOLoop(make_current=False)

    def run_on_a_loop(main):
        return loop.run_sync(main, timeout=20)

    run_on_a_loop.loop = loop
    yield run_on_a_loop
    loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def sockets(zmq):
    ctx = zmq.Context()
    with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
        push.linger = pull.linger = 0
        pull.bind("tcp://127.0.0.1:*")
        push.connect(pull.last_endpoint.decode())
        yield push, pull
    ctx.term()


def _stream(zmq, socket):
    return zmq.eventloop.zmqstream.ZMQStream(socket)


def test_messages_call_back(zmq, run, sockets) -> None:
    async def main() -> None:
        push, pull = (_stream(zmq, socket) for socket in sockets)
        got: list = []
        sent: list = []
        enough = asyncio.Event()

        def take(parts) -> None:
            got.append(parts)
            if len(got) == 100:
                enough.set()

        pull.on_recv(take)
        push.on_send(lambda parts, status: sent.append((parts, status)))
        assert pull.receiving()
        for n in range(99):
            push.send_multipart([b"%d" % n, b"x"])
        assert push.sending()
        push.send(b"last")
        await enough.wait()
        assert got == [*([b"%d" % n, b"x"] for n in range(99)), [b"last"]]
        assert [parts for parts, _ in sent] == got
        pull.stop_on_recv()
        assert not pull.receiving()
        push.close()
        pull.close()
        assert push.closed()
        with pytest.raises(OSError, match="closed"):
            push.send(b"x")

    run(main)


def test_objects(zmq, run, sockets) -> None:
    async def main() -> None:
        push, pull = (_stream(zmq, socket) for socket in sockets)
        got: asyncio.Queue = asyncio.Queue()
        pull.on_recv(got.put_nowait, copy=False)
        push.send_string("ü")
        push.send_json({"a": 1}, sort_keys=True)
        push.send_pyobj([1])
        assert (await got.get())[0].bytes.decode() == "ü"
        assert (await got.get())[0].bytes in (b'{"a":1}', b'{"a": 1}')
        assert len(await got.get()) == 1
        push.close()
        pull.close()

    run(main)


def test_a_flush_needs_no_turn(zmq, run, sockets) -> None:
    async def main() -> None:
        push, pull = (_stream(zmq, socket) for socket in sockets)
        got: list = []
        await asyncio.sleep(0)
        for n in range(5):
            push.send(b"%d" % n)
        while push.sending():
            push.flush()
            await asyncio.sleep(0)
        pull.on_recv(got.append)
        assert pull.socket.poll(10_000)
        assert pull.flush(zmq.POLLIN, limit=1) == 1
        assert got == [[b"0"]]
        while len(got) < 5:
            pull.flush()
        assert got == [[b"%d" % n] for n in range(5)]
        push.close()
        pull.close()

    run(main)


def test_coroutines_and_errors(zmq, run, sockets, caplog) -> None:
    async def main() -> None:
        push, pull = (_stream(zmq, socket) for socket in sockets)
        got = asyncio.get_running_loop().create_future()

        async def take(parts) -> None:
            await asyncio.sleep(0)
            got.set_result(parts)
            raise ZeroDivisionError

        with caplog.at_level(logging.ERROR, logger="tornado.general"):
            pull.on_recv(take)
            push.send(b"x")
            assert await got == [b"x"]
            while "Uncaught exception in ZMQStream callback" not in caplog.text:
                await asyncio.sleep(0)
        with pytest.raises(AssertionError):
            pull.on_recv(3)
        told = []
        push.set_close_callback(lambda: told.append(1))
        push.close()
        pull.close()
        await asyncio.sleep(0)
        assert told == [1]
        assert pull.socket is None

    run(main)


def test_what_the_socket_can_do(zmq, run, sockets) -> None:
    async def main() -> None:
        stream = _stream(zmq, sockets[1])
        assert stream.getsockopt(zmq.TYPE) == zmq.PULL
        stream.setsockopt(zmq.RCVHWM, 7)
        assert stream.socket.rcvhwm == 7
        assert stream.bind_to_random_port("tcp://127.0.0.1") > 0
        stream.close()

    run(main)


def test_an_asynchronous_socket_is_shadowed(zmq, run) -> None:
    async def main() -> None:
        with zmq.asyncio.Context() as ctx, ctx.socket(zmq.PULL) as pull:
            with pytest.warns(RuntimeWarning):
                stream = _stream(zmq, pull)
            assert type(stream.socket) is zmq.Socket
            assert stream.socket.underlying == pull.underlying
            stream.close()

    run(main)


def test_futures_of_a_loop(zmq, run) -> None:
    future = zmq.eventloop.future

    async def main() -> None:
        with future.Context() as ctx:
            with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
                assert type(push) is future.Socket
                pull.bind("tcp://127.0.0.1:*")
                push.connect(pull.last_endpoint.decode())
                waiting = pull.recv()
                await push.send(b"x")
                assert await waiting == b"x"
                waiting = pull.recv_json()
                waiting.cancel()
                with pytest.raises(future.CancelledError):
                    await waiting
                poller = future.Poller()
                poller.register(pull, zmq.POLLIN)
                polling = poller.poll(10_000)
                await push.send(b"y")
                assert await polling == [(pull, zmq.POLLIN)]
                told: list = []
                run.loop.add_future(pull.recv(), told.append)
                while not told:
                    await asyncio.sleep(0)
                assert told[0].result() == b"y"

    run(main)


def test_a_loop_that_closes_its_sockets(zmq) -> None:
    loop = ioloop.IOLoop(make_current=False)
    with pytest.warns(DeprecationWarning):
        ctx = zmq.eventloop.future.Context(io_loop=loop)
    pull = ctx.socket(zmq.PULL)

    async def main() -> None:
        pull._get_loop()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    loop.run_sync(main)
    loop.close(all_fds=True)
    asyncio.set_event_loop(None)
    assert pull.closed
    ctx.term()


def test_its_old_names(zmq) -> None:
    sys.modules.pop(f"{zmq.__name__}.eventloop.ioloop", None)
    with pytest.warns(DeprecationWarning):
        old = import_module(f"{zmq.__name__}.eventloop.ioloop")
    assert old.IOLoop is ioloop.IOLoop
    assert zmq.eventloop.IOLoop is ioloop.IOLoop
    with pytest.warns(DeprecationWarning):
        old.install()
