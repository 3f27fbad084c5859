# SPDX-License-Identifier: Apache-2.0
"""Options of connections: what they do, by what the other end sees."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from patterns.conftest import OURS, refuses, until
from patterns.rawpeer import accept, connected, listening, message

PORT = "tcp://127.0.0.1:*"
RECONNECT_STOP, HELLO_MSG, DISCONNECT_MSG, HICCUP_MSG = 109, 110, 111, 114


def last(made: Any) -> str:
    return made.getsockopt_string(32)


# METADATA


def test_properties_of_ours(libs: tuple[str, str], world: Any) -> None:
    """Libzmq takes them in its stable builds, too."""
    pull = world.socket(libs[0], "PULL")
    pull.bind(PORT)
    push = world.socket(libs[1], "PUSH")
    push.setsockopt(95, b"X-colour:blue")
    push.setsockopt(95, b"X-size:12:34")
    push.setsockopt(95, b"X-colour:red")  # the first one counts
    push.connect(last(pull))
    push.send(b"hello")
    frame = pull.recv(copy=False)
    assert frame.get("X-colour") == "blue"
    assert frame.get("X-size") == "12:34"


def test_bad_properties(library: str, world: Any) -> None:
    push = world.socket(library, "PUSH")
    for bad in [
        b"colour:blue",
        b"X-colour",
        b"X-colour:",
        b":blue",
        b"X" * 300 + b":y",
    ]:
        with refuses(errno.EINVAL):
            push.setsockopt(95, bad)


# HELLO_MSG, DISCONNECT_MSG, HICCUP_MSG


@pytest.mark.parametrize("size", [0, 5, 300, 5000, 3_000_000])
def test_hello_comes_first(size: int, wildcard: str, world: Any) -> None:
    hello = bytes(i % 251 for i in range(1000)) * (size // 1000 + 1)
    hello = hello[:size]
    router = world.socket(OURS, "ROUTER")
    router.bind(wildcard)
    dealer = world.socket(OURS, "DEALER")
    dealer.setsockopt(HELLO_MSG, hello)
    dealer.connect(last(router))
    dealer.send(b"queued before there is a connection")
    _, first = router.recv_multipart()
    if size:
        assert first == hello
        _, first = router.recv_multipart()
    assert first == b"queued before there is a connection"


def test_hello_of_both_sides_and_every_connection(world: Any) -> None:
    dealer = world.socket(OURS, "DEALER", reconnect_ivl=1)
    dealer.setsockopt(HELLO_MSG, b"here I am")
    with listening() as (listener, endpoint):
        dealer.connect(endpoint)
        for _ in range(3):
            peer = accept(listener)
            with closing(peer.socket):
                peer.shake(b"ROUTER")
                assert peer.frame().body == b"here I am"
    router = world.socket("zmq", "ROUTER")
    other = world.socket(OURS, "ROUTER")
    other.setsockopt(HELLO_MSG, b"welcome")
    other.bind(PORT)
    router.connect(last(other))
    assert router.recv_multipart()[1] == b"welcome"


def test_hello_over_inproc(world: Any) -> None:
    for kind in ["connect", "bind"]:
        router = world.socket(OURS, "ROUTER")
        dealer = world.socket(OURS, "DEALER")
        speaker, listener = (dealer, router) if kind == "connect" else (router, dealer)
        speaker.setsockopt(HELLO_MSG, b"hello")
        router.bind(f"inproc://{kind}")
        dealer.connect(f"inproc://{kind}")
        assert listener.recv_multipart()[-1] == b"hello"


def test_who_has_no_hello(world: Any) -> None:
    pull = world.socket(OURS, "PULL")
    pull.bind(PORT)
    push = world.socket(OURS, "PUSH")
    push.setsockopt(HELLO_MSG, b"hello")
    push.connect(last(pull))
    push.send(b"x")
    assert pull.recv() == b"x"


@pytest.mark.parametrize("size", [7, 100_000])
def test_a_peer_that_has_gone(size: int, wildcard: str, world: Any) -> None:
    router = world.socket(OURS, "ROUTER")
    router.setsockopt(DISCONNECT_MSG, b"d" * size)
    router.bind(wildcard)
    with connected(last(router)) as peer:
        peer.shake(b"DEALER", Identity=b"peer")
        peer.send(message(b"hello") + b"\x01\x05part")
    assert router.recv_multipart() == [b"peer", b"hello"]
    assert router.recv_multipart() == [b"peer", b"d" * size]
    with connected(last(router)):
        pass  # no handshake, no disconnect
    assert not router.poll(50)


@pytest.mark.parametrize("how", ["close", "disconnect"])
@pytest.mark.parametrize("is_first", [True, False], ids=["bind", "connect"])
def test_a_peer_over_inproc_that_has_gone(how: str, is_first: bool, world: Any) -> None:
    """It is told whether the bind or the connect came first; the connecter is not."""
    router = world.socket(OURS, "ROUTER")
    router.setsockopt(DISCONNECT_MSG, b"gone")
    router.sndhwm = 5
    endpoint = "inproc://leaving"
    dealer = world.socket(OURS, "DEALER", sndhwm=5)
    dealer.setsockopt(5, b"peer")
    dealer.setsockopt(DISCONNECT_MSG, b"never said")
    if is_first:
        router.bind(endpoint)
    dealer.connect(endpoint)
    dealer.send(b"hello")
    if not is_first:
        router.bind(endpoint)
    assert router.recv_multipart() == [b"peer", b"hello"]
    router.send_multipart([b"peer", b"welcome"])
    assert dealer.recv() == b"welcome"
    for i in range(4):
        dealer.send_multipart([b"last", b"%d" % i])
    if how == "disconnect":
        dealer.disconnect(endpoint)
    else:
        dealer.close()
    for i in range(4):
        assert router.recv_multipart() == [b"peer", b"last", b"%d" % i]
    assert router.recv_multipart() == [b"peer", b"gone"]
    assert not router.poll(20)


def test_a_binder_over_inproc_that_has_gone(world: Any) -> None:
    router = world.socket(OURS, "ROUTER")
    router.setsockopt(DISCONNECT_MSG, b"gone")
    router.bind("inproc://binder")
    dealer = world.socket(OURS, "DEALER")
    dealer.setsockopt(HICCUP_MSG, b"not over inproc")
    dealer.connect("inproc://binder")
    dealer.send(b"hello")
    assert router.recv_multipart()[1] == b"hello"
    router.close()
    assert not dealer.poll(20)


def test_a_binder_that_has_gone(world: Any) -> None:
    dealer = world.socket(OURS, "DEALER", reconnect_ivl=1)
    dealer.setsockopt(HICCUP_MSG, b"hiccup")
    with listening() as (listener, endpoint):
        dealer.connect(endpoint)
        for _ in range(2):
            peer = accept(listener)
            with closing(peer.socket):
                peer.shake(b"ROUTER")
                peer.send(message(b"hello"))
                assert dealer.recv() == b"hello"
            assert dealer.recv() == b"hiccup"


# RECONNECT_STOP


def test_stop_when_refused(world: Any) -> None:
    push = world.socket(OURS, "PUSH", reconnect_ivl=1)
    push.setsockopt(RECONNECT_STOP, 1)
    monitor = push.get_monitor_socket()
    world.sockets.append(monitor)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        push.connect(f"tcp://127.0.0.1:{free.getsockname()[1]}")
        names = [monitor.recv_multipart()[0][0] for _ in range(2)]
        assert names == [0x02, 0x80]  # CONNECT_DELAYED, CLOSED
        assert not monitor.poll(50)


@pytest.mark.parametrize(("mask", "shakes"), [(2, False), (4, True)])
def test_stop_after_a_connection(mask: int, shakes: bool, world: Any) -> None:
    push = world.socket(OURS, "PUSH", reconnect_ivl=1)
    push.setsockopt(RECONNECT_STOP, mask)
    with listening() as (listener, endpoint):
        push.connect(endpoint)
        for does_shake in [not shakes, shakes]:
            peer = accept(listener)
            with closing(peer.socket):
                if does_shake:
                    peer.shake(b"PULL")
                    push.send(b"x")
                    peer.frame()
        listener.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listener.accept()


# USE_FD, and what goes to the kernel


def test_a_descriptor_of_ours(
    library: str, transport: str, folder: Path, world: Any
) -> None:
    if transport == "tcp":
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        endpoint = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    else:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / "given"))
        endpoint = f"ipc://{folder}/given"
    listener.listen()
    pull = world.socket(library, "PULL")
    pull.use_fd = listener.detach()
    pull.bind(endpoint)
    assert last(pull) == endpoint
    push = world.socket("zmq", "PUSH")
    push.connect(endpoint)
    push.send(b"x")
    assert pull.recv() == b"x"


def test_a_descriptor_is_for_one_bind(world: Any) -> None:
    pull = world.socket(OURS, "PULL")
    with closing(socket.socket()) as not_listening:
        pull.use_fd = not_listening.fileno()
        with refuses(errno.EINVAL):
            pull.bind(PORT)
        assert pull.use_fd == -1
        not_listening.getsockname()  # it is open still
    pull.use_fd = 1 << 20
    with refuses(errno.EBADF):
        pull.bind(PORT)
    pull.bind(PORT)


def descriptors() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/fd")}


def test_priority_reaches_the_kernel(world: Any) -> None:
    pull = world.socket(OURS, "PULL")
    pull.bind("tcp://127.0.0.1:*")
    push = world.socket(OURS, "PUSH")
    push.setsockopt(112, 3)  # PRIORITY
    push.connect(last(pull))
    push.send(b"x")
    frame = pull.recv(copy=False)
    assert frame.bytes == b"x"
    assert 3 in [made.getsockopt(socket.SOL_SOCKET, 12) for made in tcp_sockets()]


def tcp_sockets() -> Iterator[socket.socket]:
    """Yield each TCP socket of the process, open for as long as it is looked at."""
    for number in descriptors():
        try:
            copy = os.dup(number)
        except OSError:  # gone meanwhile
            continue
        try:
            made = socket.socket(fileno=copy)
        except OSError:  # no socket
            os.close(copy)
            continue
        with made:
            if made.type == socket.SOCK_STREAM and made.family == socket.AF_INET:
                yield made


def control_of(made: socket.socket) -> bytes:
    value = made.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return value.rstrip(b"\0")


@pytest.mark.parametrize("preset", [None, 1, 0])
def test_loopback_is_not_paced(preset: int | None, world: Any) -> None:
    with closing(socket.socket()) as listener:
        try:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"bbr")
        except OSError:
            pytest.skip("the kernel has no BBR here")
        listener.bind(("", 0))  # at all addresses
        port = listener.getsockname()[1]
        listener.listen()
        pull = world.socket(OURS, "PULL")
        pull.use_fd = listener.detach()
    if preset is not None:
        pull.loopback_fastpath = preset
    assert pull.loopback_fastpath == (preset if preset is not None else 1)
    pull.bind(f"tcp://*:{port}")
    with connected(f"tcp://127.0.0.1:{port}") as peer:
        peer.shake(b"PUSH")
        peer.send(message(b"x"))
        assert pull.recv() == b"x"
        ours = [
            control_of(made)
            for made in tcp_sockets()
            if made.getsockname()[1] == port and not is_listening(made)
        ]
    assert ours == [b"bbr" if preset == 0 else b"reno"]


def is_listening(made: socket.socket) -> bool:
    return bool(made.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def test_a_device_that_is_not_there(world: Any) -> None:
    pull = world.socket(OURS, "PULL")
    pull.setsockopt(92, b"fmq-nothing")
    assert pull.getsockopt(92) == b"fmq-nothing"
    with refuses(errno.ENODEV):
        pull.bind(PORT)
    pull.setsockopt(92, b"lo")
    pull.bind(PORT)
    push = world.socket(OURS, "PUSH")
    push.setsockopt(92, b"lo")
    push.connect(last(pull))
    push.send(b"x")
    assert pull.recv() == b"x"
    with refuses(errno.EINVAL):
        push.setsockopt(92, b"x" * 17)


# Kept, and told

KEPT = {
    "RATE": (8, 100, [1, 5000], [0, -1]),
    "RECOVERY_IVL": (9, 10000, [0, 5], [-1]),
    "MULTICAST_HOPS": (25, 1, [1, 255], [0, -1]),
    "MULTICAST_MAXTPDU": (84, 1500, [1, 9000], [0, -1]),
}


@pytest.mark.parametrize("name", KEPT)
def test_kept(library: str, name: str, world: Any) -> None:
    number, preset, good, bad = KEPT[name]
    push = world.socket(library, "PUSH")
    assert push.getsockopt(number) == preset
    for value in good:
        push.setsockopt(number, value)
        assert push.getsockopt(number) == value
    for value in bad:
        with refuses(errno.EINVAL):
            push.setsockopt(number, value)


def test_the_same_program(
    libs: tuple[str, str], fresh: Callable[[str], str], world: Any
) -> None:
    """All of them at once change nothing of what arrives."""
    options = {"tos": 16, "backlog": 5, "tcp_maxrt": 30000, "sndbuf": 20000}
    pull = world.socket(libs[0], "PULL", **options)
    pull.bind(fresh("tcp"))
    push = world.socket(libs[1], "PUSH", **options)
    push.connect(last(pull))
    for i in range(1000):
        push.send_multipart([b"%d" % i, bytes(i)])
    for i in range(1000):
        assert pull.recv_multipart() == [b"%d" % i, bytes(i)]
    until(lambda: not pull.poll(0))
