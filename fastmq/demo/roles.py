# SPDX-License-Identifier: Apache-2.0
"""The processes of the demo: ``python -m fastmq.demo.roles ROLE``.

::

    ventilator  PUSH ---> PULL  worker  PUSH ---> PULL  sink
        |                   (N of them)            ^
        +------------------- PUSH: how many lines -+

Only the command (run.py) starts them. Each reads its orders (orders.py), does its part
and reports. There is no message for the end of work: a worker sends what it has counted
whenever it finds nothing more to do, so the sink ends up with everything.
"""

from __future__ import annotations

import array
import json
import os
import struct
import sys
import threading
import time
import traceback
from typing import Any

from fastmq.demo import corpus, library
from fastmq.demo.orders import Orders, report

_QUEUE_MESSAGES = 8
"""High-water mark between ventilator and worker: short, so that the load is even."""
_FLUSH_BYTES = 1 << 20
"""A busy worker sends its counts after so much text."""
_PROGRESS_SECONDS = 0.1

_LINES = struct.Struct("!QQ")  # first line, number of lines
_TOTALS = struct.Struct("!QQQ")  # lines, bytes, checksum
_END = b"end"
_RESULT = b"result"


class Refused(Exception):
    """Something the user should know, without a traceback."""


def direct(orders: Orders) -> None:
    """Count everything here and now, to compare the pipeline's result with."""
    order = orders.wait()
    orders.watch()
    files = [corpus.TextFile(*file) for file in order["files"]]
    tally = corpus.Tally()
    started = reported = time.monotonic()
    for batch in corpus.read_batches(files, order["batch"]):
        tally.add(batch)
        now = time.monotonic()
        if now - reported >= _PROGRESS_SECONDS:
            reported = now
            report(lines=tally.n_lines, bytes=tally.n_bytes)
    seconds = time.monotonic() - started
    report(done=tally.summary(order["top"]), seconds=seconds)


def ventilator(orders: Orders) -> None:
    """Push every line to the workers, then tell the sink how many there were."""
    order = orders.wait()
    zmq = library.load("fastmq")
    context = zmq.Context()
    may_leave = threading.Event()
    with context.socket(zmq.PUSH) as work, context.socket(zmq.PUSH) as sink:
        work.sndhwm = _QUEUE_MESSAGES
        endpoint = _bind(zmq, work, order["endpoint"])
        report(endpoint=endpoint, library=library.describe("fastmq"))
        go = orders.wait()
        orders.watch(on_stop=may_leave.set)
        files = [corpus.TextFile(*file) for file in order["files"]]
        n_lines = 0
        for batch in corpus.read_batches(files, order["batch"]):
            work.send_multipart([_LINES.pack(batch.first, batch.n_lines), batch.text])
            n_lines += batch.n_lines
        sink.connect(go["sink"])
        sink.send_multipart([_END, _LINES.pack(0, n_lines)])
        report(done=n_lines)
        # A peer may give up what it has not read when the connection is closed.
        may_leave.wait()
    context.term()


def worker(orders: Orders) -> None:
    """Count the words in the lines that come, until told to stop."""
    order = orders.wait()
    zmq = library.load(order["library"])
    context = zmq.Context()
    work = context.socket(zmq.PULL)
    work.rcvhwm = _QUEUE_MESSAGES
    work.connect(order["ventilator"])
    results = context.socket(zmq.PUSH)
    results.linger = 0  # when it is told to stop, everything has arrived
    results.connect(order["sink"])
    report(ready=True, library=library.describe(order["library"]))
    # The end comes from another thread: it makes every call here fail.
    orders.watch(on_stop=context.term)

    n_lines = 0
    tally = corpus.Tally()
    ranges = array.array("Q")
    try:
        while True:
            if tally.n_bytes >= _FLUSH_BYTES or (ranges and not work.poll(0)):
                results.send_multipart(_encode_result(tally, ranges))
                n_lines += tally.n_lines
                tally = corpus.Tally()
                ranges = array.array("Q")
            lines, text = work.recv_multipart()
            first, n = _LINES.unpack(lines)
            batch = corpus.Batch(first, n, text)
            tally.add(batch)
            ranges.extend((batch.first, batch.n_lines))
    except zmq.ContextTerminated:
        pass
    finally:
        work.close()
        results.close()
    report(done=n_lines)


def _encode_result(tally: corpus.Tally, ranges: array.array[int]) -> list[bytes]:
    totals = _TOTALS.pack(tally.n_lines, tally.n_bytes, tally.checksum)
    return [_RESULT, totals, ranges.tobytes(), json.dumps(tally.words).encode()]


def sink(orders: Orders) -> None:
    """Merge the workers' counts until every line is there, each exactly once."""
    order = orders.wait()
    zmq = library.load("fastmq")
    context = zmq.Context()
    with context.socket(zmq.PULL) as results:
        report(endpoint=_bind(zmq, results, order["endpoint"]))
        orders.wait()
        orders.watch()
        tally = corpus.Tally()
        coverage = corpus.Coverage()
        n_expected = None
        started = reported = time.monotonic()
        while n_expected is None or coverage.n_lines < n_expected:
            if not results.poll(1000 * order["patience"]):
                raise Refused(_describe_lack(coverage, n_expected, order["patience"]))
            kind, *parts = results.recv_multipart()
            if kind == _END:
                n_expected = _LINES.unpack(*parts)[1]
                continue
            _merge_result(tally, coverage, *parts)
            now = time.monotonic()
            if now - reported >= _PROGRESS_SECONDS:
                reported = now
                report(lines=tally.n_lines, bytes=tally.n_bytes)
        seconds = time.monotonic() - started
    context.term()
    if coverage.n_lines != n_expected:
        raise Refused(f"{coverage.n_lines} lines came, {n_expected} were sent")
    report(done=tally.summary(order["top"]), seconds=seconds)


def _describe_lack(
    coverage: corpus.Coverage, n_expected: int | None, seconds: int
) -> str:
    text = f"nothing has come for {seconds} s; {coverage.n_lines} lines are here"
    if n_expected is not None:
        text += f", {n_expected - coverage.n_lines} are missing"
    return f"{text}, the first missing one is line {coverage.first_gap()}"


def _merge_result(
    tally: corpus.Tally,
    coverage: corpus.Coverage,
    totals: bytes,
    ranges: bytes,
    words: bytes,
) -> None:
    borders = array.array("Q", ranges)
    n_lines, n_bytes, checksum = _TOTALS.unpack(totals)
    if n_lines != sum(borders[1::2]):
        raise Refused(f"a worker counted {n_lines} lines, but names others")
    try:
        for first, n in zip(borders[::2], borders[1::2], strict=True):
            coverage.add(first, n)
    except ValueError as error:
        raise Refused(str(error)) from None
    tally.n_lines += n_lines
    tally.n_bytes += n_bytes
    tally.checksum += checksum
    tally.words.update(json.loads(words))


def _bind(zmq: Any, socket: Any, endpoint: str) -> str:
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        raise Refused(f"cannot bind {endpoint}: {error.strerror}") from None
    bound: str = socket.getsockopt_string(zmq.LAST_ENDPOINT)
    return bound


ROLES = {role.__name__: role for role in (direct, ventilator, worker, sink)}


def main() -> None:
    """Play the role that the command line names."""
    try:
        ROLES[sys.argv[1]](Orders())
    except (Refused, OSError) as error:
        _give_up(str(error))
    except Exception as error:
        traceback.print_exc()
        _give_up(f"{type(error).__name__}: {error}")


def _give_up(why: str) -> None:
    report(error=why)
    # At once: an ordinary exit would wait until what is queued has found a taker.
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main()
