# SPDX-License-Identifier: Apache-2.0
"""Who is measured side by side: libraries with pyzmq's names, and plain sockets."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHILD = Path(__file__).with_name("child.py")
SOCKETS = "socket"
CAPI = "libzmq.so.5"
"""No module: a program in C, by what it is linked with."""
PROBE_LIMIT_S = 30


@dataclass(frozen=True)
class Peer:
    name: str
    module: str
    python: str = sys.executable
    """The interpreter that its processes run in."""


@dataclass(frozen=True)
class Found:
    """What a peer's own interpreter says of it."""

    version: str = ""
    python: str = ""
    missing: str = ""
    """Why it cannot be measured, if it cannot."""


PEERS = {
    peer.name: peer
    for peer in (
        Peer("fastmq", "fastmq"),
        Peer("pyzmq", "zmq"),
        Peer("pyomq", "pyomq"),
        Peer("sockets", SOCKETS),
        Peer("libzmq-c", CAPI),
    )
}


def parse(text: str) -> Peer:
    """Return the peer that NAME or NAME=MODULE[@PYTHON] means.

    Raises:
        ValueError: It names neither a known peer nor a module.
    """
    name, has_module, place = text.partition("=")
    if not has_module:
        if name not in PEERS:
            raise ValueError(f"{name!r} is none of {', '.join(PEERS)}")
        return PEERS[name]
    module, _, python = place.partition("@")
    if not name or not module:
        raise ValueError(f"{text!r} is not NAME=MODULE or NAME=MODULE@PYTHON")
    return Peer(name, module, python or sys.executable)


def look(peer: Peer) -> Found:
    """Ask the peer's interpreter whether it has the module, and which version."""
    command = [peer.python, str(CHILD), "--probe", peer.module]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=PROBE_LIMIT_S,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Found(missing=str(error))
    try:
        return Found(**json.loads(done.stdout))
    except (ValueError, TypeError):
        return Found(missing=last_line(done.stderr) or f"exit status {done.returncode}")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
