# SPDX-License-Identifier: Apache-2.0
"""The two ends of a case, as they run in processes of their own.

The end that sends first waits for nobody: it binds, tells its endpoint and is the
*server*; the other is the *client*. Streams go from server to client, questions from
client to server. For inproc one process is both. Then both do what the harness says:
("run", n) answers ("done", phases), one for each end in the process; ("cpu", None)
answers ("cpu", seconds so far) and ("stop", None) ends.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from bench import plain
from bench.cases import FAN_OUT, Case
from bench.peers import SOCKETS


@dataclass(frozen=True)
class Phase:
    """What one end saw of a phase; times are of the clock all processes share."""

    started: float
    ended: float
    thread_cpu: float = 0


Work = Callable[[int], None]


def timed(work: Work, n: int) -> Phase:
    started, cpu = time.monotonic(), time.thread_time()
    work(n)
    return Phase(started, time.monotonic(), time.thread_time() - cpu)


def play(library: Any, pipe: Connection, order: dict[str, Any]) -> None:
    case: Case = order["case"]
    if library.__name__ == SOCKETS:
        with plain.open_end(case, pipe, order) as connection:
            work = plain.actions(case, connection)[order["role"]]
            obey(pipe, lambda n: [timed(work, n)])
        return
    context = library.Context()
    if order["role"] == "both":
        play_both(library, context, pipe, order)
    elif case.pattern == FAN_OUT and order["role"] == "client":
        endpoint = pipe.recv()
        with subscribers(library, context, case, endpoint) as sockets:
            obey(pipe, lambda n: [timed(take_all(sockets), n)])
    else:
        with open_socket(library, context, case, order["role"]) as socket:
            if order["role"] == "server":
                socket.bind(address(case, order["folder"]))
                pipe.send(("endpoint", last_endpoint(library, socket)))
                await_subscribers(case, socket)
            else:
                endpoint = pipe.recv()
                for _ in range(case.peers_in_turn):
                    socket.connect(endpoint)
            work = actions(case, socket)[order["role"]]
            obey(pipe, lambda n: [timed(work, n)])
            socket.close(0)
    context.term()


def play_both(
    library: Any, context: Any, pipe: Connection, order: dict[str, Any]
) -> None:
    case: Case = order["case"]
    if case.pattern == FAN_OUT:
        play_fan_out(library, context, pipe, order)
        return
    with (
        open_socket(library, context, case, "server") as server,
        open_socket(library, context, case, "client") as client,
    ):
        server.bind(address(case, ""))
        client.connect(address(case, ""))
        serve = actions(case, server)["server"]
        ask = actions(case, client)["client"]
        obey(pipe, lambda n: run_both(serve, ask, n, order["cpu of thread"]))
        server.close(0)
        client.close(0)


def run_both(serve: Work, ask: Work, n: int, cpu: int | None) -> list[Phase]:
    phases: list[Phase] = []

    def work() -> None:
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})
        phases.append(timed(serve, n))

    thread = threading.Thread(target=work)
    thread.start()
    asked = timed(ask, n)
    thread.join()
    return [*phases, asked]


# A fan-out has one socket at one end, and many at the other.

TOPIC = b"x"  # how every body begins


def play_fan_out(
    library: Any, context: Any, pipe: Connection, order: dict[str, Any]
) -> None:
    case: Case = order["case"]
    with open_socket(library, context, case, "server") as server:
        server.bind(address(case, ""))
        with subscribers(library, context, case, address(case, "")) as sockets:
            await_subscribers(case, server)
            publish, take = actions(case, server)["server"], take_all(sockets)
            obey(pipe, lambda n: run_both(publish, take, n, order["cpu of thread"]))
        server.close(0)


@contextmanager
def subscribers(
    library: Any, context: Any, case: Case, endpoint: str
) -> Iterator[list[Any]]:
    with ExitStack() as stack:
        sockets = []
        for _ in range(case.subscribers):
            socket = stack.enter_context(context.socket(library.SUB))
            socket.setsockopt(library.SUBSCRIBE, TOPIC)
            socket.connect(endpoint)
            sockets.append(socket)
        yield sockets
        for socket in sockets:
            socket.close(0)


def await_subscribers(case: Case, socket: Any) -> None:
    if case.pattern == FAN_OUT:
        for _ in range(case.subscribers):
            socket.recv()


def take_all(sockets: list[Any]) -> Work:
    def take(n: int) -> None:
        receive = [socket.recv for socket in sockets]
        for _ in range(n):
            for recv in receive:
                recv()

    return take


def open_socket(library: Any, context: Any, case: Case, role: str) -> Any:
    if case.pattern == FAN_OUT:
        socket = context.socket(library.XPUB)
        socket.setsockopt(library.XPUB_VERBOSE, 1)  # to hear of each
        socket.setsockopt(library.XPUB_NODROP, 1)
        return socket
    if case.is_rate:
        kind = library.PUSH if role == "server" else library.PULL
    else:
        kind = library.REP if role == "server" else library.REQ
    return context.socket(kind)


def address(case: Case, folder: str) -> str:
    return {
        "tcp": "tcp://127.0.0.1:*",
        "ipc": f"ipc://{folder}/bench",
        "inproc": "inproc://bench",
    }[case.transport]


def last_endpoint(library: Any, socket: Any) -> str:
    value = socket.getsockopt(library.LAST_ENDPOINT)
    return str(value.rstrip(b"\0").decode() if isinstance(value, bytes) else value)


def obey(pipe: Connection, run: Callable[[int], list[Phase]]) -> None:
    while True:
        command, value = pipe.recv()
        if command == "run":
            pipe.send(("done", run(value)))
        elif command == "cpu":
            pipe.send(("cpu", time.process_time()))
        else:
            return


# One message a call, with the defaults of the library.


def actions(case: Case, socket: Any) -> dict[str, Work]:
    body = b"x" * case.size
    if case.parts > 1:
        send, recv = socket.send_multipart, socket.recv_multipart
        message: object = [body] * case.parts
    else:
        send, recv = socket.send, socket.recv
        message = body

    def push(n: int) -> None:
        for _ in range(n):
            send(message)

    def pull(n: int) -> None:
        for _ in range(n):
            recv()

    def answer(n: int) -> None:
        for _ in range(n):
            send(recv())

    def ask(n: int) -> None:
        for _ in range(n):
            send(message)
            recv()

    if case.is_rate:
        return {"server": push, "client": pull}
    return {"server": answer, "client": ask}
