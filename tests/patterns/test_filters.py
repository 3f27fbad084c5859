# SPDX-License-Identifier: Apache-2.0
"""TCP_ACCEPT_FILTER and IPC_FILTER_*: who may connect, and who hears of a refusal."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest
from patterns.conftest import OURS, refuses
from patterns.rawpeer import connected
from patterns.watched import Watched

PORT = "tcp://127.0.0.1:*"
TCP_ACCEPT_FILTER, IPC_FILTER_PID, IPC_FILTER_UID, IPC_FILTER_GID = 38, 58, 59, 60


def last(made: Any) -> str:
    return made.getsockopt_string(32)


def is_taken(libs: tuple[str, str], world: Any, server: Watched, where: str) -> bool:
    """Connect, and return whether the listener takes the connection."""
    server.socket.bind(where)
    name, _, endpoint = server.next()
    assert name == "LISTENING"
    push = world.socket(libs[1], "PUSH", reconnect_ivl=100_000)
    push.connect(last(server.socket))
    push.send(b"are you there?")
    name, value, said = server.next()
    assert said == endpoint
    if name == "ACCEPTED":
        assert server.socket.recv() == b"are you there?"
        return True
    assert name == "ACCEPT_FAILED"
    assert libs[0] != OURS or value == errno.EACCES
    assert not server.socket.poll(50)
    return False


@pytest.mark.parametrize(
    ("filters", "is_ok"),
    [
        ([b"127.0.0.1"], True),
        ([b"127.0.0.1/32"], True),
        ([b"127.0.0.0/8"], True),
        ([b"10.0.0.0/8"], False),
        ([b"10.0.0.0/8", b"127.0.0.1/16"], True),
        ([b"0.0.0.0/0"], True),
        ([b"127.0.0.2"], False),
    ],
)
def test_networks(
    libs: tuple[str, str], world: Any, filters: list[bytes], is_ok: bool
) -> None:
    server = Watched(world, libs[0], "PULL")
    for text in filters:
        server.socket.setsockopt(TCP_ACCEPT_FILTER, text)
    assert is_taken(libs, world, server, PORT) == is_ok


def test_version_6(library: str, world: Any) -> None:
    server = Watched(world, library, "PULL", ipv6=1)
    server.socket.setsockopt(TCP_ACCEPT_FILTER, b"::1/128")
    client = world.socket(library, "PUSH", ipv6=1)
    try:
        server.socket.bind("tcp://[::1]:*")
    except Exception as error:
        pytest.skip(f"no IPv6 here: {error}")
    client.connect(last(server.socket))
    assert [server.next()[0] for _ in range(2)] == ["LISTENING", "ACCEPTED"]
    client.send(b"six")
    assert server.socket.recv() == b"six"


def test_a_version_4_peer_of_a_listener_for_both(world: Any) -> None:
    """Libzmq compares it with version 6 networks alone."""
    for text, is_ok in [(b"127.0.0.0/8", True), (b"::/0", True), (b"::1", False)]:
        server = Watched(world, OURS, "PULL", ipv6=1)
        server.socket.setsockopt(TCP_ACCEPT_FILTER, text)
        server.socket.bind("tcp://*:*")
        port = last(server.socket).rpartition(":")[2]
        assert server.next()[0] == "LISTENING"
        with connected(f"tcp://127.0.0.1:{port}"):
            name = server.next()[0]
        assert name == ("ACCEPTED" if is_ok else "ACCEPT_FAILED")


def test_a_listener_keeps_its_filters(library: str, world: Any) -> None:
    """What is set later, or cleared, is for the next bind."""
    libs = (library, library)
    server = Watched(world, library, "PULL")
    server.socket.setsockopt(TCP_ACCEPT_FILTER, b"10.0.0.0/8")
    server.socket.bind(PORT)
    refusing = last(server.socket)
    assert server.next()[0] == "LISTENING"
    if library == OURS:
        server.socket.set(TCP_ACCEPT_FILTER, None)
    else:
        server.socket.setsockopt(TCP_ACCEPT_FILTER, b"127.0.0.1")
    assert is_taken(libs, world, server, PORT)
    assert server.next()[0] == "HANDSHAKE_SUCCEEDED"
    with connected(refusing):
        assert server.next()[0] == "ACCEPT_FAILED"


@pytest.mark.parametrize("text", [b"", b"localhost", b"127.0.0.1/33", b"x" * 256])
def test_bad_networks(library: str, world: Any, text: bytes) -> None:
    pull = world.socket(library, "PULL")
    with refuses(errno.EINVAL):
        pull.setsockopt(TCP_ACCEPT_FILTER, text)


@pytest.mark.parametrize(
    ("option", "right", "wrong"),
    [
        (IPC_FILTER_PID, os.getpid(), 1),
        (IPC_FILTER_UID, os.getuid(), os.getuid() + 1),
        (IPC_FILTER_GID, os.getgid(), os.getgid() + 1_000_000),
    ],
    ids=["pid", "uid", "gid"],
)
def test_processes(
    libs: tuple[str, str], world: Any, folder: Any, option: int, right: int, wrong: int
) -> None:
    assert right != wrong
    for i, (ids, is_ok) in enumerate(
        [([right], True), ([wrong], False), ([wrong, right], True)]
    ):
        server = Watched(world, libs[0], "PULL")
        for one in ids:
            server.socket.setsockopt(option, one)
        # Of tcp they say nothing.
        server.socket.setsockopt(TCP_ACCEPT_FILTER, b"10.0.0.0/8")
        where = f"ipc://{folder}/{option}-{i}"
        assert is_taken(libs, world, server, where) == is_ok


def test_any_kind_of_entry_will_do(
    libs: tuple[str, str], world: Any, folder: Any
) -> None:
    server = Watched(world, libs[0], "PULL")
    server.socket.setsockopt(IPC_FILTER_UID, os.getuid() + 1)
    server.socket.setsockopt(IPC_FILTER_PID, os.getpid())
    assert is_taken(libs, world, server, f"ipc://{folder}/any")


@pytest.mark.skipif(not os.getgroups(), reason="no supplementary groups")
def test_supplementary_groups(world: Any, folder: Any) -> None:
    """Of the process that connects; libzmq looks its user up in the database."""
    for i, group in enumerate(os.getgroups()[:3]):
        server = Watched(world, OURS, "PULL")
        server.socket.setsockopt(IPC_FILTER_GID, group)
        assert is_taken((OURS, OURS), world, server, f"ipc://{folder}/{i}")


def test_bad_processes(world: Any) -> None:
    pull = world.socket(OURS, "PULL")
    for pid in (0, -1):
        with refuses(errno.EINVAL):
            pull.setsockopt(IPC_FILTER_PID, pid)
    with pytest.raises(TypeError):
        pull.setsockopt(IPC_FILTER_UID, b"root")
