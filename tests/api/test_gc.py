# SPDX-License-Identifier: Apache-2.0
"""What is forgotten, and what is held: references, warnings, the end of the program."""

from __future__ import annotations

import contextlib
import gc
import sys
import weakref

import pytest
from patterns.conftest import until


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
    with pytest.warns(ResourceWarning):  # noqa: PT031
        # Python may collect by itself as soon as they are forgotten.
        del ctx, holder
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
    # pyzmq says so just before it forgets it.
    until(lambda: sys.getrefcount(body) == before)
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


WAITS = {
    "recv": "idle.recv()",
    "frame": "idle.recv(copy=False)",
    "poll": "idle.poll()",
    "select": "zmq.select([idle], [], [])",
    "send": "full.send(b'x')",
    "term": "other.term()",
    "lock": "lock.acquire()",
    "python": "while not ended: pass",
    "join": "thread.join()",
}


@pytest.mark.parametrize("wait", WAITS)
def test_buffers_come_back_whatever_the_program_waits_for(run_python, wait) -> None:
    done = run_python(f"""
import os, threading, weakref

class Body(bytearray):
    pass

ended = []
ctx = zmq.Context()
other = zmq.Context()
unclosed = other.socket(zmq.PULL)
lock = threading.Lock()
lock.acquire()
push, pull, idle = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL), ctx.socket(zmq.PULL)
full = ctx.socket(zmq.PUSH)
port = pull.bind_to_random_port("tcp://127.0.0.1")
push.connect(f"tcp://127.0.0.1:{{port}}")
body = Body(1000000)
is_back = threading.Event()
ref = weakref.ref(body, lambda ref: is_back.set())
push.send(body, copy=False)
del body

def receive():
    # The peer has it all, so nobody needs the buffer any more.
    pull.recv()
    os._exit(0 if is_back.wait(20) else 1)

thread = threading.Thread(target=receive, daemon=True)
thread.start()
{WAITS[wait]}
""")
    assert done.returncode == 0, done.stderr


def test_a_warning_has_its_source(zmq, ctx) -> None:
    holder = [ctx.socket(zmq.PULL)]
    with pytest.warns(ResourceWarning, match="Unclosed socket") as caught:
        holder.clear()
    assert type(caught[0].source) is zmq.Socket
    holder = [zmq.Context()]
    with pytest.warns(ResourceWarning, match="Unclosed context") as caught:
        holder.clear()
    assert type(caught[0].source) is zmq.Context


def test_shadows_go_quietly(zmq, ctx, recwarn) -> None:
    with ctx.socket(zmq.PULL) as pull:
        zmq.Socket.shadow(pull)
        zmq.Context.shadow(ctx)
        gc.collect()
    assert not recwarn.list


def test_a_failed_start_goes_quietly(zmq, ctx, recwarn) -> None:
    for call in (
        lambda: zmq.Socket(ctx, 999),
        lambda: zmq.Context(-1),
        zmq.Socket,
        lambda: zmq.Socket.__new__(zmq.Socket),
    ):
        with contextlib.suppress(zmq.ZMQError, TypeError):
            call()
        gc.collect()
    assert not recwarn.list


def test_what_is_used_before_it_is_made(zmq, ctx) -> None:
    empty = zmq.Socket.__new__(zmq.Socket)
    assert empty.closed
    empty.close()
    with pytest.raises(zmq.ZMQError) as info:
        empty.send(b"x")
    assert info.value.errno == zmq.ENOTSOCK


BLOCKED = [
    "pull.recv()",
    "pull.recv_multipart()",
    "pull.recv(copy=False)",
    "pull.recv_into(bytearray(8))",
    "pull.poll()",
    "push.send(b'x')",
    "push.send_multipart([b'x'])",
    "zmq.select([pull], [], [])",
]


@pytest.mark.parametrize("call", BLOCKED)
def test_the_program_ends_though_a_thread_is_blocked(run_python, call) -> None:
    done = run_python(f"""
import threading
ctx = zmq.Context.instance()
pull, push = ctx.socket(zmq.PULL), ctx.socket(zmq.PUSH)
started = threading.Event()

def block():
    started.set()
    {call}

threads = [threading.Thread(target=block, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
started.wait()
""")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("order", ["before", "after"])
def test_handlers_of_the_exit_use_sockets(run_python, order) -> None:
    """Whether they are registered before or after the package's own."""
    # pyzmq would have to start a thread, which Python 3.12 refuses by then.
    copy = not run_python.ours
    program = """
def at_exit():
    a, b = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
    b.bind("inproc://exit")
    a.connect("inproc://exit")
    a.send(bytes(100000), copy=COPY)
    print(len(b.recv()), flush=True)
    a.close()
    b.close()
    ctx.term()

ctx = None
""".replace("COPY", str(copy))
    if order == "before":
        program = f"import atexit, sys\nzmq = None\n{program}\natexit.register(at_exit)"
        name = "fastmq" if run_python.ours else "zmq"
        done = run_python.plain(f"{program}\nimport {name} as zmq\nctx = zmq.Context()")
    else:
        done = run_python(
            f"import atexit\n{program}\natexit.register(at_exit)\nctx = zmq.Context()"
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, "100000\n", "")


@pytest.mark.parametrize(
    "program",
    [
        # A cycle that only the last collection finds.
        "s = zmq.Context.instance().socket(zmq.PULL); c = [s]; c.append(c)",
        # Held by a module that goes late.
        "import sys; sys.kept = zmq.Context().socket(zmq.PUSH)",
        # Ended by an error.
        "s = zmq.Context().socket(zmq.PULL); import sys; sys.exit(0)",
        # From within a with, unsent messages and all.
        """
ctx = zmq.Context()
push = ctx.socket(zmq.PUSH)
push.connect("tcp://127.0.0.1:9")
push.send_multipart([b"x", bytes(100000)], copy=False)
push.send(bytes(100000), copy=False, track=True)
frame = zmq.Frame(bytes(100000), copy=False, track=True)
""",
        # Threads that come and go.
        """
import threading
def work():
    with zmq.Context() as ctx, ctx.socket(zmq.PUSH) as a, ctx.socket(zmq.PULL) as b:
        b.bind("inproc://x")
        a.connect("inproc://x")
        a.send(bytes(100000), copy=False)
        b.recv()
for _ in range(4):
    threading.Thread(target=work).start()
""",
    ],
)
def test_other_ends_of_the_program(run_python, program) -> None:
    done = run_python(program)
    assert (done.returncode, done.stderr) == (0, "")


def test_other_interpreters_of_the_process(run_python, ours) -> None:
    if not ours:
        pytest.skip("whatever pyzmq does")
    done = run_python("""
try:
    import _interpreters as interpreters
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        raise SystemExit(0)
other = interpreters.create()
program = "try: import fastmq\\nexcept ImportError: pass"
program += "\\nelse: raise SystemExit('imported')"
try:
    failed = interpreters.run_string(other, program)
except interpreters.RunFailedError as error:
    failed = error
assert failed is None, failed
interpreters.destroy(other)
with zmq.Context() as ctx, ctx.socket(zmq.PULL):
    pass
""")
    assert done.returncode == 0, done.stderr
