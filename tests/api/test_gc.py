# SPDX-License-Identifier: Apache-2.0
"""What is forgotten, and what is held: references, warnings, the end of the program."""

from __future__ import annotations

import gc
import sys
import weakref

import pytest


def test_a_forgotten_socket(zmq, ctx) -> None:
    holder = [ctx.socket(zmq.PULL)]
    with pytest.warns(ResourceWarning, match="Unclosed socket") as caught:
        holder.clear()
    assert "PULL" in str(caught[0].message)


def test_a_forgotten_context(zmq) -> None:
    holder = [zmq.Context()]
    with pytest.warns(ResourceWarning, match="Unclosed context"):
        holder.clear()


def test_forgotten_together(zmq, ours) -> None:
    if not ours:
        pytest.skip("pyzmq may wait for the socket for ever")
    ctx = zmq.Context()
    ctx.sockopts[zmq.LINGER] = 0
    holder = [ctx.socket(zmq.PULL)]
    holder.append(holder)
    del ctx, holder
    with pytest.warns(ResourceWarning):
        gc.collect()


def test_closed_ones_go_quietly(zmq) -> None:
    ctx = zmq.Context()
    pull = ctx.socket(zmq.PULL)
    refs = [weakref.ref(pull), weakref.ref(ctx)]
    pull.close()
    ctx.term()
    del pull, ctx
    gc.collect()
    assert [ref() for ref in refs] == [None, None]


def test_a_socket_holds_its_context(zmq) -> None:
    pull = zmq.Context().socket(zmq.PULL)
    gc.collect()
    assert not pull.context.closed
    ctx = pull.context
    pull.close()
    ctx.term()


def test_a_context_does_not_hold_its_sockets(zmq, ctx) -> None:
    pull = ctx.socket(zmq.PULL)
    ref = weakref.ref(pull)
    pull.close()
    del pull
    gc.collect()
    assert ref() is None
    assert "()" in repr(ctx)


def test_shadows_close_nothing(zmq, ctx) -> None:
    with ctx.socket(zmq.PULL) as pull:
        shadow = zmq.Socket.shadow(pull.underlying)
        other = zmq.Context.shadow(ctx.underlying)
        del shadow, other
        gc.collect()
        assert not pull.closed
        assert not ctx.closed


def test_sent_objects_are_given_back(zmq, push_pull) -> None:
    push, pull = push_pull
    for body in (b"x" * 10, b"x" * 100_000, bytearray(100_000)):
        before = sys.getrefcount(body)
        push.send(body)
        push.send_multipart([body, body])
        pull.recv()
        pull.recv_multipart()
        assert sys.getrefcount(body) == before


def test_lent_objects_are_given_back(zmq, push_pull) -> None:
    push, pull = push_pull
    body = bytearray(100_000)
    before = sys.getrefcount(body)
    tracker = push.send(body, copy=False, track=True)
    assert sys.getrefcount(body) > before
    assert not tracker.done
    with pytest.raises(zmq.NotDone):
        tracker.wait(0)
    assert pull.recv() == body
    tracker.wait(10)
    assert sys.getrefcount(body) == before
    body.clear()


def test_a_lent_buffer_cannot_move(zmq, push_pull, ours) -> None:
    if not ours:
        pytest.skip("a crash in pyzmq")
    push, pull = push_pull
    body = bytearray(100_000)
    tracker = push.send(body, copy=False, track=True)
    with pytest.raises(BufferError):
        body.clear()
    assert len(pull.recv()) == 100_000
    tracker.wait(10)
    body.clear()


def test_a_failed_send_gives_back(zmq, make) -> None:
    push = make(zmq.PUSH, sndtimeo=0)
    body = b"x" * 100_000
    before = sys.getrefcount(body)
    for copy in (True, False):
        with pytest.raises(zmq.Again):
            push.send(body, copy=copy)
        with pytest.raises(zmq.Again):
            push.send_multipart([body, b"", body], copy=copy)
    # Asking any tracker collects what has been given back.
    tracker = zmq.Frame(bytes(100_000), copy=False, track=True).tracker
    tracker.wait(10)
    assert sys.getrefcount(body) == before


def test_a_frame_outlives_everything(zmq) -> None:
    with zmq.Context() as ctx:
        with ctx.socket(zmq.PUSH) as push, ctx.socket(zmq.PULL) as pull:
            pull.bind("inproc://outlive")
            push.connect("inproc://outlive")
            push.send(b"x" * 5000)
            view = pull.recv(copy=False).buffer
    gc.collect()
    assert bytes(view) == b"x" * 5000


@pytest.mark.parametrize(
    "program",
    [
        "ctx = zmq.Context(); s = ctx.socket(zmq.PUSH)",
        "ctx = zmq.Context.instance(); s = ctx.socket(zmq.PULL)",
        """
ctx = zmq.Context.instance()
s = ctx.socket(zmq.PUSH)
s.connect('tcp://127.0.0.1:9')
s.send(b'never sent')
""",
        """
import threading
s = zmq.Context.instance().socket(zmq.PULL)
threading.Thread(target=s.recv, daemon=True).start()
""",
        """
ctx = zmq.Context()
a, b = ctx.socket(zmq.PAIR), ctx.socket(zmq.PAIR)
a.bind('inproc://x'); b.connect('inproc://x')
b.send(bytes(100000), copy=False)
""",
        "s = zmq.Context().socket(zmq.PULL); s.close(); s.context.term()",
        "zmq.Frame(bytes(100000), copy=False)",
        "f = zmq.Frame(bytes(100000), copy=False)",
    ],
)
def test_the_end_of_the_program(run_python, program) -> None:
    done = run_python(program)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_an_idle_program_gets_its_buffers_back(run_python, ours) -> None:
    if not ours:
        pytest.skip("pyzmq has a thread for it")
    done = run_python("""
import weakref

class Body(bytearray):
    pass

ctx = zmq.Context()
push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
port = pull.bind_to_random_port("tcp://127.0.0.1")
push.connect(f"tcp://127.0.0.1:{port}")
body = Body(1000000)
ref = weakref.ref(body)
push.send(body, copy=False)
del body
pull.recv()
for i in range(10**8):
    if ref() is None:
        break
else:
    raise SystemExit("never given back")
push.close()
pull.close()
ctx.term()
""")
    assert done.returncode == 0, done.stderr
