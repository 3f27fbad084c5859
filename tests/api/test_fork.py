# SPDX-License-Identifier: Apache-2.0
"""Processes that fork with contexts and sockets open."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")

# The thread sanitizer gives up in a child that starts threads.
starts_threads = pytest.mark.skipif(
    os.environ.get("FASTMQ_SANITIZER") == "tsan",
    reason="no threads after fork under the thread sanitizer",
)

# The parent's sockets, then what the child does, then what the parent can still do.
PROGRAM = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
warnings.simplefilter("{warnings}", ResourceWarning)
ctx = zmq.Context()
instance = zmq.Context.instance()
push, pull = ctx.socket(zmq.PUSH), ctx.socket(zmq.PULL)
pull.rcvtimeo = 10_000
port = pull.bind_to_random_port("tcp://127.0.0.1")
push.connect(f"tcp://127.0.0.1:{{port}}")
push.send(b"before")
assert pull.recv() == b"before"
pid = os.fork()
if pid == 0:
    status = 1
    try:
{child}
        status = 0
    finally:
        {end}
_, status = os.waitpid(pid, 0)
assert status == 0, status
assert not push.closed and not pull.closed and not ctx.closed
for i in range(100):
    push.send(b"%d" % i)
assert [pull.recv() for _ in range(100)] == [b"%d" % i for i in range(100)]
assert zmq.Context.instance() is instance
push.close()
pull.close()
ctx.term()
instance.term()
"""


def check(run_python, child: str, end: str = "os._exit(status)") -> None:
    lines = "\n".join(" " * 8 + line for line in child.strip().splitlines())
    # pyzmq warns of the parent's sockets in the child.
    warnings = "error" if run_python.ours else "ignore"
    done = run_python(PROGRAM.format(child=lines, end=end, warnings=warnings))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_child_does_nothing(run_python) -> None:
    check(run_python, "pass")


def test_the_child_ends_as_programs_do(run_python) -> None:
    check(run_python, "pass", "sys.exit(status)")


def test_the_child_closes(run_python) -> None:
    check(
        run_python,
        """
push.close()
pull.close(linger=0)
ctx.term()
assert ctx.closed
""",
    )


def test_the_child_destroys(run_python) -> None:
    check(run_python, "ctx.destroy(linger=0)\nassert ctx.closed")


def test_the_child_forgets(run_python) -> None:
    check(run_python, "import gc\ndel push, pull, ctx, instance\ngc.collect()")


@starts_threads
def test_the_child_has_contexts_of_its_own(run_python) -> None:
    check(
        run_python,
        """
mine = zmq.Context.instance()
assert mine is not instance
with zmq.Context() as other:
    with mine.socket(zmq.PUSH) as a, other.socket(zmq.PULL) as b:
        b.rcvtimeo = 10_000
        b_port = b.bind_to_random_port("tcp://127.0.0.1")
        a.connect(f"tcp://127.0.0.1:{b_port}")
        a.send(b"in the child")
        assert b.recv() == b"in the child"
mine.term()
""",
    )


@starts_threads
def test_the_child_connects_to_the_parent(run_python) -> None:
    check(
        run_python,
        """
with zmq.Context() as own, own.socket(zmq.PUSH) as mine:
    mine.connect(f"tcp://127.0.0.1:{port}")
""",
    )


def test_using_an_inherited_socket(run_python, ours) -> None:
    if not ours:
        pytest.skip("anything may happen")
    check(
        run_python,
        """
for call in (
    lambda: push.send(b"x"),
    lambda: push.send_multipart([b"x"]),
    lambda: pull.recv(zmq.DONTWAIT),
    lambda: pull.recv(),
    lambda: pull.get(zmq.LINGER),
    lambda: pull.bind("inproc://child"),
    lambda: pull.poll(0),
    lambda: ctx.socket(zmq.PULL),
):
    try:
        call()
    except zmq.ZMQError as error:
        assert "belongs to the process that made it" in str(error)
        continue
    raise AssertionError("an inherited socket was used")
""",
    )


@starts_threads
def test_buffers_lent_in_the_child_come_back(run_python) -> None:
    """Even if the parent lent some before it forked."""
    lend = """
with zmq.Context() as own, own.socket(zmq.PUSH) as a, own.socket(zmq.PULL) as b:
    b.rcvtimeo = 10_000
    a.connect("tcp://127.0.0.1:%d" % b.bind_to_random_port("tcp://127.0.0.1"))
    body = bytearray(1_000_000)
    tracker = a.send(body, copy=False, track=True)
    assert len(b.recv()) == 1_000_000
    tracker.wait(10)
    body.clear()
"""
    assert run_python(lend).returncode == 0
    before = f"exec({lend!r}, globals())\n"
    done = run_python(
        before
        + """
import os, warnings
warnings.simplefilter("ignore")
pid = os.fork()
if pid == 0:
    status = 1
    try:
        """
        + before.strip()
        + """
        status = 0
    finally:
        os._exit(status)
assert os.waitpid(pid, 0)[1] == 0
"""
        + before
    )
    assert done.returncode == 0, done.stderr
