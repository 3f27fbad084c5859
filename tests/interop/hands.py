# SPDX-License-Identifier: Apache-2.0
"""Sockets of one library as a test moves them, from within its process or from without.

    python -m interop.hands LIBRARY

reads calls from stdin, a tuple a line, and tells what they gave. So a library can be at
the other end that this process cannot load: another build of one it has.
"""

from __future__ import annotations

import ast
import ctypes
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).resolve().parent.parent
PATIENCE_MS = 20_000


class Got(NamedTuple):
    body: bytes
    routing_id: int
    group: str


class Refused(Exception):
    """A call failed with this errno."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


class Hands:
    """A context of the library, and its sockets by number."""

    def __init__(self, library: str) -> None:
        self.zmq = importlib.import_module(library)
        self.context = self.zmq.Context()
        self.sockets: dict[int, Any] = {}

    def do(self, name: str, *arguments: Any) -> Any:
        try:
            return getattr(self, name)(*arguments)
        except self.zmq.ZMQError as error:
            raise Refused(int(error.errno)) from None

    def open(self, kind: str, options: dict[str, Any]) -> int:
        socket = self.context.socket(getattr(self.zmq, kind))
        socket.linger = 0
        socket.rcvtimeo = socket.sndtimeo = PATIENCE_MS
        for option, value in options.items():
            socket.setsockopt(getattr(self.zmq, option), value)
        number = len(self.sockets)
        self.sockets[number] = socket
        return number

    def bind(self, number: int, endpoint: str) -> str:
        self.sockets[number].bind(endpoint)
        return self.sockets[number].getsockopt_string(self.zmq.LAST_ENDPOINT)

    def disconnect_peer(self, number: int, routing_id: int) -> None:
        self.sockets[number].disconnect_peer(routing_id)

    def join(self, number: int, group: str) -> None:
        self.sockets[number].join(group.encode())

    def leave(self, number: int, group: str) -> None:
        self.sockets[number].leave(group.encode())

    def connect(self, number: int, endpoint: str) -> None:
        self.sockets[number].connect(endpoint)

    def connect_peer(self, number: int, endpoint: str) -> int:
        socket = self.sockets[number]
        if hasattr(socket, "connect_peer"):
            return socket.connect_peer(endpoint)
        # pyzmq knows it not, but the library beside it does.
        (path,) = Path(self.zmq.__file__).parent.glob("libzmq*.so")
        connect = ctypes.CDLL(str(path)).zmq_connect_peer
        connect.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        connect.restype = ctypes.c_uint32
        return connect(socket.underlying, endpoint.encode())

    def send(
        self,
        number: int,
        body: bytes,
        routing_id: int | None = None,
        group: str | None = None,
        flags: int = 0,
    ) -> None:
        self.sockets[number].send(body, flags, routing_id=routing_id, group=group)

    def recv(self, number: int, kind: str) -> tuple[bytes, int, str]:
        frame = self.sockets[number].recv(copy=False)
        # pyzmq's is an error of chance where there is none.
        routing_id = frame.routing_id if kind in ("SERVER", "PEER") else 0
        return bytes(frame.bytes), routing_id, frame.group

    def poll(self, number: int, timeout: int) -> bool:
        return bool(self.sockets[number].poll(timeout))

    def close(self, number: int) -> None:
        self.sockets[number].close()

    def end(self) -> None:
        for socket in self.sockets.values():
            socket.close()
        self.context.term()


class Remote:
    """The same in a process of its own, with this folder before others on its path."""

    def __init__(self, library: str, folder: str) -> None:
        path = os.pathsep.join(filter(None, [folder, str(TESTS)]))
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "interop.hands", library],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            text=True,
        )

    def do(self, *call: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{call!r}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the other end has gone at {call}"
        kind, value = ast.literal_eval(answer)
        if kind == "refused":
            raise Refused(value)
        return value

    def end(self) -> None:
        with self.process:
            pass  # the end of stdin is what it waits for


def serve(hands: Hands) -> None:
    for line in sys.stdin:
        try:
            answer = "gave", hands.do(*ast.literal_eval(line))
        except Refused as refused:
            answer = "refused", refused.errno
        print(repr(answer), flush=True)
    hands.end()


class Socket:
    """A socket in somebody's hands."""

    def __init__(self, hands: Hands | Remote, kind: str, **options: Any) -> None:
        self.hands = hands
        self.kind = kind
        self.number = hands.do("open", kind, options)

    def do(self, name: str, *arguments: Any) -> Any:
        return self.hands.do(name, self.number, *arguments)

    def send(
        self,
        body: bytes,
        routing_id: int | None = None,
        group: str | None = None,
        flags: int = 0,
    ) -> None:
        self.do("send", body, routing_id, group, flags)

    def recv(self) -> Got:
        return Got(*self.do("recv", self.kind))


if __name__ == "__main__":
    serve(Hands(sys.argv[1]))
