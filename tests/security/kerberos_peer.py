# SPDX-License-Identifier: Apache-2.0
"""A process with one socket, which does what the test tells it, a line at a time.

python -m security.kerberos_peer fastmq|libzmq

Each line of its input is a JSON list: a function's name below, and its arguments; each
line of its output what that returned. A process of its own, because Kerberos takes who
one is from the environment.
"""

from __future__ import annotations

import importlib
import json
import struct
import sys
import threading
from typing import Any

from security.rawgss import RawClient

from fastmq import constants

WAIT_MS = 20000
ZAP = "inproc://zeromq.zap.01"
EVENTS = "inproc://events"


class Peer:
    def __init__(self, library: str) -> None:
        name = "fastmq" if library == "fastmq" else "security.libzmq"
        self.zmq: Any = importlib.import_module(name)
        self.reset()

    def add(self, name: str, kind: str, options: dict[str, Any]) -> Any:
        socket = self.context.socket(int(constants.SocketType[kind]))
        self.sockets[name] = socket
        for option, value in {"LINGER": 0, "RCVTIMEO": WAIT_MS, **options}.items():
            number = int(constants.SocketOption[option])
            socket.setsockopt(
                number, value.encode() if isinstance(value, str) else value
            )
        return socket

    # --- what it can be told ---

    def reset(self) -> None:
        """Begin anew."""
        if hasattr(self, "context"):
            self.end()
        self.context = self.zmq.Context()
        self.sockets: dict[str, Any] = {}
        self.authenticator: Any = None

    def open(self, kind: str, options: dict[str, Any]) -> None:
        """Make the socket; its events are kept from here on."""
        socket = self.add("self", kind, options)
        socket.monitor(EVENTS, 0xFFFF)
        self.add("events", "PAIR", {}).connect(EVENTS)

    def handle_zap(self) -> None:
        """Have a ZAP handler from here on."""
        self.add("zap", "REP", {}).bind(ZAP)

    def authenticate(self) -> None:
        """Have a ready-made handler from here on."""
        auth = importlib.import_module("fastmq.auth.thread")
        self.authenticator = auth.ThreadAuthenticator(self.context)
        self.authenticator.start()
        self.authenticator.configure_gssapi()

    def bind(self, to: str = "tcp://127.0.0.1:*") -> str:
        self.sockets["self"].bind(to)
        endpoint: bytes = self.sockets["self"].last_endpoint
        return endpoint.decode()

    def connect(self, endpoint: str) -> None:
        self.sockets["self"].connect(endpoint)

    def send(self, *parts: str) -> None:
        self.sockets["self"].send_multipart([part.encode() for part in parts])

    def send_long(self, size: int) -> None:
        self.sockets["self"].send_multipart(
            [(bytes(range(256)) * (size // 256 + 1))[:size]]
        )

    def recv(self) -> list[str]:
        return [part.decode() for part in self.sockets["self"].recv_multipart()]

    def recv_long(self) -> int:
        (part,) = self.sockets["self"].recv_multipart()
        assert part == (bytes(range(256)) * (len(part) // 256 + 1))[: len(part)]
        return len(part)

    def chat(self, count: int, size: int) -> int:
        """Send from one thread while another receives; return what came."""
        socket = self.sockets["self"]

        def send() -> None:
            for _ in range(count):
                socket.send_multipart([bytes(size)])

        thread = threading.Thread(target=send)
        thread.start()
        total = sum(len(socket.recv_multipart()[0]) for _ in range(count))
        thread.join()
        return total

    def user(self) -> str | None:
        """Receive, and return who it came from."""
        frame = self.sockets["self"].recv_multipart(copy=False)[0]
        try:
            user: str | None = frame.get("User-Id")
        except self.zmq.ZMQError:
            return None
        return user

    def within(self, ms: int) -> bool:
        """Return whether something comes within that time."""
        socket = self.sockets["self"]
        socket.setsockopt(int(constants.SocketOption.RCVTIMEO), ms)
        try:
            socket.recv_multipart()
        except self.zmq.ZMQError:
            return False
        finally:
            socket.setsockopt(int(constants.SocketOption.RCVTIMEO), WAIT_MS)
        return True

    # --- no socket at all ---

    def raw(self, endpoint: str, kind: str) -> None:
        """Connect by hand, as a socket of this type would."""
        self.stranger = RawClient(endpoint, b"zmq@server", kind.encode())

    def say(self, text: str, is_sealed: bool) -> None:
        self.stranger.say(text.encode("latin-1"), is_sealed)

    def is_cut_off(self) -> bool:
        return self.stranger.is_cut_off()

    # --- another socket of the same context, a server ---

    def add_server(self) -> None:
        self.add("server", "PULL", {"GSSAPI_SERVER": 1})

    def bind_server(self) -> str:
        self.sockets["server"].bind("tcp://127.0.0.1:*")
        endpoint: bytes = self.sockets["server"].last_endpoint
        return endpoint.decode()

    def recv_server(self) -> list[str]:
        return [part.decode() for part in self.sockets["server"].recv_multipart()]

    def close_self(self) -> None:
        self.sockets.pop("self").close()

    # --- what became of it ---

    def event(self) -> list[Any]:
        """Return the next event, and its value."""
        number, value = struct.unpack("=HI", self.sockets["events"].recv_multipart()[0])
        return [constants.Event(number).name, value]

    def asked(self) -> list[str]:
        """Return what the ZAP handler is asked, from the domain on."""
        request = self.sockets["zap"].recv_multipart()
        assert request[:2] == [b"1.0", b"1"]
        return [part.decode() for part in request[2:]]

    def answer(self, status: int, user: str) -> None:
        self.sockets["zap"].send_multipart(
            [b"1.0", b"1", b"%d" % status, b"", user.encode(), b""]
        )

    def get(self, option: str) -> Any:
        value = self.sockets["self"].getsockopt(int(constants.SocketOption[option]))
        return value.decode() if isinstance(value, bytes) else value

    def set(self, option: str, value: Any) -> int:
        """Return the error number of setting an option, 0 if there was none."""
        held = value.encode() if isinstance(value, str) else value
        number = int(constants.SocketOption[option])
        try:
            self.sockets["self"].setsockopt(number, held)
        except self.zmq.ZMQError as error:
            return int(error.errno)
        return 0

    def has(self, capability: str) -> bool:
        return bool(self.zmq.has(capability))

    def end(self) -> None:
        if self.authenticator is not None:
            self.authenticator.stop()
        if "events" in self.sockets:
            self.sockets["events"].close()
        for name, socket in self.sockets.items():
            if name != "events":
                socket.close()
        self.context.term()


def main() -> None:
    peer = Peer(sys.argv[1])
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(peer, name)(*arguments)), flush=True)
    peer.end()


if __name__ == "__main__":
    main()
