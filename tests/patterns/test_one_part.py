# SPDX-License-Identifier: Apache-2.0
"""The types of one part from Python; between the libraries see tests/interop."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from interop.conftest import World
from patterns.conftest import last, refuses, until

import fastmq
import fastmq.asyncio

OURS = "fastmq"
TYPES = ("SERVER", "CLIENT", "RADIO", "DISH", "GATHER", "SCATTER", "PEER", "CHANNEL")
EFAULT, EINVAL, ENOTSUP, EHOSTUNREACH = 14, 22, 95, 113


@pytest.fixture(params=["inproc", "tcp", "ipc"])
def place(request: pytest.FixtureRequest, fresh: Callable[[str], str]) -> str:
    return fresh(request.param)


@pytest.fixture
def pair(world: World, place: str) -> Callable[[str, str], tuple[Any, Any]]:
    def make(bound: str, connected: str) -> tuple[Any, Any]:
        ends = world.socket(OURS, bound), world.socket(OURS, connected)
        ends[0].bind(place)
        ends[1].connect(last(ends[0]))
        return ends

    return make


def test_an_answer_by_routing_id(pair: Callable[..., Any]) -> None:
    server, client = pair("SERVER", "CLIENT")
    for body in (b"", b"short", bytes(100_000)):
        client.send(body)
        frame = server.recv(copy=False)
        assert frame.bytes == body
        assert frame.routing_id != 0
        assert frame.get("routing_id") == frame["routing_id"] == frame.routing_id
        server.send(body, routing_id=frame.routing_id)
        assert client.recv() == body
        server.send(bytearray(body), copy=False, routing_id=frame.routing_id)
        assert client.recv() == body
        server.send(frame)
        answer = client.recv(copy=False)
        assert answer.bytes == body
        assert answer.routing_id == 0
        server.send_multipart([body], routing_id=frame.routing_id)
        assert client.recv_multipart() == [body]


def test_all_ways_to_send_take_addresses(pair: Callable[..., Any]) -> None:
    server, client = pair("SERVER", "CLIENT")
    client.send(b"who am I")
    to = {"routing_id": server.recv(copy=False).routing_id}
    server.send_string("text", **to)
    server.send_json({"a": 1}, **to)
    server.send_pyobj([1], **to)
    server.send_serialized("x", lambda text: [text.encode()], **to)
    assert client.recv_string() == "text"
    assert client.recv_json() == {"a": 1}
    assert client.recv_pyobj() == [1]
    assert client.recv() == b"x"
    tracker = server.send(bytes(100_000), copy=False, track=True, **to)
    assert len(client.recv()) == 100_000
    tracker.wait(20)


def test_what_servers_refuse(pair: Callable[..., Any]) -> None:
    server, client = pair("SERVER", "CLIENT")
    client.send(b"x")
    routing_id = server.recv(copy=False).routing_id
    other = routing_id ^ 0x5555
    for call in (
        lambda: server.send(b"x"),
        lambda: server.send(b"x", routing_id=other),
        lambda: server.send_many([b"x"]),
        lambda: server.disconnect_peer(other),
    ):
        with refuses(EHOSTUNREACH):
            call()
    for call in (
        lambda: server.send(b"x", routing_id=0),
        lambda: server.send(b"x", fastmq.SNDMORE, routing_id=routing_id),
        lambda: client.send(b"x", fastmq.SNDMORE),
        lambda: client.send_multipart([b"x", b"y"]),
    ):
        with refuses(EINVAL):
            call()
    for call in (
        lambda: server.connect_peer("inproc://x"),
        lambda: server.join("group"),
        lambda: client.leave("group"),
        lambda: client.disconnect_peer(routing_id),
    ):
        with refuses(ENOTSUP):
            call()
    with pytest.raises(TypeError, match="use send_string"):
        server.send("x", routing_id=routing_id)
    for wrong in (-1, 2**32):
        with pytest.raises(OverflowError):
            server.send(b"x", routing_id=wrong)
    with pytest.raises(TypeError):
        server.send(b"x", routing_id="x")
    server.disconnect_peer(routing_id)
    with refuses(EHOSTUNREACH):
        server.send(b"x", routing_id=routing_id)


def test_peers(world: World, place: str) -> None:
    alice, bob = world.socket(OURS, "PEER"), world.socket(OURS, "PEER")
    alice.bind(place)
    to_alice = bob.connect_peer(last(alice))
    bob.send(b"hello", routing_id=to_alice)
    frame = alice.recv(copy=False)
    alice.send(b"world", routing_id=frame.routing_id)
    assert bob.recv(copy=False).routing_id == to_alice
    bob.immediate = 1
    with refuses(EFAULT):
        bob.connect_peer(last(alice))


def receive_group(radio: Any, dish: Any, group: str | bytes) -> Any:
    """Send until the RADIO has heard of the DISH; return the last frame."""
    until(lambda: radio.send(b"settle", group=group) or dish.poll(5))
    radio.send(b"settled", group=group)
    while (frame := dish.recv(copy=False)).bytes != b"settled":
        pass
    return frame


def test_groups(pair: Callable[..., Any]) -> None:
    radio, dish = pair("RADIO", "DISH")
    long, foreign = "g" * 255, "Grüße"
    for group in ("weather", foreign.encode(), long):
        dish.join(group)
    assert receive_group(radio, dish, long).group == long
    radio.send(b"1", group="sport")
    radio.send(b"2")
    radio.send(b"3", group=b"weather")
    radio.send(bytes(100_000), group=foreign)
    frame = dish.recv(copy=False)
    assert (frame.bytes, frame.group, frame["group"]) == (b"3", "weather", "weather")
    (frame,) = dish.recv_multipart(copy=False)
    assert (len(frame), frame.group) == (100_000, foreign)
    dish.leave("weather")
    radio.send(b"4", group="weather")
    radio.send(b"5", group=long)
    assert dish.recv() == b"5"


def test_what_groups_refuse(pair: Callable[..., Any]) -> None:
    radio, dish = pair("RADIO", "DISH")
    dish.join("a")
    for call in (
        lambda: dish.join("a"),
        lambda: dish.leave("b"),
        lambda: dish.join("x" * 256),
        lambda: dish.join("x\0"),
        lambda: radio.send(b"x", group="x" * 256),
        lambda: radio.send(b"x", group="x\0y"),
        lambda: radio.send(b"x", fastmq.SNDMORE, group="a"),
    ):
        with refuses(EINVAL):
            call()
    for call in (
        lambda: radio.join("a"),
        lambda: radio.recv(),
        lambda: dish.send(b"x", group="a"),
    ):
        with refuses(ENOTSUP):
            call()
    for call in (lambda: dish.join(1), lambda: radio.send(b"x", group=1)):
        with pytest.raises(TypeError):
            call()


def test_frames_have_addresses() -> None:
    frame = fastmq.Frame(b"x")
    assert (frame.routing_id, frame.group) == (0, "")
    frame.routing_id = 7
    frame.group = "g"
    frame.set("group", b"h")
    frame.set("routing_id", 8)
    assert (frame.routing_id, frame.group) == (8, "h")
    for wrong in (0, "x" * 256):
        name = "group" if wrong else "routing_id"
        with refuses(EINVAL):
            setattr(frame, name, wrong)
    with refuses(EINVAL):
        frame.set(1, 1)
    with pytest.raises(TypeError):
        pickle.dumps(frame)


def test_batches(pair: Callable[..., Any]) -> None:
    server, client = pair("SERVER", "CLIENT")
    assert client.send_many([b"%d" % i for i in range(500)]) == 500
    got = [frame for (frame,) in server.recv_multipart_many(1, copy=False)]
    while len(got) < 500:
        got += [frame for (frame,) in server.recv_multipart_many(copy=False)]
    assert [frame.bytes for frame in got] == [b"%d" % i for i in range(500)]
    assert server.send_many(got) == 500
    found: list[bytes] = []
    while len(found) < 500:
        found += client.recv_many()
    assert found == [b"%d" % i for i in range(500)]
    with refuses(EINVAL):
        client.send_multipart_many([[b"a", b"b"]])


def test_threads_share_them(pair: Callable[..., Any]) -> None:
    server, client = pair("SERVER", "CLIENT")

    def answer() -> None:
        for _ in range(200):
            server.send(server.recv(copy=False))

    threads = [threading.Thread(target=answer) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(600):
        client.send(b"%d" % i)
    assert sorted(int(client.recv()) for _ in range(600)) == list(range(600))
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    ("front", "back", "sends", "takes"),
    [
        ("GATHER", "SCATTER", "SCATTER", "GATHER"),
        ("DISH", "RADIO", "RADIO", "DISH"),
        ("CHANNEL", "CHANNEL", "CHANNEL", "CHANNEL"),
    ],
)
def test_proxies(front: str, back: str, sends: str, takes: str, world: World) -> None:
    inside = [world.socket(OURS, kind) for kind in (front, back)]
    outside = [world.socket(OURS, kind) for kind in (sends, takes)]
    for middle, end in zip(inside, outside, strict=True):
        middle.bind("tcp://127.0.0.1:*")
        end.connect(last(middle))
    address = {"group": "g"} if front == "DISH" else {}
    for dish in (inside[0], outside[1]) if address else ():
        dish.join("g")

    def run() -> None:
        with refuses(fastmq.ETERM):
            fastmq.proxy(*inside)
        for socket in inside:
            socket.close(0)

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: outside[0].send(b"x", **address) or outside[1].poll(5))
    frame = outside[1].recv(copy=False)
    assert (frame.bytes, frame.group) == (b"x", address.get("group", ""))
    for socket in outside:
        socket.close(0)
    world.contexts[OURS].term()
    thread.join()


def test_events_and_options(world: World) -> None:
    with ExitStack() as stack:
        for kind in TYPES:
            socket = stack.enter_context(world.socket(OURS, kind))
            assert socket.type == getattr(fastmq.SocketType, kind)
            assert socket.thread_safe == 1
            assert socket.fileno() == socket.FD > 0
            assert socket.rcvmore == 0
    with refuses(EINVAL):
        world.socket(OURS, "DGRAM")


def test_coroutines() -> None:
    async def main() -> None:
        with fastmq.asyncio.Context() as context, ExitStack() as stack:
            server, client, radio, dish = (
                stack.enter_context(context.socket(kind))
                for kind in (fastmq.SERVER, fastmq.CLIENT, fastmq.RADIO, fastmq.DISH)
            )
            server.bind("tcp://127.0.0.1:*")
            client.connect(last(server))
            waiting = asyncio.ensure_future(server.recv(copy=False))
            await client.send(b"question")
            frame = await waiting
            await server.send(b"answer", routing_id=frame.routing_id)
            assert await client.recv() == b"answer"
            await server.send_multipart([b"more"], routing_id=frame.routing_id)
            assert await client.recv() == b"more"
            with refuses(EHOSTUNREACH):
                await server.send(b"x")
            with refuses(EINVAL):
                await client.send_multipart([b"x", b"y"])
            await client.send(b"given back")
            await server.poll()
            for copy in (True, False):
                assert server.recv(copy=copy).cancel()
            frame = await server.recv(copy=False)
            assert frame.bytes == b"given back"
            await server.send(frame)
            assert await client.recv_multipart() == [b"given back"]
            await client.send(b"as bytes")
            assert await server.recv() == b"as bytes"
            await client.send(b"in a list")
            assert await server.recv_multipart() == [b"in a list"]
            buffer = bytearray(10)
            await client.send(b"x")
            assert await server.recv_into(buffer) == 1
            dish.join("g")
            radio.bind("inproc://radio")
            dish.connect("inproc://radio")
            await radio.send(b"news", group="g")
            assert (await dish.recv(copy=False)).group == "g"

    asyncio.run(asyncio.wait_for(main(), 30))
