# SPDX-License-Identifier: Apache-2.0
"""Send objects in a format of your own, from a socket class of your own.

Prints::

    Point(x=1.5, y=-2.0)
    100000 numbers in less than 1000 bytes
"""

import array
import struct
import zlib
from typing import NamedTuple

import fastmq as zmq


class Point(NamedTuple):
    x: float
    y: float


def pack(point: Point) -> list[bytes]:
    return [b"point", struct.pack("!dd", *point)]


def unpack(parts: list[bytes]) -> Point:
    kind, body = parts
    assert kind == b"point"
    return Point(*struct.unpack("!dd", body))


class ZipSocket(zmq.Socket[bytes]):
    """A socket that also sends and receives compressed."""

    # What a class declares can be set; any other name is taken for an option.
    last_size: int = 0

    def send_zipped(self, body: bytes) -> None:
        zipped = zlib.compress(body)
        self.last_size = len(zipped)
        self.send(zipped)

    def recv_zipped(self) -> bytes:
        return zlib.decompress(self.recv())


def main() -> None:
    with (
        zmq.Context() as context,
        context.socket(zmq.PUSH, socket_class=ZipSocket) as push,
        context.socket(zmq.PULL, socket_class=ZipSocket) as pull,
    ):
        pull.bind("inproc://formats")
        push.connect("inproc://formats")

        push.send_serialized(Point(1.5, -2.0), pack)
        print(pull.recv_serialized(unpack))

        push.send_zipped(bytes(100_000))
        numbers = array.array("b", pull.recv_zipped())
        assert push.last_size < 1000
        print(len(numbers), "numbers in less than 1000 bytes")


if __name__ == "__main__":
    main()
