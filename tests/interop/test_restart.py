# SPDX-License-Identifier: Apache-2.0
"""Either peer is killed in the middle of a stream and started again.

Message numbers of a stream rise strictly, across the kill too: nothing comes twice,
nothing torn.
The last number a killed receiver has seen survives in a file. What is lost was in the
kernel, in the killed process, or, where the sender binds, queued for the lost peer.
"""

from __future__ import annotations

import socket as sockets
from collections.abc import Callable
from pathlib import Path

import pytest
from interop.content import STREAM_BITS
from interop.process import PATIENCE_S, Peer

ENDLESS = 1 << 30
# Eight of these fill what the kernel holds of a connection in both directions.
BIG = 100_000
SMALL_BUFFERS = {"SNDBUF": 65536, "RCVBUF": 65536}


@pytest.fixture
def marks(folder: Path) -> Path:
    path = folder / "last"
    path.write_bytes(bytes(8))
    return path


def start_stream(library: str, endpoint: str, first: int, **options: object) -> Peer:
    return Peer(
        library,
        "stream",
        endpoint,
        type="PUSH",
        first=first,
        count=ENDLESS,
        linger=0,
        **options,
    )


def start_watch(library: str, endpoint: str, marks: Path, **options: object) -> Peer:
    options = {"every": 200, **options}
    return Peer(library, "watch", endpoint, type="PULL", marks=str(marks), **options)


def wait_for(watch: Peer, n: int) -> int:
    """Wait until `n` more messages have come; return the last one's number."""
    last = 0
    for said in watch.reports():
        if "got" in said:
            last = said["last"]
            n -= said["got"] - sum(watch.said("got")[-2:-1])
            if n <= 0:
                break
    return last


@pytest.mark.parametrize("binder", ["sender binds", "receiver binds"])
def test_receiver_killed(
    libs: tuple[str, str], held_endpoint: str, marks: Path, binder: str
) -> None:
    sender_binds = binder == "sender binds"
    if sender_binds:
        with start_stream(libs[0], held_endpoint, 1, bind=True) as stream:
            endpoint = stream.expect("ready")[0]
            with start_watch(libs[1], endpoint, marks) as watch:
                wait_for(watch, 1000)
                watch.kill()
            with start_watch(libs[1], endpoint, marks) as watch:
                wait_for(watch, 1000)
                stream.end("stop")
                watch.end("stop")
        return
    with start_watch(libs[1], held_endpoint, marks, bind=True) as watch:
        endpoint = watch.expect("ready")[0]
        with start_stream(libs[0], endpoint, 1) as stream:
            wait_for(watch, 1000)
            watch.kill()
            with start_watch(libs[1], endpoint, marks, bind=True) as again:
                wait_for(again, 1000)
                stream.end("stop")
                again.end("stop")


@pytest.mark.parametrize("binder", ["sender binds", "receiver binds"])
def test_sender_killed(
    libs: tuple[str, str], held_endpoint: str, marks: Path, binder: str
) -> None:
    later = 1 << STREAM_BITS  # the second life is a stream of its own
    sender_binds = binder == "sender binds"
    if sender_binds:
        with start_stream(libs[0], held_endpoint, 1, bind=True) as stream:
            endpoint = stream.expect("ready")[0]
            with start_watch(libs[1], endpoint, marks) as watch:
                assert wait_for(watch, 1000) < later
                stream.kill()
                with start_stream(libs[0], endpoint, later, bind=True) as again:
                    wait_until(watch, later)
                    again.end("stop")
                    watch.end("stop")
        return
    with start_watch(libs[1], held_endpoint, marks, bind=True) as watch:
        endpoint = watch.expect("ready")[0]
        with start_stream(libs[0], endpoint, 1) as stream:
            assert wait_for(watch, 1000) < later
            stream.kill()
        with start_stream(libs[0], endpoint, later) as again:
            wait_until(watch, later)
            again.end("stop")
            watch.end("stop")


def wait_until(watch: Peer, number: int) -> None:
    while watch.expect("last") < number:
        pass


def test_a_connecting_sender_keeps_its_queue(
    libs: tuple[str, str], held_endpoint: str, marks: Path
) -> None:
    """What was queued when the receiver died goes to the next one, in order."""
    bound = {"bind": True, "opt": {"RCVHWM": 1, **SMALL_BUFFERS}}
    many = {"SNDHWM": 200, **SMALL_BUFFERS}
    few = {"every": 5, "stop_after": 5, **bound}
    with start_watch(libs[1], held_endpoint, marks, **few) as watch:
        endpoint = watch.expect("ready")[0]
        with start_stream(libs[0], endpoint, 1, opt=many, size=BIG) as stream:
            wait_for(watch, 5)
            # Said a little before the watch stopped, it is those few too low.
            full = stream.expect("full")
            watch.kill()
            with start_watch(libs[1], endpoint, marks, every=10, **bound) as again:
                first = again.expect("first")
                # 200 were queued behind those in the kernel: they have all come.
                assert full - 220 < first <= full - 150
                wait_for(again, 250)
                assert again.said("gap") == []
                stream.end("stop")
                again.end("stop")


def wait_for_redial(endpoint: str) -> None:
    """Wait until the connecting side has noticed, by listening in the dead's place."""
    if endpoint.startswith("ipc://"):
        Path(endpoint.removeprefix("ipc://")).unlink(missing_ok=True)
        listener = sockets.socket(sockets.AF_UNIX)
        address: object = endpoint.removeprefix("ipc://")
    else:
        listener = sockets.socket()
        listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        address = ("127.0.0.1", int(endpoint.rpartition(":")[2]))
    with listener:
        listener.settimeout(PATIENCE_S)
        listener.bind(address)
        listener.listen()
        listener.accept()[0].close()


def test_a_queued_request_goes_to_the_next_rep(
    libs: tuple[str, str], held_endpoint: str
) -> None:
    with Peer(libs[1], "serve", held_endpoint, type="REP", bind=True) as server:
        endpoint = server.expect("ready")[0]
        with Peer(libs[0], "ask_on_word", endpoint, type="REQ", count=100) as client:
            client.tell("go")
            assert client.expect("asked") == 100
            server.kill()
            wait_for_redial(endpoint)
            client.tell("go")
            with Peer(libs[1], "serve", endpoint, type="REP", bind=True) as again:
                assert client.expect("asked") == 100
                client.end("stop")
                again.end("stop")


def test_rep_outlives_a_req_killed_while_asking(
    libs: tuple[str, str], wildcard: str
) -> None:
    with Peer(libs[1], "serve", wildcard, type="REP", bind=True) as server:
        endpoint = server.expect("ready")[0]
        common = {"type": "REQ", "count": 100}
        for _ in range(3):
            with Peer(libs[0], "ask_on_word", endpoint, **common) as client:
                client.tell("go")
                assert client.expect("asked") == 100
                client.tell("go")
                client.kill()
        with Peer(libs[0], "ask_on_word", endpoint, **common) as client:
            client.tell("go")
            assert client.expect("asked") == 100
            client.end("stop")
            server.end("stop")


def test_pair_takes_the_next_peer(
    libs: tuple[str, str], fresh: Callable[[str], str], transport: str
) -> None:
    """PAIR is exclusive: the next peer comes when the last is known to have gone."""
    common = {"type": "PAIR", "count": 100}
    with Peer(libs[1], "serve", fresh(transport), bind=True, type="PAIR") as server:
        endpoint = server.expect("ready")[0]
        for first in range(3):
            with Peer(
                libs[0], "ask_on_word", endpoint, first=first * 100, **common
            ) as client:
                client.tell("go")
                assert client.expect("asked") == 100
                if first < 2:
                    client.kill()
                    server.expect("alone")
                else:
                    client.end("stop")
        server.end("stop")
