# SPDX-License-Identifier: Apache-2.0
"""The two ends of a case, as they run in processes of their own.

The end that sends first waits for nobody: it binds, tells its endpoint and is the
*server*; the other is the *client*. Streams go from server to client, questions from
client to server. For inproc one process is both. Then both do what the harness says:
("run", n) and ("time", n) answer ("done", phases), one for each end in the process;
("usage", None) answers ("usage", what the process has used) and ("stop", None) ends.
"""

from __future__ import annotations

import math
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench import aio, plain, works
from bench.cases import CONNECTING, FAN_OUT, LOOPS, ROUND_TRIP, ROUTED, STREAM, Case
from bench.peers import SOCKETS
from bench.works import End, Wire


@dataclass(frozen=True)
class Phase:
    """What one end saw of a phase; times are of the clock all processes share."""

    started: float
    ended: float
    thread_cpu: float = 0
    p50_us: float = 0
    p99_us: float = 0


@dataclass(frozen=True)
class Usage:
    """What a process has used so far."""

    cpu: float
    """Seconds."""
    user: float
    system: float
    switches: int
    """How often one of its threads went to sleep."""


def usage() -> Usage:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(time.process_time(), used.ru_utime, used.ru_stime, used.ru_nvcsw)


def timed(end: End, n: int, is_probe: bool) -> Phase:
    started, cpu = time.monotonic(), time.thread_time()
    if not is_probe:
        end.work(n)
        return Phase(started, time.monotonic(), time.thread_time() - cpu)
    took = sorted(end.probe(n))
    p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
    return Phase(started, time.monotonic(), time.thread_time() - cpu, p50, p99)


def percentile(took: Sequence[int], part: float) -> float:
    """Return in microseconds what this part of the sorted nanoseconds is within."""
    return took[max(0, math.ceil(len(took) * part) - 1)] / 1000 if took else 0.0


@contextmanager
def busy_threads(n: int) -> Iterator[None]:
    """Have so many threads compute, which hold Python's lock as long as they may."""
    is_over = threading.Event()

    def compute() -> None:
        while not is_over.is_set():
            for _ in range(1000):
                pass

    threads = [threading.Thread(target=compute) for _ in range(n)]
    for thread in threads:
        thread.start()
    yield
    is_over.set()
    for thread in threads:
        thread.join()


def play(library: Any, pipe: Connection, order: dict[str, Any]) -> None:
    with busy_threads(order["case"].threads):
        play_role(library, pipe, order)


def play_role(library: Any, pipe: Connection, order: dict[str, Any]) -> None:
    case: Case = order["case"]
    role = order["role"]
    if role == "both":
        play_both(library, pipe, order)
    elif role == "server":
        with server(library, case, address(case, order["folder"])) as end:
            pipe.send(("endpoint", end.endpoint))
            end.on_connected()
            obey(pipe, lambda n, is_probe: [timed(end, n, is_probe)])
    else:
        with client(library, case, pipe.recv()) as end:
            obey(pipe, lambda n, is_probe: [timed(end, n, is_probe)])


def play_both(library: Any, pipe: Connection, order: dict[str, Any]) -> None:
    case: Case = order["case"]
    context = library.Context()
    with (
        server(library, case, address(case, ""), context) as serving,
        client(library, case, serving.endpoint, context) as asking,
    ):
        serving.on_connected()
        cpu = order["cpu of thread"]
        obey(pipe, lambda n, is_probe: run_both(serving, asking, n, is_probe, cpu))
    context.term()


def run_both(
    serving: End, asking: End, n: int, is_probe: bool, cpu: int | None
) -> list[Phase]:
    phases: list[Phase] = []

    def work() -> None:
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        phases.append(timed(serving, n, is_probe))

    thread = threading.Thread(target=work)
    thread.start()
    asked = timed(asking, n, is_probe)
    thread.join()
    return [*phases, asked]


def obey(pipe: Connection, run: Callable[[int, bool], list[Phase]]) -> None:
    while True:
        command, value = pipe.recv()
        if command in ("run", "time"):
            pipe.send(("done", run(value, command == "time")))
        elif command == "usage":
            pipe.send(("usage", usage()))
        else:
            return


def address(case: Case, folder: str) -> str:
    return {
        "tcp": "tcp://127.0.0.1:*",
        "ipc": f"ipc://{folder}/bench",
        "inproc": "inproc://bench",
    }[case.transport]


# Who plays which case.

Opened = AbstractContextManager[End]


def server(library: Any, case: Case, where: str, context: Any = None) -> Opened:
    """Return the bound end; its context is its own if none is given."""
    is_awaited = case.api in LOOPS and case.pattern == ROUND_TRIP
    if library.__name__ == SOCKETS:
        serve_plainly = aio.plain_server if is_awaited else plain.server
        return serve_plainly(case, where)
    if is_awaited:
        return aio.open_end(library, case, "server", where)
    return serve(library, case, where, context)


def client(library: Any, case: Case, endpoint: Any, context: Any = None) -> Opened:
    is_awaited = case.api in LOOPS
    if library.__name__ == SOCKETS:
        ask_plainly = aio.plain_client if is_awaited else plain.client
        return ask_plainly(case, endpoint)
    if is_awaited:
        return aio.open_end(library, case, "client", endpoint)
    asks = {FAN_OUT: subscribe, ROUTED: deal, CONNECTING: come}
    ask: Any = poll if case.polled > 1 else asks.get(case.pattern, connect)
    opened: Opened = ask(library, case, endpoint, context)
    return opened


@contextmanager
def context_of(library: Any, context: Any) -> Iterator[Any]:
    if context is not None:
        yield context
        return
    mine = library.Context()
    yield mine
    mine.term()


@contextmanager
def serve(library: Any, case: Case, where: str, context: Any) -> Iterator[End]:
    with ExitStack() as stack:
        context = stack.enter_context(context_of(library, context))
        sockets = [
            stack.enter_context(open_socket(library, context, case, "server"))
            for _ in range(case.polled)
        ]
        for socket in sockets:
            socket.bind(where)
        end = bound_end(case, sockets)
        endpoints = [last_endpoint(library, socket) for socket in sockets]
        end.endpoint = endpoints if case.polled > 1 else endpoints[0]
        if case.pattern == FAN_OUT:
            end.on_connected = lambda: await_subscribers(case, sockets[0])
        yield end
        for socket in sockets:
            socket.close(0)


def bound_end(case: Case, sockets: list[Any]) -> End:
    (socket, *more) = sockets
    if more:
        return works.end_of(case, "server", Wire(in_turn(sockets), socket.recv))
    if case.pattern in (ROUTED, CONNECTING) or case.parts > 1:
        wire = Wire(socket.send_multipart, socket.recv_multipart)
        return works.end_of(case, "server", wire)
    if case.pattern == FAN_OUT:
        return works.sender(case, Wire(socket.send, socket.recv))
    return works.batches(case, socket, "server")


@contextmanager
def connect(library: Any, case: Case, endpoint: str, context: Any) -> Iterator[End]:
    with context_of(library, context) as context:
        with open_socket(library, context, case, "client") as socket:
            for _ in range(case.peers_in_turn):
                socket.connect(endpoint)
            if case.parts > 1:
                wire = Wire(socket.send_multipart, socket.recv_multipart)
                yield works.end_of(case, "client", wire)
            else:
                yield works.batches(case, socket, "client")
            socket.close(0)


KINDS = {
    STREAM: ("PUSH", "PULL"),
    ROUND_TRIP: ("REP", "REQ"),
    FAN_OUT: ("XPUB", "SUB"),
    ROUTED: ("ROUTER", "DEALER"),
    CONNECTING: ("ROUTER", "DEALER"),
}


def open_socket(library: Any, context: Any, case: Case, role: str) -> Any:
    kind = KINDS[case.pattern][0 if role == "server" else 1]
    socket = context.socket(getattr(library, kind))
    if kind == "XPUB":
        if not hasattr(library, "XPUB_NODROP"):
            raise works.Unfit("has no XPUB_NODROP")
        socket.setsockopt(library.XPUB_VERBOSE, 1)  # to hear of each
        socket.setsockopt(library.XPUB_NODROP, 1)
    if kind == "ROUTER":
        works.set_backlog(library, socket)
    if kind == "SUB":
        socket.setsockopt(library.SUBSCRIBE, TOPIC)
    if case.spin_us and hasattr(library, "SPIN_US"):
        socket.setsockopt(library.SPIN_US, case.spin_us)
    if case.is_sealed:
        seal(library, socket, role)
    return socket


# The server's, as text: what the world knows is good enough here.
SECRET_KEY = b"0rJua1Qkhq2)}4G4gS)W5Ft->6=4P585:Cl9uDpB"


def seal(library: Any, socket: Any, role: str) -> None:
    """Have the socket speak CURVE, as the one that binds or connects."""
    if not hasattr(library, "curve_keypair"):
        raise works.Unfit("has no CURVE")
    if role == "server":
        socket.setsockopt(library.CURVE_SERVER, 1)
        socket.setsockopt(library.CURVE_SECRETKEY, SECRET_KEY)
        return
    public, secret = library.curve_keypair()
    socket.setsockopt(library.CURVE_SERVERKEY, library.curve_public(SECRET_KEY))
    socket.setsockopt(library.CURVE_PUBLICKEY, public)
    socket.setsockopt(library.CURVE_SECRETKEY, secret)


def last_endpoint(library: Any, socket: Any) -> str:
    value = socket.getsockopt(library.LAST_ENDPOINT)
    return str(value.rstrip(b"\0").decode() if isinstance(value, bytes) else value)


# Ends with many sockets.

TOPIC = b"x"  # how every body begins
CONNECTING_AT_ONCE = 100


def in_turn(sockets: list[Any]) -> Callable[[Any], None]:
    """Return a function that sends each message by the next of the sockets."""
    sends = [socket.send for socket in sockets]
    at = 0

    def send(message: Any) -> None:
        nonlocal at
        sends[at](message)
        at = (at + 1) % len(sends)

    return send


@contextmanager
def opened(
    library: Any, case: Case, endpoints: Sequence[str], context: Any
) -> Iterator[list[Any]]:
    """Open a socket for each of the endpoints."""
    with ExitStack() as stack:
        context = stack.enter_context(context_of(library, context))
        sockets = []
        for endpoint in endpoints:
            socket = open_socket(library, context, case, "client")
            sockets.append(stack.enter_context(socket))
            socket.connect(endpoint)
        yield sockets
        for socket in sockets:
            socket.close(0)


@contextmanager
def subscribe(library: Any, case: Case, endpoint: str, context: Any) -> Iterator[End]:
    with opened(library, case, [endpoint] * case.subscribers, context) as sockets:
        receive = [socket.recv for socket in sockets]

        def take(n: int) -> Sequence[int]:
            for _ in range(n):
                for recv in receive:
                    recv()
            return ()

        yield End(take, take)


def await_subscribers(case: Case, socket: Any) -> None:
    for _ in range(case.subscribers):
        socket.recv()


@contextmanager
def deal(library: Any, case: Case, endpoint: str, context: Any) -> Iterator[End]:
    """Yield an end that asks by all its sockets at once, and probes one by one."""
    with opened(library, case, [endpoint] * case.n_peers, context) as sockets:
        message = works.message_of(case)

        def ask(n: int) -> None:
            while n:
                some = sockets[:n]
                for socket in some:
                    socket.send(message)
                for socket in some:
                    socket.recv()
                n -= len(some)

        at = -1

        def send(message: bytes) -> None:
            nonlocal at
            at = (at + 1) % len(sockets)
            sockets[at].send(message)

        wire = Wire(send, lambda: sockets[at].recv())
        yield End(ask, works.asker(case, wire).probe)


@contextmanager
def come(library: Any, case: Case, endpoint: str, context: Any) -> Iterator[End]:
    """Yield an end each of whose messages has a connection of its own."""
    with context_of(library, context) as context:
        message = works.message_of(case)

        def ask(n: int) -> Sequence[int]:
            while n:
                some = [endpoint] * min(n, CONNECTING_AT_ONCE)
                with opened(library, case, some, context) as sockets:
                    for socket in sockets:
                        socket.send(message)
                    for socket in sockets:
                        socket.recv()
                n -= len(some)
            return ()

        yield End(ask, ask)


@contextmanager
def poll(library: Any, case: Case, endpoints: list[str], context: Any) -> Iterator[End]:
    """Yield an end that takes a message of each socket that a poller names."""
    with opened(library, case, endpoints, context) as sockets:
        poller = library.Poller()
        for socket in sockets:
            poller.register(socket, library.POLLIN)
        ready: list[tuple[Any, int]] = []

        def recv() -> Any:
            while not ready:
                ready.extend(poller.poll())
            return ready.pop()[0].recv()

        yield works.receiver(case, Wire(lambda _: None, recv))
