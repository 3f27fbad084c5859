# SPDX-License-Identifier: Apache-2.0
"""Record a CURVE handshake of libzmq whose keys and nonces are known.

The libsodium of pyzmq's wheel takes another source of random bytes: here each request
is answered with one byte value, the next one for the next request. So what libzmq says
is the same each time, and another implementation that is given the same numbers has to
say the same. Run in the folder above this one: python -m vectors.capture_curve.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import socket
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import zmq
from vectors.capture import save
from zmq.utils import z85

CLIENT_SECRET, SERVER_SECRET = bytes([0x31]) * 32, bytes([0x32]) * 32
CLIENT_RANDOM, SERVER_RANDOM = 0x10, 0x20  # libsodium takes the first ones itself
MESSAGE = [b"hello", b"x" * 300]
WHAT = """\
DEALER under CURVE, the {}, with a message of 5 and 300 bytes.
The long-term secret keys are 31 31 ... of the client and 32 32 ... of the server; the
random numbers of this side, one byte value each:
{}."""
CLIENT = "11 c', 12 the vouch's nonce"
SERVER = "21 s', 22 the cookie's nonce, 23 its key, 24 WELCOME's nonce"


class Source(ctypes.Structure):
    """libsodium's randombytes_implementation."""

    _fields_ = (
        ("name", ctypes.CFUNCTYPE(ctypes.c_char_p)),
        ("random", ctypes.CFUNCTYPE(ctypes.c_uint32)),
        ("stir", ctypes.CFUNCTYPE(None)),
        ("uniform", ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)),
        ("buf", ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t)),
        ("close", ctypes.CFUNCTYPE(ctypes.c_int)),
    )


def count_from(first: int) -> Source:
    """Have libsodium answer the first request with `first` in every byte, and so on."""
    wheel = Path(zmq.__file__).parent.parent / "pyzmq.libs"
    (path,) = wheel.glob("libsodium*")
    values = iter(range(first, 256))

    def fill(p: int, n: int) -> None:
        ctypes.memset(p, next(values), n)

    kinds = dict(Source._fields_)
    source = Source(
        kinds["name"](lambda: b"counted"),
        kinds["random"](lambda: next(values)),
        kinds["stir"](lambda: None),
        kinds["uniform"](lambda _: next(values)),
        kinds["buf"](fill),
        kinds["close"](lambda: 0),
    )
    assert (
        ctypes.CDLL(str(path)).randombytes_set_implementation(ctypes.byref(source)) == 0
    )
    return source


def run_client(port: Connection) -> None:
    source = count_from(CLIENT_RANDOM)
    with zmq.Context() as context, context.socket(zmq.DEALER) as client:
        client.curve_secretkey = CLIENT_SECRET
        client.curve_publickey = z85.decode(zmq.curve_public(z85.encode(CLIENT_SECRET)))
        client.curve_serverkey = z85.decode(zmq.curve_public(z85.encode(SERVER_SECRET)))
        client.connect(f"tcp://127.0.0.1:{port.recv()}")
        client.send_multipart(MESSAGE)
        client.recv_multipart()
        port.send(None)
        port.recv()
    del source


def run_server(port: Connection) -> None:
    source = count_from(SERVER_RANDOM)
    with zmq.Context() as context, context.socket(zmq.DEALER) as server:
        server.curve_server = 1
        server.curve_secretkey = SERVER_SECRET
        port.send(server.bind_to_random_port("tcp://127.0.0.1"))
        server.send_multipart(server.recv_multipart())
        port.recv()
    del source


def pump(source: socket.socket, to: socket.socket, said: bytearray) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            said += part
            to.sendall(part)


def start(target: Callable[[Connection], None]) -> Connection:
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.get_context("spawn").Process(target=target, args=(theirs,)).start()
    return ours


def main() -> None:
    server = start(run_server)
    client = start(run_client)
    said = bytearray(), bytearray()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client.send(listener.getsockname()[1])
        near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", server.recv()))
    ways = [(near, far, said[0]), (far, near, said[1])]
    threads = [threading.Thread(target=pump, args=way, daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    client.recv()
    for end in (client, server):
        end.send(None)
    for role, numbers, data in [
        ("client", CLIENT, said[0]),
        ("server", SERVER, said[1]),
    ]:
        what = WHAT.format(role, numbers)
        save(f"curve_{role}", what, bytes(data), "capture_curve.py")


if __name__ == "__main__":
    main()
