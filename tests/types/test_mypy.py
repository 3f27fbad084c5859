# SPDX-License-Identifier: Apache-2.0
"""What type checkers see: the stub is right, and the overloads do what they are for."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from examples.programs import PROGRAMS

pytest.importorskip("mypy")
pytestmark = pytest.mark.timeout(120)

# Python 3.12 gives every exporter of buffers this method.
ALLOWED = "fastmq._core.Frame.__buffer__\n"

# Each line: an expression, and what its type is called.
REVEALED = """
ctx                                       Context[Socket[bytes]]
fastmq.Context.instance()                 Context[Socket[bytes]]
fastmq.Context.instance().socket(7)       Socket[bytes]
socket                                    Socket[bytes]
ctx.socket(fastmq.PULL, Mine)             Mine
ctx.socket(7, socket_class=Mine)          Mine
ctx.socket(7, copy_threshold=0)           Socket[bytes]
socket.recv()                             bytes
socket.recv(0, True)                      bytes
socket.recv(copy=False)                   Frame
socket.recv(0, False)                     Frame
socket.recv_multipart()                   list[bytes]
socket.recv_multipart(0, False)           list[Frame]
socket.recv_multipart(copy=False)         list[Frame]
socket.send(b"", copy=False, track=True)  MessageTracker
socket.poll()                             int
socket.linger                             int
socket.LINGER                             int
socket.identity                           bytes
socket.last_endpoint                      bytes
socket.type                               SocketType
socket.bind("").__enter__()               Socket[bytes]
fastmq.PUSH                               SocketType
actx.socket(7).recv()                     Future[bytes]
actx.socket(7).recv_string()              Future[str]
actx.socket(7).recv_multipart(copy=False)  Future[list[Frame]]
actx.socket(7).poll()                     Future[int]
fastmq.POLLIN                             PollEvent
fastmq.Frame(b"").bytes                   bytes
"""
GOOD = """
socket.send(bytearray(4), fastmq.DONTWAIT | fastmq.SNDMORE)
socket.send(fastmq.Frame(b"x"))
socket.send_multipart([b"1", bytearray(1), fastmq.Frame(b"x")])
socket.linger = 5
socket.identity = b"x"
socket.hwm = 5
ctx.linger = 5
fastmq.Poller().register(socket, fastmq.POLLIN | fastmq.POLLOUT)
"""
BAD = """
socket.send("text")
socket.linger = "long"
socket.identity = "text"
socket.no_such_attribute
fastmq.NO_SUCH_CONSTANT
"""
PROGRAM = """
import fastmq
import fastmq.asyncio
class Mine(fastmq.Socket[bytes]): ...
ctx = fastmq.Context()
actx = fastmq.asyncio.Context()
socket = ctx.socket(fastmq.PUSH)
"""


def mypy(program: str, tmp_path, **environment: str) -> list[str]:
    """Return what mypy says, without the places and without the modules of types."""
    (tmp_path / "program.py").write_text(program)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    command += ["--cache-dir", str(tmp_path / "cache"), "program.py"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, **environment},
    )
    assert not done.stderr
    said = re.findall(r"^program.py:\d+: (.*)$", done.stdout, re.MULTILINE)
    return [re.sub(r"\b(?:fastmq|program)\.(?:\w+\.)?", "", line) for line in said]


def test_types(tmp_path) -> None:
    rows = [re.split(r"  +", line) for line in REVEALED.strip().splitlines()]
    program = PROGRAM + "".join(f"reveal_type({row[0]})\n" for row in rows) + GOOD
    assert mypy(program, tmp_path) == [
        f'note: Revealed type is "{row[1]}"' for row in rows
    ]


def test_arrays_are_buffers(tmp_path) -> None:
    pytest.importorskip("numpy")
    program = PROGRAM + "import numpy\narray = numpy.zeros(3)\n"
    program += "socket.send(array)\nsocket.recv_into(array)\n"
    program += "socket.send_multipart([b'', array])\nfastmq.Frame(array)\n"
    assert mypy(program, tmp_path) == []


def test_mistakes_are_found(tmp_path) -> None:
    said = mypy(PROGRAM + BAD, tmp_path)
    errors = [line for line in said if line.startswith("error: ")]
    assert len(errors) == len(BAD.strip().splitlines())


def test_the_examples(tmp_path) -> None:
    for path in PROGRAMS:
        assert mypy(path.read_text(encoding="utf-8"), tmp_path) == [], path


def test_programs_that_import_zmq(tmp_path) -> None:
    """With the package under pyzmq's name, programs type-check as they are."""
    package = Path(importlib.util.find_spec("fastmq").origin).parent
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "zmq").symlink_to(package)
    program = "import zmq\nsocket = zmq.Context().socket(zmq.PULL)\n"
    program += "reveal_type(socket.recv())\nreveal_type(socket.recv(copy=False))\n"
    said = mypy(program, tmp_path, MYPYPATH=str(tmp_path / "stubs"))
    assert said == [
        'note: Revealed type is "bytes"',
        'note: Revealed type is "zmq.frame.Frame"',
    ]


@pytest.mark.parametrize("library", ["fastmq", "zmq"])
def test_classes_are_generic_at_run_time(library) -> None:
    zmq = importlib.import_module(library)
    alias = zmq.Context[zmq.Socket[bytes]]
    with alias() as ctx, zmq.Socket[bytes](ctx, zmq.PULL) as pull:
        assert type(ctx) is zmq.Context
        assert type(pull) is zmq.Socket

    class Mine(zmq.Socket[bytes]):
        pass

    class MyContext(zmq.Context[Mine]):
        _socket_class = Mine

    with MyContext() as ctx, ctx.socket(zmq.PULL) as pull:
        assert type(pull) is Mine


def test_the_stub_of_the_extension(tmp_path) -> None:
    allowed = tmp_path / "allowed.txt"
    allowed.write_text(ALLOWED)
    command = [sys.executable, "-m", "mypy.stubtest", "--concise"]
    command += [
        "--ignore-unused-allowlist",
        "--allowlist",
        str(allowed),
        "fastmq._core",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
