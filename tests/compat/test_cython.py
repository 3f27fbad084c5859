# SPDX-License-Identifier: Apache-2.0
"""Cython code that cimports zmq compiles, and runs on fastmq."""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from source.tree import ROOT

import fastmq

pytest.importorskip("Cython")

PROGRAM = """
from zmq cimport Context, Frame, Socket, libzmq
from zmq.backend.cython.socket cimport Socket as Same


cpdef bytes through(Socket a, Same b, bytes body):
    cdef Frame sent = Frame(body, copy=False)
    a.send(sent)
    cdef Frame got = b.recv(copy=False)
    return got.bytes


def pair():
    cdef Context ctx = Context()
    return ctx, Socket(ctx, libzmq.ZMQ_PUSH), Socket(ctx, libzmq.ZMQ_PULL)
"""
USE = """
import cimports, fastmq
ctx, a, b = cimports.pair()
a.bind("inproc://x"); b.connect("inproc://x")
print(cimports.through(a, b, b"body" * 2000) == b"body" * 2000)
for socket in (a, b):
    socket.close()
ctx.term()
with fastmq.Context() as ctx, ctx.socket(0) as a, ctx.socket(0) as b:
    a.bind("inproc://x"); b.connect("inproc://x")
    print(cimports.through(a, b, b"public classes, too"))
    try:
        cimports.through(a, ctx, b"")
    except TypeError as error:
        print("TypeError")
"""


@pytest.mark.skipif(shutil.which("cc") is None, reason="no compiler")
def test_a_program(tmp_path: Path, run) -> None:
    (tmp_path / "cimports.pyx").write_text(PROGRAM, encoding="utf-8")
    includes = [word for folder in fastmq.get_includes() for word in ("-I", folder)]
    run(sys.executable, "-m", "cython", "-3", *includes, "cimports.pyx")
    library = f"cimports{sysconfig.get_config_var('EXT_SUFFIX')}"
    python = f"-I{sysconfig.get_path('include')}"
    run("cc", "-shared", "-fPIC", "-O0", python, "cimports.c", "-o", library)
    done = run(sys.executable, "-c", USE, PYTHONPATH=str(tmp_path))
    assert done.stdout == "True\nb'public classes, too'\nTypeError\n"


def test_the_numbers() -> None:
    """They are those of the header."""
    folder = Path(fastmq.get_includes()[0])
    text = (folder / "zmq" / "backend" / "cython" / "libzmq.pxd").read_text()
    ours = dict(re.findall(r"^    (ZMQ_\w+) = (\S+)$", text, re.MULTILINE))
    header = (ROOT / "csrc" / "include" / "zmq.h").read_text(encoding="utf-8")
    theirs = re.findall(
        r"^#define (ZMQ_\w+) +\(?(-?\d\w*)\)?\s*$", header, re.MULTILINE
    )
    assert ours == dict(theirs)
