# SPDX-License-Identifier: Apache-2.0
"""Names that programs reach for behind the public ones, and deprecated spellings."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
from patterns.conftest import until


@pytest.fixture
def module(zmq: Any) -> Any:
    """Return a function that imports a module of the package."""

    def load(name: str) -> Any:
        return importlib.import_module(f"{zmq.__name__}.{name}")

    return load


def test_sugar(zmq: Any, module: Any) -> None:
    """The classes are the public ones."""
    for name, members in {
        "sugar.context": ["Context"],
        "sugar.socket": ["Socket", "_SocketContext"],
        "sugar.frame": ["Frame", "Message"],
        "sugar.poll": ["Poller", "select"],
        "sugar.tracker": ["MessageTracker", "_FINISHED_TRACKER"],
        "sugar.stopwatch": ["Stopwatch"],
        "sugar": ["Context", "Socket", "Frame", "Poller", "ZMQError", "device"],
    }.items():
        for member in members:
            found = getattr(module(name), member)
            assert found is getattr(zmq, member, found), member
    setter = module("sugar.attrsettr").AttributeSetter
    assert issubclass(zmq.Socket, setter)
    assert zmq.sugar is module("sugar")


def test_backend(zmq: Any, module: Any, ctx: Any) -> None:
    """The bases of the public classes; no Python object can be set on them."""
    backend = module("backend")
    assert zmq.backend is backend
    for name in ("Context", "Socket", "Frame"):
        base = getattr(backend, name)
        assert issubclass(getattr(zmq, name), base)
        assert base is getattr(module("backend.cython"), name)
        with pytest.raises(TypeError):
            base.send = None
    assert isinstance(backend.Socket.__module__, str)
    assert backend.Message is backend.Frame
    with ctx.socket(zmq.PULL) as pull:
        assert backend.zmq_poll([(pull, zmq.POLLIN)], 0) == []
    assert backend.zmq_version_info() == zmq.zmq_version_info()
    assert "Socket" in module("backend.select").public_api
    found = backend.select_backend(f"{zmq.__name__}.backend.cython")
    assert found["Socket"] is backend.Socket
    with pytest.raises(ImportError):
        backend.select_backend("no_such.backend")


def test_versions(zmq: Any, module: Any) -> None:
    version = module("sugar.version")
    numbers = (version.VERSION_MAJOR, version.VERSION_MINOR, version.VERSION_PATCH)
    assert numbers == version.version_info == zmq.pyzmq_version_info()
    assert version.__version__ == version.pyzmq_version() == zmq.pyzmq_version()
    assert version.VERSION_EXTRA == version.__revision__ == zmq.__revision__ == ""


def test_places(zmq: Any) -> None:
    package = Path(zmq.__file__).parent
    includes = [Path(folder) for folder in zmq.get_includes()]
    assert {package.parent, package / "utils"} <= {*includes}
    assert all(folder.is_dir() for folder in includes)
    assert zmq.get_library_dirs() == [str(package)]


def test_stopwatch(zmq: Any) -> None:
    with pytest.warns(DeprecationWarning, match="Stopwatch is deprecated") as warned:
        watch = zmq.Stopwatch()
    assert warned[0].filename == __file__
    watch.start()
    assert 0 <= watch.stop() < 10_000_000
    assert type(watch.stop()) is int


def test_strtypes(module: Any) -> None:
    types = module("utils.strtypes")
    for name, results in {
        "cast_bytes": (b"\xc3\xa4", b"\xe4"),
        "asbytes": (b"\xc3\xa4", b"\xe4"),
        "b": (b"\xc3\xa4", b"\xe4"),
    }.items():
        function = getattr(types, name)
        with pytest.warns(DeprecationWarning, match="strtypes is deprecated") as warned:
            assert function("ä") == results[0]
        assert warned[0].filename == __file__
        with pytest.warns(DeprecationWarning):
            assert function("ä", "latin-1") == results[1]
        with pytest.warns(DeprecationWarning):
            assert function(b"ready") == b"ready"
    for name in ("cast_unicode", "u"):
        function = getattr(types, name)
        with pytest.warns(DeprecationWarning):
            assert function(b"\xc3\xa4") == "ä"
        with pytest.warns(DeprecationWarning):
            assert function("ready", errors="ignore") == "ready"
    for name in types.__all__:
        function = getattr(types, name)
        if not isinstance(function, (type, tuple)):
            with pytest.warns(DeprecationWarning), pytest.raises(TypeError):
                function(3)
    assert (types.unicode, types.bytes, types.basestring) == (str, bytes, (str,))


def test_win32(module: Any) -> None:
    allow = module("utils.win32").allow_interrupt
    called: list[int] = []
    with allow(), allow(lambda: called.append(1)) as entered:
        assert entered is None
    assert called == []


class TestGarbage:
    """What is lent; in pyzmq it is also what keeps it."""

    def test_what_is_lent(self, zmq: Any, module: Any) -> None:
        gc = module("utils.garbage").gc
        bodies = [bytearray(b"x" * 100_000), b"y" * 100_000]
        frames = [zmq.Frame(body, copy=False, track=True) for body in bodies]
        # What other tests lent may still be there, and go at any time.
        refs = {**gc.refs}
        (first,), (second,) = (
            [key for key, loan in refs.items() if loan.obj is body] for body in bodies
        )
        assert gc.refs[first].event is frames[0].tracker_event
        assert gc.refs[first].obj is bodies[0]
        del frames[0]
        until(lambda: first not in gc.refs)
        assert gc.refs[second].obj is bodies[1]
        del frames
        until(lambda: second not in gc.refs)

    def test_names(self, module: Any, ours: bool) -> None:
        garbage = module("utils.garbage")
        gc = garbage.gc
        assert isinstance(gc, garbage.GarbageCollector)
        assert gc.url == "inproc://pyzmq.gc.01"
        if not ours:
            return
        # There is no thread, and nothing to be done with it.
        gc.start()
        assert (gc.thread, gc.is_alive(), gc.store(b"x")) == (None, False, 0)
        gc.stop()
        with pytest.raises(RuntimeError):
            garbage.GarbageCollectorThread(gc)


def test_a_socket_that_is_closed_says_so_first(zmq: Any, make: Any) -> None:
    socket = make(zmq.PULL)
    socket.close()
    for verb in ("bind", "connect", "unbind", "disconnect"):
        for addr in ("", b"", "nowhere", "tcp://", "tcp://127.0.0.1:1"):
            with pytest.raises(zmq.ZMQError) as caught:
                getattr(socket, verb)(addr)
            assert caught.value.errno == zmq.ENOTSOCK


def test_options_of_a_context_that_cannot_be_read(zmq: Any, ctx: Any) -> None:
    for name in ("THREAD_AFFINITY_CPU_ADD", "thread_affinity_cpu_remove"):
        with pytest.raises(AttributeError, match=f"{name} attribute is write-only"):
            getattr(ctx, name)
