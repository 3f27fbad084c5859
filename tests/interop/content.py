# SPDX-License-Identifier: Apache-2.0
"""Messages that both ends can compute: what was sent is known byte for byte.

Message `i` of a seed is the same in every process, so a receiver compares with what it
computes itself and needs no digest from the sender.
"""

from __future__ import annotations

import hashlib
import random
import struct

MiB = 1 << 20
# Around the borders of the wire's short frames, of inline bodies and of read buffers.
EDGES = [0, 1, 2, 31, 32, 33, 63, 64, 254, 255, 256, 257, 4095, 4096, 4097, 8191, 8192]
EDGES += [65535, 65536, 65537, MiB - 1, MiB]
STAMP = struct.Struct("!QQ")  # sequence number, digest of the other frames
STREAM_BITS = 32  # of a number; what is above them says which stream it is of


class Content:
    """The messages of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.pool = random.Random(seed).randbytes(4 * MiB + 65536)

    def frame(self, i: int, size: int) -> bytes:
        start = (i * 7919 + size * 31) & 0xFFFF
        return self.pool[start : start + size]

    def mixed(self, i: int) -> list[bytes]:
        """Return a message of a stream: most are small, a few have 4 MiB."""
        if i % 10000 == 5001:
            return [self.frame(i, 4 * MiB)]
        if i % 2500 == 49:
            return [self.frame(i + k, k * 3) for k in range(100)]
        if i % 97 == 5:
            return [self.frame(i, EDGES[i // 97 % len(EDGES)])]
        dice = (i * 2654435761 + self.seed) & 0xFFFFFFFF
        kind, size = dice >> 24, dice & 0xFFFFFF
        if kind < 180:
            return [self.frame(i, size & 0xFF)]
        if kind < 220:
            return [self.frame(i, size & 0xFFF)]
        if kind < 252:
            n = 2 + (size & 3)
            return [self.frame(i + k, (size >> k) & 0x7F) for k in range(n)]
        return [self.frame(i, size & 0xFFFF)]

    def edges(self, i: int) -> list[bytes]:
        """Return a message of a short run that meets every border once."""
        if i < len(EDGES):
            return [self.frame(i, EDGES[i])]
        i -= len(EDGES)
        if i == 0:
            return [self.frame(i, 4 * MiB)]
        if i == 1:
            return [b""] * 100
        if i == 2:
            return [self.frame(k, EDGES[k % 19]) for k in range(100)]
        if i == 3:
            return [b"", self.frame(i, MiB), b""]
        return [self.frame(i + k, (i * 37 + k * 11) % 600) for k in range(1 + i % 7)]

    def stamped(self, i: int, size: int) -> list[bytes]:
        """Return a message that says itself which it is, and is seen to be whole."""
        frames = [self.frame(i, size), self.frame(i + 1, i % 300)]
        return [STAMP.pack(i, digest(frames)), *frames]


N_EDGES = len(EDGES) + 4 + 20


def digest(frames: list[bytes]) -> int:
    h = hashlib.blake2b(digest_size=8)
    for frame in frames:
        h.update(frame)
    return int.from_bytes(h.digest(), "big")


def read_stamp(frames: list[bytes]) -> int:
    """Return the number of a stamped message, having checked that it is whole."""
    assert len(frames) == 3, f"torn: {len(frames)} frames"
    i, expected = STAMP.unpack(frames[0])
    assert len(frames[2]) == i % 300, f"torn: message {i}"
    assert digest(frames[1:]) == expected, f"torn: message {i}"
    return i


def stream_of(i: int) -> int:
    """Return which stream a number is of: each begins at a multiple of 2^32."""
    return i >> STREAM_BITS
