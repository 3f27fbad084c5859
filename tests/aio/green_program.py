# SPDX-License-Identifier: Apache-2.0
"""What greenlets do with sockets, in a process of its own: ``python this LIBRARY``."""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from typing import Any

import gevent
import gevent.event

zmq: Any = import_module(f"{sys.argv[1]}.green")
plain: Any = import_module(sys.argv[1])
OURS = sys.argv[1] == "fastmq"


def pair(ctx: Any, first: int, second: int, **options: int) -> tuple[Any, Any]:
    a, b = ctx.socket(first), ctx.socket(second)
    for socket in (a, b):
        socket.linger = 0
        for name, value in options.items():
            setattr(socket, name, value)
    b.bind("tcp://127.0.0.1:*")
    a.connect(b.last_endpoint.decode())
    return a, b


def talk(ctx: Any) -> None:
    client, server = pair(ctx, zmq.REQ, zmq.REP)

    def serve() -> None:
        for _ in range(200):
            server.send_multipart(server.recv_multipart())

    serving = gevent.spawn(serve)
    for n in range(100):
        client.send_string(str(n))
        assert client.recv_string() == str(n)
        client.send_json([n])
        assert client.recv_json() == [n]
    serving.join()


def wait_in_both_directions(ctx: Any) -> None:
    one, two = pair(ctx, zmq.DEALER, zmq.DEALER, sndhwm=5, rcvhwm=5, sndbuf=4096)
    body = bytes(5000)

    def talker(socket: Any) -> None:
        for _ in range(300):
            socket.send(body)

    def listener(socket: Any) -> None:
        for _ in range(300):
            assert socket.recv(copy=False).bytes == body

    parties = [gevent.spawn(what, s) for s in (one, two) for what in (talker, listener)]
    assert len(gevent.joinall(parties, raise_error=True)) == 4


def see_others_run(ctx: Any) -> None:
    _, pull = pair(ctx, zmq.PUSH, zmq.PULL)
    waiting = gevent.spawn(pull.recv)
    turns: list[int] = []
    turn = gevent.get_hub().loop.prepare()
    turn.start(turns.append, 1)
    with gevent.Timeout(0.1, False):
        gevent.event.Event().wait()
    turn.stop()
    assert len(turns) < 50, "the loop spins"
    assert not waiting.dead
    waiting.kill()
    with gevent.Timeout(0.05, False):
        pull.recv()
    with_error = gevent.spawn(pull.recv)
    gevent.sleep(0)
    if OURS:  # pyzmq's never ends
        pull.close()
        with_error.join(10)
        assert isinstance(with_error.exception, zmq.ZMQError)
    else:
        with_error.kill()


def poll(ctx: Any) -> None:
    push, pull = pair(ctx, zmq.PUSH, zmq.PULL)
    reader, writer = os.pipe()
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    poller.register(reader, zmq.POLLIN)
    assert poller.poll(20) == []
    assert pull.poll(0) == 0
    later = gevent.spawn_later(0.01, push.send, b"x")
    assert poller.poll(10_000) == [(pull, zmq.POLLIN)]
    assert pull.poll(10_000) == zmq.POLLIN
    assert pull.recv() == b"x"
    later.join()
    gevent.spawn_later(0.01, os.write, writer, b"y")
    assert poller.poll(10_000) == [(reader, zmq.POLLIN)]
    os.close(reader)
    os.close(writer)


def use_a_device(ctx: Any) -> None:
    client, front = pair(ctx, zmq.DEALER, zmq.ROUTER)
    server, back = pair(ctx, zmq.REP, zmq.DEALER)
    device = gevent.spawn(zmq.device, zmq.QUEUE, front, back)
    client.send_multipart([b"", b"question"])
    assert server.recv() == b"question"
    server.send(b"answer")
    assert client.recv_multipart() == [b"", b"answer"]
    device.kill()


def set_time_outs(ctx: Any) -> None:
    socket = ctx.socket(zmq.PULL)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        socket.rcvtimeo = 5
    assert "no effect" in str(told[0].message)
    socket.close()


def main() -> None:
    assert set(zmq.__all__) == set(plain.__all__)
    assert issubclass(zmq.Socket, plain.Socket)
    assert zmq.Context.instance() is not plain.Context.instance()
    for use in (
        *(talk, wait_in_both_directions, see_others_run),
        *(poll, use_a_device, set_time_outs),
    ):
        with gevent.Timeout(20):
            ctx = zmq.Context()
            use(ctx)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ctx.destroy(linger=0)
        print(use.__name__)


main()
