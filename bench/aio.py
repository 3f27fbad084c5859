# SPDX-License-Identifier: Apache-2.0
"""Ends that are coroutines: sockets of a library's asyncio module, or streams.

Whoever sends a stream does so by plain calls, so that it is the receiver that counts;
of a round trip both ends are coroutines.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import time
from array import array
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench import plain, works
from bench.cases import STREAM, UVLOOP, Case
from bench.works import End

Send = Callable[[bytes], Awaitable[Any]]
Recv = Callable[[], Awaitable[Any]]
KINDS = {"server": "REP", "client": "REQ"}


@contextmanager
def loop_of(case: Case) -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    if case.api == UVLOOP:
        loop.close()
        loop = importlib.import_module("uvloop").new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def end_of(
    case: Case, role: str, loop: asyncio.AbstractEventLoop, send: Send, recv: Recv
) -> End:
    work, probe = {
        "server": (answer(send, recv), answer(send, recv)),
        "client": (ask(case, send, recv), time_asking(case, send, recv)),
    }[role]
    if case.pattern == STREAM:
        work = probe = take(recv)
    return End(
        lambda n: loop.run_until_complete(work(n)),
        lambda n: loop.run_until_complete(probe(n)),
    )


Coroutine = Callable[[int], Any]


def take(recv: Recv) -> Coroutine:
    async def work(n: int) -> Sequence[int]:
        for _ in range(n):
            await recv()
        return ()

    return work


def answer(send: Send, recv: Recv) -> Coroutine:
    async def work(n: int) -> Sequence[int]:
        for _ in range(n):
            await send(await recv())
        return ()

    return work


def ask(case: Case, send: Send, recv: Recv) -> Coroutine:
    message = works.message_of(case)

    async def work(n: int) -> None:
        for _ in range(n):
            await send(message)
            await recv()

    return work


def time_asking(case: Case, send: Send, recv: Recv) -> Coroutine:
    message = works.message_of(case)

    async def work(n: int) -> Sequence[int]:
        took = array("q")
        now = time.perf_counter_ns
        for _ in range(n):
            started = now()
            await send(message)
            await recv()
            took.append(now() - started)
        return took

    return work


# A library's sockets.


@contextmanager
def open_end(library: Any, case: Case, role: str, where: str) -> Iterator[End]:
    module = importlib.import_module(f"{library.__name__}.asyncio")
    kind = "PULL" if case.pattern == STREAM else KINDS[role]
    with loop_of(case) as loop:
        context = module.Context()
        socket = context.socket(getattr(library, kind))
        if role == "server":
            socket.bind(where)
        else:
            socket.connect(where)
        end = end_of(case, role, loop, socket.send, socket.recv)
        if role == "server":
            value = socket.getsockopt(library.LAST_ENDPOINT)
            end.endpoint = value.rstrip(b"\0").decode()
        yield end
        socket.close(0)
        context.term()


# Streams of asyncio.


@contextmanager
def plain_server(case: Case, where: str) -> Iterator[End]:
    with plain.listen(case, where) as listener, loop_of(case) as loop:
        end = End(works.nothing, works.nothing, listener.getsockname())
        writers: list[asyncio.StreamWriter] = []

        def accept() -> None:
            connection, _ = listener.accept()
            connection.setblocking(False)
            opening = asyncio.open_connection(sock=connection)
            reader, writer = loop.run_until_complete(opening)
            writers.append(writer)
            ready = streams_end(case, "server", loop, reader, writer)
            end.work, end.probe = ready.work, ready.probe

        end.on_connected = accept
        yield end
        for writer in writers:
            loop.run_until_complete(close(writer))


@contextmanager
def plain_client(case: Case, endpoint: tuple[str, int]) -> Iterator[End]:
    with loop_of(case) as loop:
        opening = asyncio.open_connection(*endpoint)
        reader, writer = loop.run_until_complete(opening)
        yield streams_end(case, "client", loop, reader, writer)
        loop.run_until_complete(close(writer))


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):  # the other end was quicker
        await writer.wait_closed()


def streams_end(
    case: Case,
    role: str,
    loop: asyncio.AbstractEventLoop,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> End:
    size = case.size

    async def send(body: bytes) -> None:
        writer.write(body)
        await writer.drain()

    def recv() -> Awaitable[bytes]:
        return reader.readexactly(size)

    return end_of(case, role, loop, send, recv)
