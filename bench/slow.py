# SPDX-License-Identifier: Apache-2.0
"""What is slower than the usual way, and how much: ``python bench/slow.py [NAME...]``.

Each way runs by turns with the usual one that it stands beside, both ends in processes
of their own on a processor each; medians of the ratios of rounds: time a message, and
the processor's time of both ends. docs/guide/slow-ways.md tells why.
"""

from __future__ import annotations

import argparse
import os
import socket as tcp
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, Pipe
from statistics import median
from typing import Any

import fastmq

SECONDS = 0.4
ROUNDS = 5
PATIENCE_S = 10
SHORT, LONG = 64, 64 * 1024


@dataclass(frozen=True)
class Way:
    """How messages go from one end to the other."""

    kinds: tuple[str, str] = ("PUSH", "PULL")
    size: int = SHORT
    send: str = "send"
    recv: str = "recv"
    parts: int = 1
    n_receivers: int = 1
    threads: int = 1
    options: dict[str, int] = field(default_factory=dict)
    """Of both sockets."""
    poller: str = ""
    is_trip: bool = False


USUAL = Way()
LONG_WAY = replace(USUAL, size=LONG)
MIB = replace(USUAL, size=1024 * 1024)
TRIP = Way(("REQ", "REP"), is_trip=True)
KIB = replace(USUAL, size=1024)
LAST = replace(USUAL, send="last", recv="last")
PLAIN = replace(USUAL, recv="zmtp3")
PARTS = replace(USUAL, parts=2, send="multipart", recv="multipart")
FAN = Way(("XPUB", "SUB"), 1024, "multipart", "multipart", 8, 40)
WAYS: dict[str, tuple[Way, Way]] = {
    "poll": (USUAL, replace(USUAL, poller="poll")),
    "poll, round trip": (TRIP, replace(TRIP, poller="poll")),
    "SPIN_US 0, round trip": (TRIP, replace(TRIP, options={"SPIN_US": 0})),
    "RCVHWM 999": (USUAL, replace(USUAL, options={"RCVHWM": 999})),
    "RCVHWM 10": (USUAL, replace(USUAL, options={"RCVHWM": 10})),
    "SNDHWM 100": (USUAL, replace(USUAL, options={"SNDHWM": 100})),
    "SNDHWM 10": (USUAL, replace(USUAL, options={"SNDHWM": 10})),
    "RCVHWM 999, 1 KiB": (KIB, replace(KIB, options={"RCVHWM": 999})),
    "CONFLATE": (LAST, replace(LAST, options={"CONFLATE": 1})),
    "part by part": (PARTS, replace(PARTS, send="sndmore", recv="rcvmore")),
    "9 parts to 40 SUBs, not 8": (FAN, replace(FAN, parts=9)),
    "keywords": (USUAL, replace(USUAL, send="keyword", recv="keyword")),
    "bytearray": (USUAL, replace(USUAL, send="bytearray")),
    "copy=False": (USUAL, replace(USUAL, send="share", recv="frame")),
    "lent": (USUAL, replace(USUAL, send="lent")),
    "tracked": (USUAL, replace(USUAL, send="tracked")),
    "recv_into": (USUAL, replace(USUAL, recv="into")),
    "shared by threads": (USUAL, replace(USUAL, threads=4)),
    "bytearray, long": (LONG_WAY, replace(LONG_WAY, send="bytearray")),
    "recv_into, long": (LONG_WAY, replace(LONG_WAY, recv="into")),
    "changing sizes, long": (LONG_WAY, replace(LONG_WAY, send="changing")),
    "changing sizes, 1 MiB": (MIB, replace(MIB, send="changing")),
    "LOOPBACK_FASTPATH 0": (USUAL, replace(USUAL, options={"LOOPBACK_FASTPATH": 0})),
    "LOOPBACK_FASTPATH 0, long": (
        LONG_WAY,
        replace(LONG_WAY, options={"LOOPBACK_FASTPATH": 0}),
    ),
    "LOOPBACK_FASTPATH 0, 1 MiB": (MIB, replace(MIB, options={"LOOPBACK_FASTPATH": 0})),
    "recv_into, 1 MiB": (MIB, replace(MIB, recv="into")),
    "bytearray, 1 MiB": (MIB, replace(MIB, send="bytearray")),
    "ZMTP 1.0": (PLAIN, replace(PLAIN, recv="zmtp1")),
    "STREAM": (LONG_WAY, replace(LONG_WAY, kinds=("plain", "STREAM"), recv="stream")),
    "curve": (USUAL, replace(USUAL, options={"CURVE": 1})),
    "curve, long": (LONG_WAY, replace(LONG_WAY, options={"CURVE": 1})),
    "asyncio": (USUAL, replace(USUAL, recv="await")),
    "one poller": (USUAL, replace(USUAL, recv="poll")),
}


def sender(way: Way, socket: Any) -> Callable[[], Any]:
    body = b"x" * way.size
    several, array = [body] * way.parts, bytearray(body)
    sizes = [body, body + b"x"]
    send, multipart = socket.send, socket.send_multipart

    def part_by_part() -> None:
        send(body, fastmq.SNDMORE)
        send(body)

    def changing() -> None:
        sizes.reverse()
        send(sizes[0])

    return {
        "send": lambda: send(body),
        "multipart": lambda: multipart(several),
        "sndmore": part_by_part,
        "keyword": lambda: send(body, flags=0),
        "bytearray": lambda: send(array),
        "share": lambda: send(body, copy=False),
        "lent": lambda: send(body, copy=False),
        "tracked": lambda: send(body, copy=False, track=True),
        "last": lambda: send(body),
        "changing": changing,
    }[way.send]


def receiver(way: Way, socket: Any) -> Callable[[], Any]:
    recv, buffer = socket.recv, bytearray(way.size + 1)

    def more() -> None:
        recv()
        while socket.getsockopt(fastmq.RCVMORE):
            recv()

    poller = fastmq.Poller()
    poller.register(socket, fastmq.POLLIN)

    def poll() -> None:
        poller.poll()
        recv()

    calls: dict[str, Callable[[], Any]] = {
        "recv": recv,
        "last": recv,
        "stream": recv,
        "await": recv,
        "multipart": socket.recv_multipart,
        "rcvmore": more,
        "keyword": lambda: recv(flags=0),
        "frame": lambda: recv(copy=False),
        "into": lambda: socket.recv_into(buffer),
        "poll": poll,
    }
    return calls[way.recv]


def open_socket(context: Any, way: Way, which: int) -> Any:
    socket = context.socket(getattr(fastmq, way.kinds[which]))
    options = dict(way.options)
    if options.pop("CURVE", 0):
        seal(socket, which)
    for name, value in options.items():
        socket.setsockopt(getattr(fastmq, name), value)
    if way.send in ("tracked", "lent") and which == 0:
        socket.copy_threshold = 0
    if way.kinds[which] == "XPUB":
        socket.setsockopt(fastmq.XPUB_NODROP, 1)
        socket.setsockopt(fastmq.XPUB_VERBOSE, 1)
    if way.kinds[which] == "SUB":
        socket.setsockopt(fastmq.SUBSCRIBE, b"")
    return socket


SECRET_KEY = b"0rJua1Qkhq2)}4G4gS)W5Ft->6=4P585:Cl9uDpB"


def seal(socket: Any, which: int) -> None:
    if which == 0:
        socket.curve_server, socket.curve_secretkey = 1, SECRET_KEY
        return
    socket.curve_serverkey = fastmq.curve_public(SECRET_KEY)
    socket.curve_publickey, socket.curve_secretkey = fastmq.curve_keypair()


def repeat(n: int, call: Callable[[], Any]) -> None:
    for _ in range(n):
        call()


def play_sender(way: Way, pipe: Connection) -> None:
    if way.kinds[0] == "plain":
        play_plain(way, pipe)
        return
    with fastmq.Context() as context, open_socket(context, way, 0) as socket:
        socket.linger = -1
        pipe.send(socket.bind("tcp://127.0.0.1:*").addr)
        if way.kinds[0] == "XPUB":
            repeat(way.n_receivers, socket.recv)
        call = sender(way, socket)
        while n := pipe.recv():
            cpu = time.process_time()
            started = time.monotonic()
            if way.is_trip:
                repeat(n, lambda: (socket.send(b"x"), socket.recv()))
            elif way.threads > 1:
                work = (n // way.threads, call)
                threads = [
                    threading.Thread(target=repeat, args=work)
                    for _ in range(way.threads)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            else:
                repeat(n, call)
            if way.send == "last":
                socket.send(b"end")
            pipe.send((started, time.monotonic()))
            pipe.recv()
            pipe.send(time.process_time() - cpu)


def play_plain(way: Way, pipe: Connection) -> None:
    body = b"x" * way.size
    with tcp.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        with listener.accept()[0] as connection:
            while n := pipe.recv():
                cpu = time.process_time()
                started = time.monotonic()
                repeat(n, lambda: connection.sendall(body))
                pipe.send((started, time.monotonic()))
                pipe.recv()
                pipe.send(time.process_time() - cpu)


# What plain peers say at once.
ZMTP1 = b"\x01\x00"
ZMTP3 = b"\xff" + bytes(8) + b"\x7f\x03\x01NULL" + bytes(48)
ZMTP3 += b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04PULL"


def play_plain_receiver(way: Way, pipe: Connection) -> None:
    """Take frames of 64 bytes as a peer of an old version, or of the new one."""
    host, port = pipe.recv()[6:].split(":")
    with tcp.create_connection((host, int(port))) as connection:
        connection.sendall(ZMTP1 if way.recv == "zmtp1" else ZMTP3)
        stream = connection.makefile("rb")
        if way.recv == "zmtp1":
            stream.read(10)
        else:
            stream.read(64)
            stream.read(stream.read(2)[1])
        buffer = bytearray(LONG)
        left = 0
        while n := pipe.recv():
            cpu = time.process_time()
            left = n * (way.size + 2)
            while left:
                left -= stream.readinto(memoryview(buffer)[: min(left, LONG)])
            pipe.send((time.monotonic(), time.process_time() - cpu))


def answer(socket: Any, n: int) -> None:
    for _ in range(n):
        socket.send(socket.recv())


def take_stream(socket: Any, left: int) -> None:
    while left > 0:
        left -= len(socket.recv_multipart()[1])


def take_to_last(socket: Any) -> None:
    while socket.recv() != b"end":
        pass


def play_receiver(way: Way, pipe: Connection) -> None:
    if way.recv in ("zmtp1", "zmtp3"):
        play_plain_receiver(way, pipe)
        return
    if way.recv == "await":
        import asyncio

        asyncio.run(play_awaiting(way, pipe))
        return
    endpoint = pipe.recv()
    with fastmq.Context() as context:
        sockets = [open_socket(context, way, 1) for _ in range(way.n_receivers)]
        for socket in sockets:
            socket.connect(endpoint)
        if way.recv == "stream":
            sockets[0].recv_multipart()  # the connection
        calls = [receiver(way, socket) for socket in sockets]
        while n := pipe.recv():
            cpu = time.process_time()
            if way.is_trip:
                answer(sockets[0], n)
            elif way.recv == "last":
                take_to_last(sockets[0])
            elif way.recv == "stream":
                take_stream(sockets[0], n * way.size)
            else:
                for _ in range(n):
                    for call in calls:
                        call()
            pipe.send((time.monotonic(), time.process_time() - cpu))
        for socket in sockets:
            socket.close(0)


async def play_awaiting(way: Way, pipe: Connection) -> None:
    import fastmq.asyncio

    endpoint = pipe.recv()
    with fastmq.asyncio.Context() as context:
        socket = context.socket(fastmq.PULL)
        socket.connect(endpoint)
        while n := pipe.recv():
            cpu = time.process_time()
            for _ in range(n):
                await socket.recv()
            pipe.send((time.monotonic(), time.process_time() - cpu))
        socket.close(0)


def start(way: Way, role: str, cpu: int) -> tuple[subprocess.Popen[bytes], Connection]:
    ours, theirs = Pipe()
    command = [sys.executable, "-P", __file__, "--end", role, str(theirs.fileno())]
    environment = dict(os.environ)
    if way.poller:
        environment["FASTMQ_POLLER"] = way.poller
    with theirs:
        popen = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
    os.sched_setaffinity(popen.pid, {cpu})
    ours.send(way)
    return popen, ours


def measure(way: Way, seconds: float) -> tuple[float, float]:
    """Return seconds a message, and those of both processors."""
    cpus = sorted(os.sched_getaffinity(0))
    processes = []
    try:
        first, sending = start(way, "sender", cpus[0])
        processes.append(first)
        second, receiving = start(way, "receiver", cpus[-1])
        processes.append(second)
        receiving.send(sending.recv())
        n, took, used = 400, 0.0, 0.0
        while took < seconds / 2:
            n = int(n * max(2.0, min(20.0, seconds / max(took, 1e-3)))) // 4 * 4
            receiving.send(n)
            sending.send(n)
            started, ended = sending.recv()
            over, used = receiving.recv()
            sending.send(None)
            took = max(ended, over) - started
            used += sending.recv()
        for process, pipe in ((first, sending), (second, receiving)):
            pipe.send(0)
            process.wait(PATIENCE_S)
        return took / n, used / n
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main() -> None:
    if sys.argv[1:2] == ["--end"]:
        pipe = Connection(int(sys.argv[3]))
        way = pipe.recv()
        (play_sender if sys.argv[2] == "sender" else play_receiver)(way, pipe)
        return
    parser = argparse.ArgumentParser(description="Measure what is slow.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="about, a run")
    options = parser.parse_args()
    print(f"{'way':<28}{'time':>8}{'CPU':>8}   usual, us a message: time, CPU")
    for name in options.names or WAYS:
        rounds = [
            [measure(way, options.seconds) for way in WAYS[name]]
            for _ in range(options.rounds)
        ]
        ratios = [median(slow[i] / usual[i] for usual, slow in rounds) for i in (0, 1)]
        usual = [median(each[0][i] * 1e6 for each in rounds) for i in (0, 1)]
        text = f"{name:<28}{ratios[0]:>8.2f}{ratios[1]:>8.2f}"
        print(f"{text}   {usual[0]:.2f}, {usual[1]:.2f}", flush=True)


if __name__ == "__main__":
    main()
