# SPDX-License-Identifier: Apache-2.0
"""A program that closes the library again while threads live that have used it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from native import BUILD, build, locked, patient

PROGRAM = """
import _ctypes
import ctypes
import sys
import threading

used, closed = threading.Event(), threading.Event()


def use(lib):
    lib.zmq_ctx_new.restype = lib.zmq_socket.restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.zmq_ctx_new())
    a = ctypes.c_void_p(lib.zmq_socket(context, 0))
    b = ctypes.c_void_p(lib.zmq_socket(context, 0))
    assert lib.zmq_bind(a, b"tcp://127.0.0.1:*") == 0
    name, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
    assert lib.zmq_getsockopt(a, 32, name, ctypes.byref(size)) == 0
    assert lib.zmq_connect(b, name) == 0
    for _ in range(10):
        assert lib.zmq_send(b, b"hello", 5, 0) == 5
        assert lib.zmq_recv(a, name, 64, 0) == 5
    assert lib.zmq_close(a) == lib.zmq_close(b) == lib.zmq_ctx_term(context) == 0


def run():
    lib = ctypes.CDLL(sys.argv[1])
    use(lib)
    _ctypes.dlclose(lib._handle)
    used.set()
    closed.wait()


thread = threading.Thread(target=run)
thread.start()
used.wait()
use(ctypes.CDLL(sys.argv[1]))
closed.set()
thread.join()
print("ok")
"""


@patient
def test_closed_by_a_living_thread() -> None:
    if os.environ.get("FASTMQ_SANITIZER"):
        pytest.skip("the sanitizer's library would have to come first")
    with locked(BUILD / "dev"):
        library = build("dev") / "libfastmq.so"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(library)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "ok\n", (done.returncode, done.stderr)
