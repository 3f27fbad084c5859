# SPDX-License-Identifier: Apache-2.0
"""STREAM and ROUTER_RAW: bytes to and from peers that know nothing of ZMTP.

Their peers here are plain sockets, and STREAM itself.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from patterns.conftest import OURS, refuses, until

KINDS = ["STREAM", "ROUTER"]
PORT = "tcp://127.0.0.1:*"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def last(stream: Any) -> str:
    return stream.getsockopt_string(32)


def make(world: Any, library: str, kind: str = "STREAM", **options: Any) -> Any:
    made = world.socket(library, kind)
    if kind == "ROUTER":
        made.router_raw = 1
    for name, value in options.items():
        setattr(made, name, value)
    return made


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(20)
        yield listener, f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def accept(listener: socket.socket) -> socket.socket:
    peer, _ = listener.accept()
    peer.settimeout(20)
    return peer


def dial(endpoint: str) -> socket.socket:
    if endpoint.startswith("ipc://"):
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(endpoint.removeprefix("ipc://"))
    else:
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        peer = socket.create_connection((host, int(port)))
    peer.settimeout(20)
    return peer


def read_exactly(peer: socket.socket, n: int) -> bytes:
    parts = []
    while n > 0:
        part = peer.recv(min(n, 1 << 16))
        assert part, "the end came too soon"
        parts.append(part)
        n -= len(part)
    return b"".join(parts)


def read_all(peer: socket.socket) -> bytes:
    return b"".join(iter(lambda: peer.recv(1 << 16), b""))


def take(stream: Any, name: bytes, n: int) -> bytes:
    """Take `n` bytes that came from `name`, in messages of at least one."""
    got = b""
    while len(got) < n:
        who, data = stream.recv_multipart()
        assert who == name
        assert data
        got += data
    assert len(got) == n
    return got


def await_end(stream: Any, peer: socket.socket) -> None:
    """Wait for the end of a connection; libzmq ends it when the socket is used."""
    peer.settimeout(0.01)

    def is_over() -> bool:
        stream.poll(10)
        try:
            return peer.recv(1) == b""
        except TimeoutError:
            return False

    until(is_over)


def pattern(n: int) -> bytes:
    return bytes(i * i % 251 for i in range(4099)) * (n // 4099 + 1)


def test_bytes_in_and_out(library: str, kind: str, wildcard: str, world: Any) -> None:
    stream = make(world, library, kind)
    stream.bind(wildcard)
    with closing(dial(last(stream))) as peer:
        name, nothing = stream.recv_multipart()
        assert nothing == b""
        assert len(name) == 5
        assert name[0] == 0
        peer.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert take(stream, name, 18) == b"GET / HTTP/1.0\r\n\r\n"
        stream.send_multipart([name, b"HTTP/1.0 200 OK\r\n\r\nhello"])
        assert read_exactly(peer, 24) == b"HTTP/1.0 200 OK\r\n\r\nhello"
    assert stream.recv_multipart() == [name, b""]


def test_an_empty_message_ends_the_connection(
    library: str, kind: str, wildcard: str, world: Any
) -> None:
    stream = make(world, library, kind)
    stream.bind(wildcard)
    with closing(dial(last(stream))) as peer:
        name, _ = stream.recv_multipart()
        stream.send_multipart([name, b"last words"])
        assert read_exactly(peer, 10) == b"last words"
        stream.send_multipart([name, b""])
        await_end(stream, peer)
        if kind == "STREAM":
            with refuses(errno.EHOSTUNREACH):
                stream.send_multipart([name, b"too late"])
        else:
            stream.send_multipart([name, b"too late"])
    assert not stream.poll(50)  # no word of an end that we made


def test_what_was_sent_before_the_end_arrives(
    kind: str, wildcard: str, world: Any
) -> None:
    """Libzmq drops what is queued then."""
    content = pattern(3_000_000)
    stream = make(world, OURS, kind)
    stream.bind(wildcard)
    with closing(dial(last(stream))) as peer:
        name, _ = stream.recv_multipart()
        for at in range(0, len(content), 100_000):
            stream.send_multipart([name, content[at : at + 100_000]])
        stream.send_multipart([name, b""])
        assert read_all(peer) == content


def test_much_in_both_directions(
    library: str, kind: str, wildcard: str, world: Any
) -> None:
    content = pattern(5_000_000)
    stream = make(world, library, kind)
    stream.bind(wildcard)
    with closing(dial(last(stream))) as peer:
        name, _ = stream.recv_multipart()
        sender = threading.Thread(target=peer.sendall, args=(content,))
        sender.start()
        got = take(stream, name, len(content))
        sender.join()
        assert got == content
        back = []
        reader = threading.Thread(
            target=lambda: back.append(read_exactly(peer, len(content)))
        )
        reader.start()
        sizes = [1, 255, 256, 4096, 4097, 70_000, 300_000]
        at = 0
        for i in range(len(content)):
            if at >= len(content):
                break
            size = sizes[i % len(sizes)]
            stream.send_multipart([name, content[at : at + size]])
            at += size
        reader.join()
        assert back == [content]


def test_one_read_is_at_most_8_kib(library: str, kind: str, world: Any) -> None:
    stream = make(world, library, kind)
    stream.bind(PORT)
    with closing(dial(last(stream))) as peer:
        name, _ = stream.recv_multipart()
        peer.sendall(bytes(100_000))
        left = 100_000
        while left:
            who, data = stream.recv_multipart()
            assert who == name
            assert 0 < len(data) <= 8192
            left -= len(data)


def test_the_connecting_end(library: str, world: Any) -> None:
    stream = make(world, library)
    assert stream.routing_id == b""
    with listening() as (listener, endpoint):
        stream.connect(endpoint)
        name = stream.routing_id
        assert len(name) == 5
        for turn in range(3):  # the same name over all connections
            with closing(accept(listener)) as peer:
                assert stream.recv_multipart() == [name, b""]
                peer.sendall(b"hello %d" % turn)
                assert take(stream, name, 7) == b"hello %d" % turn
                stream.send_multipart([name, b"and you"])
                assert read_exactly(peer, 7) == b"and you"
            assert stream.recv_multipart() == [name, b""]


def test_the_connecting_end_gives_up(library: str, world: Any) -> None:
    stream = make(world, library, reconnect_ivl=1)
    with listening() as (listener, endpoint):
        stream.connect(endpoint)
        name = stream.routing_id
        with closing(accept(listener)) as peer:
            assert stream.recv_multipart() == [name, b""]
            stream.send_multipart([name, b""])
            await_end(stream, peer)
        with refuses(errno.EHOSTUNREACH):
            stream.send_multipart([name, b"x"])
        listener.settimeout(0.2)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_what_is_sent_before_there_is_a_connection(library: str, world: Any) -> None:
    stream = make(world, library, reconnect_ivl=10)
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        stream.setsockopt(61, b"the server")  # CONNECT_ROUTING_ID
        stream.connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
        stream.send_multipart([b"the server", b"first "])
        stream.send_multipart([b"the server", b"second"])
        listener.listen()
        listener.settimeout(20)
        with closing(accept(listener)) as peer:
            assert read_exactly(peer, 12) == b"first second"
            peer.sendall(b"yes")
            assert stream.recv_multipart() == [b"the server", b""]
            assert take(stream, b"the server", 3) == b"yes"


def test_a_stream_to_a_stream(libs: tuple[str, str], wildcard: str, world: Any) -> None:
    server = make(world, libs[0])
    server.bind(wildcard)
    client = make(world, libs[1])
    client.connect(last(server))
    there, _ = client.recv_multipart()
    here, _ = server.recv_multipart()
    content = pattern(1_000_000)
    client.send_multipart([there, content])
    assert take(server, here, len(content)) == content
    server.send_multipart([here, content])
    assert take(client, there, len(content)) == content
    client.close(linger=0)
    assert server.recv_multipart() == [here, b""]


def test_a_stream_to_a_zmtp_peer(libs: tuple[str, str], world: Any) -> None:
    """What a ZMTP peer says first is a signature, and it takes nothing else."""
    stream = make(world, libs[0])
    stream.bind(PORT)
    other = world.socket(libs[1], "DEALER")
    other.connect(last(stream))
    name, _ = stream.recv_multipart()
    assert take(stream, name, 10)[0] == 0xFF


@pytest.mark.parametrize("value", [0, 1])
def test_notify(library: str, value: int, world: Any) -> None:
    stream = make(world, library, stream_notify=value)
    stream.bind(PORT)
    with closing(dial(last(stream))) as peer:
        peer.sendall(b"x")
        if value:
            assert stream.recv_multipart()[1] == b""
        name, data = stream.recv_multipart()
        assert data == b"x"
    if value:
        assert stream.recv_multipart() == [name, b""]
    else:
        until(lambda: error_of_sending(stream, name) == errno.EHOSTUNREACH)
        assert not stream.poll(0)


def error_of_sending(stream: Any, name: bytes) -> int:
    try:
        stream.send_multipart([name, b"x"], 1)  # DONTWAIT
    except Exception as error:
        stream.poll(5)
        return int(getattr(error, "errno", -1))
    return 0


def test_who_is_not_there(library: str, world: Any) -> None:
    stream = make(world, library)
    stream.bind(PORT)
    with refuses(errno.EHOSTUNREACH):
        stream.send_multipart([b"nobody", b"x"])
    with refuses(errno.EHOSTUNREACH):
        stream.send(b"nobody", 2)  # SNDMORE
    router = make(world, library, "ROUTER")
    router.bind(PORT)
    router.send_multipart([b"nobody", b"x"])
    assert stream.poll(0, 2) == 2  # POLLOUT, whoever is meant


def test_a_peer_that_does_not_read(library: str, world: Any) -> None:
    stream = make(world, library, sndhwm=5, sndbuf=8192)
    stream.bind(PORT)
    with closing(dial(last(stream))) as peer:
        name, _ = stream.recv_multipart()
        n_sent = 0
        with refuses(errno.EAGAIN):
            for _ in range(10_000):
                stream.send_multipart([name, bytes(50_000)], 1)  # DONTWAIT
                n_sent += 1
        read_exactly(peer, n_sent * 50_000)
        until(lambda: error_of_sending(stream, name) == 0)


def test_a_socket_that_does_not_receive(library: str, world: Any) -> None:
    """The peer is held up, and nothing is lost."""
    content = pattern(20_000_000)[:20_000_000]
    stream = make(world, library, rcvhwm=3, rcvbuf=8192)
    stream.bind(PORT)
    with closing(dial(last(stream))) as peer:
        name, _ = stream.recv_multipart()
        peer.setblocking(False)
        n_sent = 0
        with pytest.raises(BlockingIOError):
            while n_sent < len(content):
                n_sent += peer.send(content[n_sent : n_sent + 65536])
        _, got = stream.recv_multipart()
        peer.setblocking(True)
        sender = threading.Thread(target=peer.sendall, args=(content[n_sent:],))
        sender.start()
        got += take(stream, name, len(content) - len(got))
        assert got == content
        sender.join()


def test_what_came_before_the_end_is_read(library: str, kind: str, world: Any) -> None:
    stream = make(world, library, kind)
    stream.bind(PORT)
    content = pattern(100_000)[:100_000]
    with closing(dial(last(stream))) as peer:
        peer.sendall(content)
    name, _ = stream.recv_multipart()
    assert take(stream, name, len(content)) == content
    assert stream.recv_multipart() == [name, b""]


def test_a_reset(library: str, kind: str, world: Any) -> None:
    stream = make(world, library, kind)
    stream.bind(PORT)
    peer = dial(last(stream))
    name, _ = stream.recv_multipart()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    assert stream.recv_multipart() == [name, b""]


def test_many_peers(library: str, kind: str, world: Any) -> None:
    stream = make(world, library, kind)
    stream.bind(PORT)
    peers = [dial(last(stream)) for _ in range(100)]
    names = set()
    while len(names) < 100:
        name, nothing = stream.recv_multipart()
        assert nothing == b""
        names.add(name)
    for i, peer in enumerate(peers):
        peer.sendall(b"%03d" % i)
    who = {}
    while len(who) < 100:
        name, data = stream.recv_multipart()
        who[name] = data
        stream.send_multipart([name, b"you are " + data])
    assert set(who) == names
    for i, peer in enumerate(peers):
        assert read_exactly(peer, 11) == b"you are %03d" % i
        peer.close()
    ended = {stream.recv_multipart()[0] for _ in range(100)}
    assert ended == names


def test_properties(library: str, world: Any) -> None:
    stream = make(world, library)
    stream.bind(PORT)
    with closing(dial(last(stream))) as peer:
        stream.recv_multipart()
        peer.sendall(b"x")
        for frame in stream.recv_multipart(copy=False):
            assert frame.get("Peer-Address") == "127.0.0.1"
            for name in ["Socket-Type", "Identity"]:
                with refuses(errno.EINVAL):
                    frame.get(name)


def test_inproc(library: str, world: Any) -> None:
    server = make(world, library)
    client = make(world, library)
    server.bind("inproc://streams")
    client.connect("inproc://streams")
    client.send_multipart([client.routing_id, b"hello"])
    name, data = server.recv_multipart()
    assert data == b"hello"
    server.send_multipart([name, b"and you"])
    assert client.recv_multipart() == [client.routing_id, b"and you"]


def test_several_parts_of_a_router(world: Any) -> None:
    """Libzmq loses all but the first."""
    router = make(world, OURS, "ROUTER")
    router.bind(PORT)
    with closing(dial(last(router))) as peer:
        name, _ = router.recv_multipart()
        router.send_multipart([name, b"one ", b"two ", b"three"])
        assert read_exactly(peer, 13) == b"one two three"


def test_several_parts_of_a_stream(world: Any) -> None:
    """Libzmq takes the third for the next address; here it is more of the same."""
    stream = make(world, OURS)
    stream.bind(PORT)
    with closing(dial(last(stream))) as peer:
        name, _ = stream.recv_multipart()
        stream.send_multipart([name, b"one ", b"", b"two ", bytes(5000), b""])
        assert read_all(peer) == b"one two " + bytes(5000)


def test_an_address_alone(world: Any) -> None:
    """Libzmq takes the next message for its body."""
    stream = make(world, OURS)
    stream.bind(PORT)
    with closing(dial(last(stream))) as peer:
        name, _ = stream.recv_multipart()
        stream.send(name)
        stream.send_multipart([name, b"hello"])
        assert read_exactly(peer, 5) == b"hello"


def test_a_name_that_is_taken(world: Any) -> None:
    stream = make(world, OURS)
    for expected in [0, errno.EADDRINUSE]:
        stream.setsockopt(61, b"the same")
        if expected:
            with refuses(expected):
                stream.connect("tcp://127.0.0.1:9")
        else:
            stream.connect("tcp://127.0.0.1:9")


def test_disconnect_writes_what_is_queued(world: Any) -> None:
    """Libzmq leaves the connection open until the socket is used."""
    stream = make(world, OURS)
    with listening() as (listener, endpoint):
        stream.connect(endpoint)
        name = stream.routing_id
        with closing(accept(listener)) as peer:
            stream.recv_multipart()
            stream.send_multipart([name, pattern(500_000)])
            stream.disconnect(endpoint)
            assert read_all(peer) == pattern(500_000)
        with refuses(errno.EHOSTUNREACH):
            stream.send_multipart([name, b"x"])


def test_values(library: str, world: Any) -> None:
    stream = world.socket(library, "STREAM")
    router = world.socket(library, "ROUTER")
    for value in [2, -1]:
        with refuses(errno.EINVAL):
            stream.stream_notify = value
    for value in [0, 1, 5]:
        router.router_raw = value
    with refuses(errno.EINVAL):
        router.router_raw = -1
    for other in [stream, world.socket(library, "DEALER")]:
        with refuses(errno.EINVAL):
            other.router_raw = 1
    with refuses(errno.EINVAL):
        stream.getsockopt(73)  # STREAM_NOTIFY


def test_bytes_end_a_message(library: str, world: Any) -> None:
    """SNDMORE with them means nothing."""
    more = 2
    stream = make(world, library)
    stream.bind(PORT)
    with closing(dial(last(stream))) as peer:
        name, empty = stream.recv_multipart()
        assert empty == b""
        for text in (b"one", b"two"):
            stream.send(name, more)
            stream.send(text, more)
            assert read_exactly(peer, 3) == text
