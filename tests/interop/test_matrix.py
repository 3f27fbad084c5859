# SPDX-License-Identifier: Apache-2.0
"""Every type, transport and role, ours and libzmq's, byte for byte."""

from __future__ import annotations

import pytest
from interop.content import N_EDGES
from interop.process import Peer

TALKS = [("PUSH", "send", "PULL", "recv"), ("PAIR", "send", "PAIR", "recv")]
TALKS += [("REQ", "ask", "REP", "answer"), ("PAIR", "ask", "PAIR", "answer")]


def name_talk(talk: tuple[str, str, str, str]) -> str:
    return f"{talk[0]} {talk[1]}"


@pytest.mark.parametrize("talk", TALKS, ids=name_talk)
@pytest.mark.parametrize("binder", ["sender binds", "receiver binds"])
def test_every_byte_arrives(
    libs: tuple[str, str],
    wildcard: str,
    talk: tuple[str, str, str, str],
    binder: str,
) -> None:
    common = {"content": "edges", "count": N_EDGES}
    left = libs[0], *talk[:2]
    right = libs[1], *talk[2:]
    first, second = (left, right) if binder == "sender binds" else (right, left)
    with Peer(
        first[0], first[2], wildcard, type=first[1], bind=True, **common
    ) as binding:
        endpoint = binding.expect("ready")[0]
        with Peer(
            second[0], second[2], endpoint, type=second[1], **common
        ) as connecting:
            receiver = connecting if binder == "sender binds" else binding
            sender = binding if binder == "sender binds" else connecting
            receiver.expect("got" if talk[3] == "recv" else "answered")
            sender.end()
            receiver.end("end")
