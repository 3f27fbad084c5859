# SPDX-License-Identifier: Apache-2.0
"""Devices: what they are told first, they do in a thread or process of their own."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ports import held_port

PREFIXES = [(b"in", b"out"), (b"", b"a longer prefix" * 10)]


@pytest.fixture
def devices(zmq: Any) -> Any:
    return importlib.import_module(f"{zmq.__name__}.devices")


@pytest.fixture
def started(ctx: Any) -> Iterator[Any]:
    """Return a function that starts a device of threads on the context of the test."""
    running = []

    def start(device: Any) -> Any:
        device.context_factory = lambda: ctx
        device.start()
        running.append(device)
        return device

    yield start
    theirs = [socket for device in running for socket in device._sockets]
    for socket in [*ctx._sockets]:
        # Theirs are for their threads to close.
        if socket not in theirs:
            socket.close(linger=0)
    ctx.term()
    for device in running:
        device.join(10)
        assert device.done


@pytest.fixture
def reserve() -> Iterator[Callable[..., int]]:
    """Return a function that has a device reserve a port, to bind to when it starts.

    Another program may get a free one until then: these are held.
    """
    with contextlib.ExitStack() as stack:

        def on(device: Any, side: str, **options: int) -> int:
            port = stack.enter_context(held_port())
            bind = getattr(device, f"bind_{side}_to_random_port")
            only = {"min_port": port, "max_port": port + 1}
            assert bind("tcp://127.0.0.1", **only, **options) == port
            return port

        yield on


def peer(make: Any, kind: int, url: str, **options: Any) -> Any:
    socket = make(kind, **options)
    socket.connect(url)
    return socket


def test_a_device(zmq: Any, devices: Any, make: Any, started: Any) -> None:
    device = devices.ThreadDevice(zmq.QUEUE, zmq.PULL, zmq.PUSH)
    device.setsockopt_in(zmq.RCVHWM, 7)
    device.setsockopt_out(zmq.IDENTITY, b"out")
    device.bind_in("inproc://in")
    out = make(zmq.PULL)
    out.bind("inproc://out")
    device.connect_out("inproc://out")
    assert not device.done
    started(device)
    peer(make, zmq.PUSH, "inproc://in").send_multipart([b"a", b"b"])
    assert out.recv_multipart() == [b"a", b"b"]
    assert [s.rcvhwm for s in device._sockets if s.type == zmq.PULL] == [7]


def test_one_socket(zmq: Any, devices: Any, make: Any, started: Any) -> None:
    """What is said of the other one is of this one."""
    device = devices.ThreadDevice(zmq.QUEUE, zmq.REP, -1)
    device.bind_in("inproc://a")
    device.bind_out("inproc://b")
    started(device)
    for url in ("inproc://a", "inproc://b"):
        client = peer(make, zmq.REQ, url)
        client.send_string(url)
        assert client.recv_string() == url


def test_both_sides_are_binding(
    zmq: Any, devices: Any, make: Any, started: Any, reserve: Any
) -> None:
    device = devices.ThreadProxy(zmq.ROUTER, zmq.DEALER, zmq.PUSH)
    ports = [
        reserve(device, "in"),
        reserve(device, "out"),
        reserve(device, "mon", max_tries=5),
    ]
    started(device)
    urls = [f"tcp://127.0.0.1:{port}" for port in ports]
    client = peer(make, zmq.REQ, urls[0], identity=b"me")
    server = peer(make, zmq.REP, urls[1])
    monitor = peer(make, zmq.PULL, urls[2])
    client.send(b"question")
    assert server.recv() == b"question"
    server.send(b"answer")
    assert client.recv() == b"answer"
    assert monitor.recv_multipart() == [b"me", b"", b"question"]
    assert monitor.recv_multipart() == [b"me", b"", b"answer"]


def test_ports_that_are_reserved_differ(zmq: Any, devices: Any) -> None:
    device = devices.ThreadProxy(zmq.ROUTER, zmq.DEALER, zmq.PUSH)
    ports = [
        getattr(device, f"bind_{side}_to_random_port")("tcp://127.0.0.1")
        for side in ("in", "out", "mon") * 3
    ]
    assert len({*ports}) == 9


def test_in_this_thread(zmq: Any, devices: Any, ctx: Any, make: Any) -> None:
    device = devices.Device(zmq.QUEUE, zmq.PULL, zmq.PUSH)
    device.context_factory = lambda: ctx
    device.bind_in("inproc://in")
    device.bind_out("inproc://out")
    thread = threading.Thread(target=device.start)
    thread.start()
    push = peer(make, zmq.PUSH, "inproc://in")
    pull = peer(make, zmq.PULL, "inproc://out")
    push.send(b"x")
    assert pull.recv() == b"x"
    for socket in (push, pull):
        socket.close()
    ctx.term()
    thread.join()
    assert device.done
    assert all(socket.closed for socket in device._sockets)
    assert device.join() is None


def test_the_process_wide_context(zmq: Any, devices: Any) -> None:
    """Threads share it; processes have their own."""
    made = devices.ThreadProxy(zmq.PULL, zmq.PUSH).context_factory()
    assert made is zmq.Context.instance()
    with devices.ProcessProxy(zmq.PULL, zmq.PUSH).context_factory() as own:
        assert own is not zmq.Context.instance()
    made.term()


def test_what_has_to_be_said(zmq: Any, devices: Any) -> None:
    with pytest.raises(TypeError, match="in_type must be specified"):
        devices.Device()
    with pytest.raises(TypeError, match="out_type must be specified"):
        devices.ThreadDevice(zmq.QUEUE, zmq.PULL)
    assert devices.ThreadDevice(zmq.QUEUE, zmq.PULL, zmq.PUSH).daemon is True


def test_not_started(zmq: Any, devices: Any, ours: bool) -> None:
    device = devices.ThreadDevice(zmq.QUEUE, zmq.PULL, zmq.PUSH)
    # pyzmq stumbles over its missing thread.
    with pytest.raises(RuntimeError if ours else AttributeError):
        device.join()


def test_a_failure_ends_it(zmq: Any, devices: Any, ctx: Any) -> None:
    device = devices.Device(zmq.QUEUE, zmq.PULL, zmq.PUSH)
    device.context_factory = lambda: ctx
    device.connect_in("nowhere")
    with pytest.raises(zmq.ZMQError):
        device.run()
    assert device.done
    assert device._sockets[0].closed


class TestMonitoredQueue:
    """The copies say from which side a message came."""

    @pytest.mark.parametrize("prefixes", PREFIXES)
    def test_a_device(
        self, zmq: Any, devices: Any, make: Any, started: Any, prefixes: Any
    ) -> None:
        device = devices.ThreadMonitoredQueue(
            zmq.ROUTER, zmq.DEALER, zmq.PUSH, *prefixes
        )
        device.bind_in("inproc://in")
        device.bind_out("inproc://out")
        monitor = make(zmq.PULL)
        monitor.bind("inproc://mon")
        device.setsockopt_mon(zmq.SNDHWM, 50)
        device.connect_mon("inproc://mon")
        started(device)
        client = peer(make, zmq.REQ, "inproc://in", identity=b"me")
        server = peer(make, zmq.REP, "inproc://out")
        client.send(b"question")
        assert server.recv() == b"question"
        server.send_multipart([b"an", b"swer"])
        assert client.recv_multipart() == [b"an", b"swer"]
        assert monitor.recv_multipart() == [prefixes[0], b"me", b"", b"question"]
        assert monitor.recv_multipart() == [prefixes[1], b"me", b"", b"an", b"swer"]

    def test_routers(
        self, zmq: Any, devices: Any, make: Any, started: Any, ours: bool
    ) -> None:
        """From whom and for whom change places."""
        device = devices.ThreadMonitoredQueue(zmq.ROUTER, zmq.ROUTER, zmq.PUSH)
        for side in ("in", "out", "mon"):
            getattr(device, f"bind_{side}")(f"inproc://{side}")
        # The one with whom all speak has to be known: it is told by its first message.
        started(device)
        a = peer(make, zmq.DEALER, "inproc://in", identity=b"a")
        b = peer(make, zmq.DEALER, "inproc://out", identity=b"b")
        monitor = peer(make, zmq.PULL, "inproc://mon")
        b.send_multipart([b"nobody", b"I am here"])
        assert monitor.recv_multipart() == [b"out", b"nobody", b"b", b"I am here"]
        if ours:
            # Nothing to pass; pyzmq puts it before the next one.
            a.send_multipart([b"b"])
        a.send_multipart([b"b", b"hello", b"you"])
        assert b.recv_multipart() == [b"a", b"hello", b"you"]
        assert monitor.recv_multipart() == [b"in", b"b", b"a", b"hello", b"you"]
        b.send_multipart([b"a", b"hi"])
        assert a.recv_multipart() == [b"b", b"hi"]

    def test_the_function(self, zmq: Any, devices: Any, ctx: Any, make: Any) -> None:
        ins, outs, mons = make(zmq.PULL), make(zmq.PUSH), make(zmq.PUSH)
        for socket, name in ((ins, "in"), (outs, "out"), (mons, "mon")):
            socket.bind(f"inproc://{name}")
        for wrong in (
            (ins, outs, None),
            (ins, 3, mons),
            (None, outs, mons),
            (ins, outs, mons, "in"),
            (ins, outs, mons, b"in", None),
        ):
            with pytest.raises(TypeError):
                devices.monitored_queue(*wrong)
        ended = []

        def run() -> None:
            try:
                devices.monitored_queue(
                    ins, outs, mons, out_prefix=b"o", in_prefix=b"i"
                )
            except zmq.ContextTerminated as error:
                ended.append(error)
            for socket in (ins, outs, mons):
                socket.close(linger=0)

        thread = threading.Thread(target=run)
        thread.start()
        monitor = peer(make, zmq.PULL, "inproc://mon")
        push, pull = (
            peer(make, zmq.PUSH, "inproc://in"),
            peer(make, zmq.PULL, "inproc://out"),
        )
        push.send(b"x")
        assert pull.recv() == b"x"
        assert monitor.recv_multipart() == [b"i", b"x"]
        for socket in (push, pull, monitor):
            socket.close()
        ctx.term()
        thread.join()
        assert len(ended) == 1


class TestSteerable:
    def test_the_missing_type(self, zmq: Any, devices: Any, ours: bool) -> None:
        device = devices.ProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB)
        device.context_factory = zmq.Context
        if ours:
            with pytest.raises(TypeError, match="ctrl_type must be specified"):
                device.run()
        assert device.ctrl_type is None

    def test_commands(
        self, devices: Any, zmq: Any, make: Any, ctx: Any, reserve: Any
    ) -> None:
        if zmq.__name__ != "fastmq":
            pytest.skip("libzmq 4.3.5 ends its process at a command")
        device = devices.ThreadProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB, zmq.PAIR)
        device.context_factory = lambda: ctx
        reserve(device, "ctrl")
        device.setsockopt_ctrl(zmq.LINGER, 0)
        order = make(zmq.PAIR)
        order.bind("inproc://order")
        device.connect_ctrl("inproc://order")
        device.bind_ctrl("inproc://ctrl")
        device.bind_in("inproc://in")
        device.bind_out("inproc://out")
        device.start()
        push = peer(make, zmq.PUSH, "inproc://in")
        pull = peer(make, zmq.PULL, "inproc://out")
        push.send(b"x")
        assert pull.recv() == b"x"
        order.send(b"TERMINATE")
        device.join(10)
        assert device.done


class TestProcess:
    """Processes of every start method."""

    @pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
    def test_start_methods(
        self,
        zmq: Any,
        devices: Any,
        make: Any,
        method: str,
        monkeypatch: Any,
        reserve: Any,
    ) -> None:
        base = importlib.import_module(f"{zmq.__name__}.devices.basedevice")
        start = multiprocessing.get_context(method)
        monkeypatch.setattr(base.ProcessDevice, "_launch_class", start.Process)
        device = devices.ProcessMonitoredQueue(zmq.PULL, zmq.PUSH, zmq.PUSH)
        ports = [reserve(device, side) for side in ("in", "out", "mon")]
        device.start()
        try:
            urls = [f"tcp://127.0.0.1:{port}" for port in ports]
            push = peer(make, zmq.PUSH, urls[0])
            pull, monitor = (peer(make, zmq.PULL, url) for url in urls[1:])
            push.send(b"x")
            assert pull.recv() == b"x"
            assert monitor.recv_multipart() == [b"in", b"x"]
        finally:
            device.launcher.terminate()
            device.join()
        assert not device.done

    def test_pickles(self, zmq: Any, devices: Any, ours: bool) -> None:
        """Also one that was started: ours is sent without its process."""
        device = devices.ThreadProxy(zmq.PULL, zmq.PUSH)
        device.bind_in("inproc://somewhere")
        found = pickle.loads(pickle.dumps(device))
        assert (found.in_type, found.done) == (zmq.PULL, False)
        if ours:
            device.launcher = threading.current_thread()
            assert pickle.loads(pickle.dumps(device)).launcher is None
