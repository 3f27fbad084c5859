# SPDX-License-Identifier: Apache-2.0
"""Options of each type: they begin, are taken and read as in libzmq."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import pytest
import zmq
from interop.conftest import OURS

TYPES = "PAIR PUB SUB REQ REP DEALER ROUTER PULL PUSH XPUB XSUB STREAM"
# With a pyzmq on the path whose libzmq has them; others end the process.
DRAFTS = "SERVER CLIENT RADIO DISH GATHER SCATTER PEER CHANNEL"
KINDS = [*TYPES.split(), *(DRAFTS.split() if zmq.DRAFT_API else [])]

# Numbers that libzmq handles without drafts, also where it does not declare them. Not:
# 14 (FD), 32 (LAST_ENDPOINT), 47 to 50 and 62 to 65 (CURVE and GSSAPI: what was built).
NUMBERS = """
4 8 9 11 12 13 15 16 17 18 19 21 22 23 24 25 27 28 31 33 34 35 36 37 39 40 42 43
44 51 52 53 54 56 57 66 69 71 73 74 75 76 77 78 79 80 81 84 89 93 94 96 98 108
109 116
"""
TEXTS = (5, 6, 7, 45, 46, 55, 61, 72, 95, 99, 100)
WIDE = (4, 22)

LEAST, MOST = -(2**31), 2**31 - 1
VALUES = [LEAST, *range(-101, -97), *range(-2, 5), 99, 100, 255, 6553599, 6553600, MOST]
# Texts of 255 bytes pyzmq cannot read.
NAMES = (b"", b"x", b"\0", b"X-name:value", b"X-name", b"x" * 254)
TOO_LONG = b"x" * 256
PRESETS = {94: 1}  # LOOPBACK_FASTPATH: with libzmq it is for Windows alone, and off
TAKES_LONG = (61,)  # libzmq takes what no peer can be called; here it is refused


def attempt(call: Any, *args: Any) -> Any:
    try:
        return call(*args)
    except Exception as error:
        return type(error).__name__, getattr(error, "errno", None)


def answers(zmq: Any, kind: str, number: int, values: Iterable[Any]) -> list[Any]:
    with zmq.Context() as context, context.socket(getattr(zmq, kind)) as socket:
        made = [attempt(socket.getsockopt, number)]
        for value in values:
            made.append((value, attempt(socket.setsockopt, number, value)))
            made.append(attempt(socket.getsockopt, number))
        return made


@pytest.mark.parametrize("kind", KINDS)
def test_numbers(kind: str) -> None:
    libraries = [importlib.import_module(name) for name in (OURS, "zmq")]
    for number in map(int, NUMBERS.split()):
        values = VALUES + ([2**40, -(2**40)] if number in WIDE else [])
        ours, theirs = (answers(zmq, kind, number, values) for zmq in libraries)
        assert ours == [PRESETS.get(number, theirs[0]), *theirs[1:]], number


@pytest.mark.parametrize("kind", KINDS)
def test_names(kind: str) -> None:
    libraries = [importlib.import_module(name) for name in (OURS, "zmq")]
    for number in TEXTS:
        values = NAMES if number in TAKES_LONG else (*NAMES, TOO_LONG)
        ours, theirs = (answers(zmq, kind, number, values) for zmq in libraries)
        assert ours == theirs, number
