# SPDX-License-Identifier: Apache-2.0
"""Record what libzmq sends, byte for byte, into the .hex files of this folder.

A plain TCP socket plays the peer: it answers the greeting and the handshake by hand and
writes down what a pyzmq socket says. Run with pyzmq installed, in the folder above this
one: python -m vectors.capture. The files change only if libzmq does. With a pyzmq that
has libzmq's drafts it records those of the draft types instead. Those that are not
captured were put together by hand, and say from what.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import zmq
from vectors.dialogues import (
    DIALOGUES,
    DRAFT_DIALOGUES,
    Dialogue,
    read_opening,
    vector,
)

HERE = Path(__file__).parent
GREETING = bytes.fromhex("ff00000000000000017f0301") + b"NULL".ljust(52, b"\0")
PEERS = {
    "PAIR": "PAIR",
    "PUB": "SUB",
    "SUB": "PUB",
    "REQ": "REP",
    "REP": "REQ",
    "DEALER": "ROUTER",
    "ROUTER": "DEALER",
    "PULL": "PUSH",
    "PUSH": "PULL",
    "XPUB": "XSUB",
    "XSUB": "XPUB",
}
DRAFTS = {
    "SERVER": "CLIENT",
    "CLIENT": "SERVER",
    "RADIO": "DISH",
    "DISH": "RADIO",
    "GATHER": "SCATTER",
    "SCATTER": "GATHER",
    "PEER": "PEER",
    "CHANNEL": "CHANNEL",
}


class Wire:
    """The bytes that come from the other side."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.settimeout(10)

    def read(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            part = self.connection.recv(size - len(got))
            if not part:
                raise EOFError
            got += part
        return got

    def rest(self) -> bytes:
        """Read until nothing has come for a while."""
        got = b""
        self.connection.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            while part := self.connection.recv(65536):
                got += part
        return got

    def frame(self) -> bytes:
        head = self.read(2)
        if head[0] & 2:
            head += self.read(7)
        return head + self.read(int.from_bytes(head[1:], "big"))


def ready(socket_type: str) -> bytes:
    value = socket_type.encode()
    body = b"\x05READY\x0bSocket-Type" + len(value).to_bytes(4, "big") + value
    return bytes([4, len(body)]) + body


def talk(
    socket_type: str,
    prepare: Callable[[zmq.Socket[bytes]], None],
    run: Callable[[Wire, zmq.Socket[bytes]], bytes],
) -> bytes:
    """Connect a libzmq socket to a plain one and return what `run` read."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        zmq.Context() as context,
        context.socket(getattr(zmq, socket_type)) as zmq_socket,
    ):
        zmq_socket.linger = 0
        prepare(zmq_socket)
        zmq_socket.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        with connection:
            return run(Wire(connection), zmq_socket)


def opening(wire: Wire, peer: str) -> bytes:
    wire.connection.sendall(GREETING + ready(peer))
    return wire.read(64) + wire.frame()


def save(name: str, what: str, data: bytes, by: str = "capture.py") -> None:
    text = [f"# {line}" for line in what.splitlines()]
    text += [f"# Captured from libzmq {zmq.zmq_version()} by {by}."]
    text += [data[at : at + 16].hex(" ") for at in range(0, len(data), 16)]
    (HERE / f"{name}.hex").write_text("\n".join(text) + "\n")


def nothing(_: zmq.Socket[bytes]) -> None:
    pass


def save_openings(peers: dict[str, str]) -> None:
    for socket_type, peer in peers.items():
        data = talk(socket_type, nothing, lambda wire, _, p=peer: opening(wire, p))
        save(f"{socket_type.lower()}", f"{socket_type}: greeting and READY.", data)


def save_name() -> None:
    def name_it(zmq_socket: zmq.Socket[bytes]) -> None:
        zmq_socket.routing_id = b"alice"

    data = talk("DEALER", name_it, lambda wire, _: opening(wire, "ROUTER"))
    save("dealer_alice", "DEALER with the routing id alice: greeting and READY.", data)


def save_message() -> None:
    def run(wire: Wire, zmq_socket: zmq.Socket[bytes]) -> bytes:
        data = opening(wire, "PULL")
        zmq_socket.send_multipart([b"hello", b"x" * 300])
        return data + wire.frame() + wire.frame()

    what = "PUSH: greeting, READY, and a message of 5 and 300 bytes."
    save("push_message", what, talk("PUSH", nothing, run))


def save_heartbeats() -> None:
    def beat(zmq_socket: zmq.Socket[bytes]) -> None:
        zmq_socket.heartbeat_ivl = 50
        zmq_socket.heartbeat_timeout = 60000
        zmq_socket.heartbeat_ttl = 6500

    def ping(wire: Wire, _: zmq.Socket[bytes]) -> bytes:
        opening(wire, "PAIR")
        return wire.frame()

    what = "PING with a TTL of 6.5 s, as a whole frame."
    save("ping", what, talk("PAIR", beat, ping))

    def pong(wire: Wire, _: zmq.Socket[bytes]) -> bytes:
        opening(wire, "PAIR")
        body = b"\x04PING\x00\x00" + b"0123456789abcdef"
        wire.connection.sendall(bytes([4, len(body)]) + body)
        return wire.frame()

    what = "PONG to a PING with the context 0123456789abcdef, as a whole frame."
    save("pong", what, talk("PAIR", nothing, pong))


def save_subscriptions() -> None:
    def run(wire: Wire, zmq_socket: zmq.Socket[bytes]) -> bytes:
        opening(wire, "PUB")
        zmq_socket.subscribe(b"topic")
        zmq_socket.unsubscribe(b"topic")
        return wire.frame() + wire.frame()

    what = "SUBSCRIBE and CANCEL of the topic, as whole frames."
    save("subscribe_cancel", what, talk("SUB", nothing, run))


def save_error() -> None:
    """NULL with a ZAP handler that refuses everybody."""
    with (
        zmq.Context() as context,
        context.socket(zmq.REP) as handler,
        context.socket(zmq.PULL) as server,
    ):
        handler.bind("inproc://zeromq.zap.01")
        server.zap_domain = b"test"
        port = server.bind_to_random_port("tcp://127.0.0.1")

        def refuse() -> None:
            request = handler.recv_multipart()
            handler.send_multipart([b"1.0", request[1], b"400", b"no", b"", b""])

        thread = threading.Thread(target=refuse)
        thread.start()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            data = opening(Wire(connection), "PUSH")
        thread.join()
    save("error_400", "PULL: greeting, and ERROR because ZAP said 400.", data)


def save_dialogue(dialogue: Dialogue) -> None:
    def prepare(zmq_socket: zmq.Socket[bytes]) -> None:
        for option, value in dialogue.options.items():
            setattr(zmq_socket, option, value)

    def run(wire: Wire, zmq_socket: zmq.Socket[bytes]) -> bytes:
        wire.connection.sendall(vector(dialogue.peer))
        data = read_opening(wire.read, dialogue.version)
        for act in dialogue.acts:
            act(zmq_socket)
            data += wire.rest()
        return data

    save(dialogue.name, dialogue.what, talk(dialogue.kind, prepare, run))


def save_drafts() -> None:
    save_openings(DRAFTS)
    for dialogue in DRAFT_DIALOGUES:
        save_dialogue(dialogue)


def save_all() -> None:
    save_openings(PEERS)
    save_name()
    save_message()
    save_heartbeats()
    save_subscriptions()
    save_error()
    for dialogue in DIALOGUES:
        save_dialogue(dialogue)


if __name__ == "__main__":
    if zmq.DRAFT_API:
        save_drafts()
    else:
        save_all()
