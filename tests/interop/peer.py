# SPDX-License-Identifier: Apache-2.0
"""One end of an interoperation test, as a process of its own.

    python -m interop.peer LIBRARY ROLE ENDPOINT... [--bind] [--type PUSH] ...

LIBRARY is the module, fastmq or zmq. What happens is told on stdout, a JSON object a
line; commands come in on stdin, a word a line. The end of stdin ends the process, so
none outlives the test that started it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import mmap
import os
import queue
import signal
import sys
import threading
from typing import Any

from interop.content import Content, read_stamp, stream_of

POLL_MS = 100  # how long a stream waits before it looks for a command again


class Commands:
    """Words from stdin."""

    def __init__(self) -> None:
        self.queue: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in sys.stdin:
            self.queue.put(line.strip())
        os._exit(3)

    def wait(self, word: str) -> None:
        assert self.queue.get() == word

    def has_stop(self) -> bool:
        return not self.queue.empty()


def report(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def check(i: int, got: list[bytes], expected: list[bytes]) -> None:
    if got == expected:
        return
    sizes = [len(frame) for frame in got][:8], [len(frame) for frame in expected][:8]
    raise AssertionError(f"message {i} differs, frame sizes {sizes[0]} and {sizes[1]}")


class Peer:
    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.lib = importlib.import_module(args.library)
        self.content = Content(args.seed)
        self.message = getattr(self.content, args.content)
        self.commands = Commands()

    def run(self) -> None:
        lib, args = self.lib, self.args
        context = lib.Context()
        socket = context.socket(getattr(lib, args.type))
        socket.rcvtimeo = socket.sndtimeo = args.timeout
        for option in args.opt:
            name, _, value = option.partition("=")
            socket.setsockopt(getattr(lib, name), int(value))
        endpoints = []
        for endpoint in args.endpoint:
            if args.bind:
                socket.bind(endpoint)
                endpoints.append(socket.getsockopt_string(lib.LAST_ENDPOINT))
            else:
                socket.connect(endpoint)
        report(ready=endpoints)
        if args.wait:
            self.commands.wait("go")
        getattr(self, args.role)(socket)
        report(done=True)
        socket.close(args.linger)
        context.term()
        report(ended=True)

    # --- roles that count, and know what comes ---

    def span(self) -> range:
        return range(self.args.first, self.args.first + self.args.count)

    def send(self, socket: Any) -> None:
        for i in self.span():
            socket.send_multipart(self.message(i))
        report(sent=self.args.count)

    def recv(self, socket: Any) -> None:
        for i in self.span():
            check(i, socket.recv_multipart(), self.message(i))
        report(got=self.args.count)
        self.commands.wait("end")

    def ask(self, socket: Any) -> None:
        """Send requests; the answer is the request's frames in reverse."""
        for i in self.span():
            frames = self.message(i)
            socket.send_multipart(frames)
            check(i, socket.recv_multipart(), frames[::-1])
        report(asked=self.args.count)

    def answer(self, socket: Any) -> None:
        for i in self.span():
            frames = socket.recv_multipart()
            check(i, frames, self.message(i))
            socket.send_multipart(frames[::-1])
        report(answered=self.args.count)
        self.commands.wait("end")

    def serve(self, socket: Any) -> None:
        """Answer whoever asks until told to stop; a PAIR says when its peer is gone."""
        has_peer = False
        while not self.commands.has_stop():
            if socket.poll(POLL_MS):
                socket.send_multipart(socket.recv_multipart()[::-1])
                has_peer = self.args.type == "PAIR"
            elif has_peer and not socket.poll(0, self.lib.POLLOUT):
                has_peer = False
                report(alone=True)
        report(served=True)

    def ask_on_word(self, socket: Any) -> None:
        """Send `count` requests at each "go", until "stop"."""
        first = self.args.first
        while (word := self.commands.queue.get()) == "go":
            for i in range(first, first + self.args.count):
                frames = self.message(i)
                socket.send_multipart(frames)
                check(i, socket.recv_multipart(), frames[::-1])
            first += self.args.count
            report(asked=self.args.count)
        assert word == "stop"

    # --- roles for streams that are cut ---

    def stream(self, socket: Any) -> None:
        """Send stamped messages until told to stop; say so when there is no room."""
        i = self.args.first
        was_full = False
        while not self.commands.has_stop():
            if i == self.args.first + self.args.count:
                break
            try:
                socket.send_multipart(
                    self.content.stamped(i, self.args.size), self.lib.DONTWAIT
                )
            except self.lib.Again:
                if not socket.poll(POLL_MS, self.lib.POLLOUT) and not was_full:
                    was_full = True
                    report(full=i)
                continue
            i += 1
        report(streamed=i)

    def watch(self, socket: Any) -> None:
        """Receive stamped messages; keep the last number where a kill leaves it.

        Numbers rise within a stream (`stream_of`). What is left of one that was cut is
        received in turn with the next one's, as it is from any two connections.
        """
        args = self.args
        with open(args.marks, "r+b") as file, mmap.mmap(file.fileno(), 8) as marks:
            last = int.from_bytes(marks[:8], "big")
            lasts = {stream_of(last): last}
            n = 0
            while not self.commands.has_stop():
                if not socket.poll(POLL_MS):
                    continue
                i = read_stamp(socket.recv_multipart())
                last = lasts.get(stream_of(i), i - 1)
                assert i > last, f"message {i} after {last}"
                if n == 0:
                    report(first=i, after=last)
                elif i != last + 1:
                    report(gap=i - last - 1, at=i)
                marks[:8] = i.to_bytes(8, "big")
                lasts[stream_of(i)] = last = i
                n += 1
                if n % args.every == 0:
                    report(got=n, last=i)
                if n == args.stop_after:
                    os.kill(os.getpid(), signal.SIGSTOP)
        report(watched=n, last=last)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("role")
    parser.add_argument("endpoint", nargs="+")
    parser.add_argument("--bind", action="store_true")
    parser.add_argument("--type", required=True)
    parser.add_argument("--opt", action="append", default=[], help="NAME=NUMBER")
    parser.add_argument("--wait", action="store_true", help='begin at "go"')
    parser.add_argument("--content", default="mixed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--size", type=int, default=1000, help="of stamped messages")
    parser.add_argument("--every", type=int, default=1000)
    parser.add_argument("--stop_after", type=int, help="SIGSTOP at so many received")
    parser.add_argument("--marks", help="a file of 8 bytes: the last number received")
    parser.add_argument("--linger", type=int, default=-1)
    parser.add_argument("--timeout", type=int, default=30000, help="of a call, in ms")
    return parser.parse_args()


if __name__ == "__main__":
    Peer(parse()).run()
