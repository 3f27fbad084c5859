# SPDX-License-Identifier: Apache-2.0
"""The vectors as bytes, and what a socket is made to say to the peers that they play.

capture.py has libzmq say it and writes it down; tests/patterns/test_vectors.py has both
libraries say it again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
SUBSCRIBE, UNSUBSCRIBE = 6, 7


def vector(name: str) -> bytes:
    """Return the bytes of a .hex file: pairs of digits, and # to the end of a line."""
    lines = (HERE / f"{name}.hex").read_text(encoding="ascii").splitlines()
    return bytes.fromhex(" ".join(line.partition("#")[0] for line in lines))


class Dialogue(NamedTuple):
    """A socket of a kind, the vector that plays its peer, and what it does then."""

    name: str
    what: str
    kind: str
    peer: str
    version: str
    options: dict[str, Any]
    acts: list[Callable[[Any], None]]  # the next when it has begun to say the last


def send_around(size: int) -> Callable[[Any], None]:
    """Send nothing, and bodies on either side of where a length takes 8 bytes."""

    def act(socket: Any) -> None:
        socket.send_multipart([b"", b"a" * size, b"b" * (size + 1)])

    return act


def set_option(option: int, value: bytes) -> Callable[[Any], None]:
    def act(socket: Any) -> None:
        socket.setsockopt(option, value)

    return act


def read_opening(read: Callable[[int], bytes], version: str) -> bytes:
    """Read the handshake of a socket that talks to a peer of this version."""
    if version == "1.0":
        said = read(10)
        return said + read(int.from_bytes(said[1:9], "big") - 1)
    said = read(14 if version == "2.0" else 66)
    return said + read(said[-1])


ME = {"routing_id": b"me"}
NAMED = "DEALER that calls itself me, to a peer of ZMTP"
SUBSCRIBING = "SUB to a peer of ZMTP"
TOPICS = "subscribes to ab and b and cancels b"
SUBSCRIPTIONS = [
    set_option(SUBSCRIBE, b"ab"),
    set_option(SUBSCRIBE, b"b"),
    set_option(UNSUBSCRIBE, b"b"),
]
DIALOGUES = [
    Dialogue(
        "dealer_1_0",
        f"{NAMED} 1.0: identity, and a message of 0, 253 and 254 bytes.",
        "DEALER",
        "peer_1_0",
        "1.0",
        ME,
        [send_around(253)],
    ),
    Dialogue(
        "dealer_2_0",
        f"{NAMED} 2.0: greeting, and a message of 0, 255 and 256 bytes.",
        "DEALER",
        "peer_2_0",
        "2.0",
        ME,
        [send_around(255)],
    ),
    Dialogue(
        "sub_1_0",
        f"{SUBSCRIBING} 1.0: identity; {TOPICS}.",
        "SUB",
        "peer_1_0",
        "1.0",
        {},
        SUBSCRIPTIONS,
    ),
    Dialogue(
        "sub_2_0",
        f"{SUBSCRIBING} 2.0: greeting; {TOPICS}.",
        "SUB",
        "peer_2_0",
        "2.0",
        {},
        SUBSCRIPTIONS,
    ),
    Dialogue(
        "sub_3_0",
        f"{SUBSCRIBING} 3.0: greeting, READY; {TOPICS}.",
        "SUB",
        "peer_pub_3_0",
        "3.0",
        {},
        SUBSCRIPTIONS,
    ),
    Dialogue(
        "sub_3_1",
        f"{SUBSCRIBING} 3.1: greeting, READY; {TOPICS}.",
        "SUB",
        "pub",
        "3.1",
        {},
        SUBSCRIPTIONS,
    ),
]


def join(group: bytes) -> Callable[[Any], None]:
    return lambda socket: socket.join(group)


def leave(group: bytes) -> Callable[[Any], None]:
    return lambda socket: socket.leave(group)


DRAFT_DIALOGUES = [
    Dialogue(
        "dish_groups",
        "DISH to a RADIO: greeting, READY; joins ab and the empty group, leaves ab.",
        "DISH",
        "radio",
        "3.1",
        {},
        [join(b"ab"), join(b""), leave(b"ab")],
    ),
]
