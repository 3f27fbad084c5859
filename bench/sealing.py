# SPDX-License-Identifier: Apache-2.0
"""CURVE over several I/O threads, and where a round trip's time goes.

``python bench/sealing.py`` runs fastmq beside pyzmq, with as many I/O threads, in turn:

- *stream*: four clients send long messages to one PULL.
- *trip*: REQ and REP, a short body, each end pinned to a processor.

Beside speeds and times stands how long all ends computed for a message, and how long
they were ready to go on and had no processor: on a busy machine that is most of a mean,
and whoever has more threads gets more of the processors.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

LIBRARIES = ("fastmq", "zmq")
CLIENTS = 4
WARM_UP = 200
PATIENCE_MS = 60_000
SHARES = ("us computing", "us without a processor")
# In processes of their own: what they print is what they measured.
ROLES = ("puller", "pusher", "answering", "asking")


def open_socket(role: str, options: argparse.Namespace) -> Any:
    zmq = importlib.import_module(options.library)
    context = zmq.Context(options.threads)
    kind = dict(zip(ROLES, (zmq.PULL, zmq.PUSH, zmq.REP, zmq.REQ), strict=True))[role]
    socket = context.socket(kind)
    socket.rcvtimeo = socket.sndtimeo = PATIENCE_MS
    socket.linger = 0
    public, secret = options.keys[:2]
    if role in ("puller", "answering"):
        socket.curve_server = 1
        socket.curve_secretkey = secret.encode()
        socket.bind("tcp://127.0.0.1:*")
        print(socket.last_endpoint.decode().rstrip("\0"), flush=True)
    else:
        socket.curve_serverkey = public.encode()
        socket.curve_publickey, socket.curve_secretkey = map(str.encode, options.keys)
        socket.connect(options.endpoint)
    return socket


def schedule(*processes: int) -> tuple[int, int]:
    """Return the nanoseconds for which threads ran, and waited for a processor."""
    ran = waited = 0
    for process in processes:
        for task in Path(f"/proc/{process}/task").iterdir():
            numbers = (task / "schedstat").read_text(encoding="ascii").split()
            ran += int(numbers[0])
            waited += int(numbers[1])
    return ran, waited


def puller(socket: Any, options: argparse.Namespace) -> dict[str, float]:
    for _ in range(2 * CLIENTS):
        socket.recv()
    print("it goes", flush=True)
    start = now = time.perf_counter()
    n = 0
    while now < start + options.seconds:
        socket.recv()
        n += 1
        now = time.perf_counter()
    return {"MB/s": n * options.size / (now - start) / 1e6, "messages": n}


def pusher(socket: Any, options: argparse.Namespace) -> dict[str, float]:
    body = bytes(options.size)
    while True:
        socket.send(body, copy=False)


def answering(socket: Any, options: argparse.Namespace) -> dict[str, float]:
    return exchange(options, lambda: socket.send(socket.recv()))


def asking(socket: Any, options: argparse.Namespace) -> dict[str, float]:
    body = bytes(options.size)
    return exchange(options, lambda: (socket.send(body), socket.recv()))


def exchange(options: argparse.Namespace, trip: Any) -> dict[str, float]:
    for _ in range(WARM_UP):
        trip()
    me = os.getpid()
    before, times = schedule(me), [time.perf_counter()]
    for _ in range(options.trips):
        trip()
        times.append(time.perf_counter())
    ran, waited = (b - a for a, b in zip(before, schedule(me), strict=True))
    each = [b - a for a, b in itertools.pairwise(times)]
    return {
        "mean us": statistics.fmean(each) * 1e6,
        "median us": statistics.median(each) * 1e6,
        SHARES[0]: ran / options.trips / 1e3,
        SHARES[1]: waited / options.trips / 1e3,
    }


def start(role: str, processor: int | None, **options: Any) -> subprocess.Popen[str]:
    def pin() -> None:
        if processor is not None:
            os.sched_setaffinity(0, {processor})

    environment = dict(os.environ)
    if options["library"] == "fastmq" and options["sodium"]:
        environment["LD_PRELOAD"] = options["sodium"]
    return subprocess.Popen(
        [sys.executable, "-P", __file__, role, json.dumps(options)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=pin,
    )


def end(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def stream(**options: Any) -> dict[str, float]:
    server = start("puller", None, **options)
    options["endpoint"] = line(server)
    clients = [start("pusher", None, **options) for _ in range(CLIENTS)]
    everybody = [process.pid for process in (server, *clients)]
    try:
        line(server)
        before = schedule(*everybody)
        result: dict[str, float] = json.loads(line(server))
        after = schedule(*everybody)
    finally:
        end(server, *clients)
    n = result.pop("messages")
    for key, a, b in zip(SHARES, before, after, strict=True):
        result[key] = (b - a) / n / 1e3
    return result


def trip(**options: Any) -> dict[str, float]:
    first, *_, last = sorted(os.sched_getaffinity(0))
    server = start("answering", last, **options)
    client = start("asking", first, endpoint=line(server), **options)
    try:
        here, there = json.loads(line(client)), json.loads(line(server))
    finally:
        end(server, client)
    for share in SHARES:
        here[share] += there[share]
    result: dict[str, float] = here
    return result


def compare(title: str, measure: Any, variants: list[int], options: Any) -> None:
    """Measure both libraries in turn, and print the medians."""
    found: dict[Any, list[dict[str, float]]] = {}
    for _ in range(options.runs):
        for threads in variants:
            for library in LIBRARIES:
                one = measure(
                    library=library,
                    threads=threads,
                    keys=options.keys,
                    sodium=options.sodium,
                    seconds=options.seconds,
                    trips=options.trips,
                    size=options.size if measure is stream else 64,
                )
                found.setdefault((library, threads), []).append(one)
    print(title)
    for (library, threads), runs in found.items():
        medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        told = ", ".join(f"{key} {value:.1f}" for key, value in medians.items())
        print(f"  {library:7} {threads} I/O thread(s): {told}")


def main() -> int:
    if len(sys.argv) > 2 and sys.argv[1] in ROLES:
        told = argparse.Namespace(**json.loads(sys.argv[2]))
        socket = open_socket(sys.argv[1], told)
        print(json.dumps(globals()[sys.argv[1]](socket, told)), flush=True)
        # The last answer may still be on its way, and others look at our threads.
        sys.stdin.read()
        return 0
    parser = argparse.ArgumentParser(description="CURVE over several I/O threads")
    parser.add_argument("--runs", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=1, help="of a stream")
    parser.add_argument("--trips", type=int, default=5000, help="of a round trip")
    parser.add_argument("--size", type=int, default=65536, help="of a stream's bodies")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--sodium", help="the libsodium.so that fastmq is to use")
    options = parser.parse_args()
    keys = importlib.import_module("fastmq").curve_keypair()
    options.keys = [key.decode() for key in keys]
    size = f"{options.size} B, {CLIENTS} clients"
    compare(f"stream, {size}", stream, options.threads, options)
    compare("round trip, 64 B, a processor for each end", trip, [1], options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
