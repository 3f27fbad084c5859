# SPDX-License-Identifier: Apache-2.0
"""Exceptions: their tree, their numbers, their texts."""

from __future__ import annotations

import errno
import pickle
import re
import traceback
from collections import defaultdict
from pathlib import Path

import pytest
from native import ROOT

import fastmq

NUMBERS = {
    "EFSM": (156384763, "Operation cannot be accomplished in current state"),
    "ENOCOMPATPROTO": (
        156384764,
        "The protocol is not compatible with the socket type",
    ),
    "ETERM": (156384765, "Context was terminated"),
    "EMTHREAD": (156384766, "No thread available"),
}


def test_tree(zmq) -> None:
    assert issubclass(zmq.ZMQError, zmq.ZMQBaseError)
    assert issubclass(zmq.ZMQBaseError, Exception)
    assert not issubclass(zmq.ZMQError, OSError)
    for cls in (zmq.Again, zmq.ContextTerminated, zmq.error.InterruptedSystemCall):
        assert issubclass(cls, zmq.ZMQError)
    assert issubclass(zmq.error.InterruptedSystemCall, InterruptedError)
    for cls in (zmq.ZMQBindError, zmq.NotDone):
        assert issubclass(cls, zmq.ZMQBaseError)
        assert not issubclass(cls, zmq.ZMQError)
    assert issubclass(zmq.ZMQVersionError, NotImplementedError)
    assert issubclass(zmq.error.DraftFDWarning, RuntimeWarning)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_its_own(zmq, name) -> None:
    number, text = NUMBERS[name]
    assert getattr(zmq, name) == number
    assert zmq.strerror(number) == text


def test_numbers_of_the_system(zmq) -> None:
    assert zmq.strerror(0) == "Success"
    for name in ("EAGAIN", "EINVAL", "ENOTSOCK", "EADDRINUSE", "EHOSTUNREACH"):
        assert getattr(zmq, name) == getattr(errno, name)
    assert zmq.strerror(errno.EINVAL) == "Invalid argument"
    with pytest.raises(TypeError):
        zmq.strerror("EINVAL")


def test_what_an_error_says(zmq) -> None:
    error = zmq.ZMQError(errno.EINVAL)
    assert error.errno == errno.EINVAL
    assert error.strerror == str(error) == "Invalid argument"
    assert repr(error) == "ZMQError('Invalid argument')"
    assert error.args == (errno.EINVAL,)
    error = zmq.ZMQError(errno.EINVAL, "my text")
    assert (error.errno, str(error)) == (errno.EINVAL, "my text")
    error = zmq.ZMQError("only text")
    assert (error.errno, str(error)) == (None, "only text")


def test_the_last_error(zmq, make) -> None:
    with pytest.raises(zmq.ZMQError):
        make(zmq.PULL).bind("what://ever")
    assert zmq.zmq_errno() == zmq.EPROTONOSUPPORT
    assert zmq.ZMQError().errno == zmq.EPROTONOSUPPORT


def test_special_classes_know_their_number(zmq) -> None:
    for cls, number in (
        (zmq.Again, zmq.EAGAIN),
        (zmq.ContextTerminated, zmq.ETERM),
        (zmq.error.InterruptedSystemCall, errno.EINTR),
    ):
        for error in (cls(), cls(5, "ignored")):
            assert error.errno == number
            assert str(error).startswith(zmq.strerror(number))
    assert zmq.Again().errno is zmq.Errno.EAGAIN


def test_pickles(zmq) -> None:
    for error in (zmq.ZMQError(errno.EINVAL, "text"), zmq.Again(), zmq.ZMQError("t")):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (again.errno, str(again)) == (error.errno, str(error))
        assert again != error


def test_identity(zmq) -> None:
    assert zmq.ZMQError(5) != zmq.ZMQError(5)


def test_versions(zmq) -> None:
    assert zmq.zmq_version_info() == (4, 3, 5)
    assert zmq.zmq_version() == "4.3.5"
    assert zmq.pyzmq_version_info() >= (27, 3)
    assert zmq.pyzmq_version().startswith("27.")
    error = zmq.ZMQVersionError("9.9", "Flying")
    assert str(error) == "Flying requires libzmq >= 9.9, have 4.3.5"


def test_capabilities(zmq, ours) -> None:
    assert zmq.has("ipc") is True
    assert zmq.has("flying") is False
    assert zmq.has("") is False
    with pytest.raises(TypeError):
        zmq.has(b"ipc")
    assert zmq.DRAFT_API is zmq.has("draft") is ours  # a wheel of pyzmq has no drafts


def test_one_handler_for_all(zmq, make) -> None:
    pull = make(zmq.PULL)
    with pytest.raises(zmq.ZMQError) as info:
        pull.recv(zmq.DONTWAIT)
    assert info.value.errno == zmq.EAGAIN
    assert isinstance(info.value, zmq.Again)


def test_arguments_are_kept(zmq) -> None:
    for cls, args in (
        (zmq.ZMQError, (5, "text")),
        (zmq.ZMQError, ("text",)),
        (zmq.ZMQError, ()),
        (zmq.Again, (1, 2)),
        (zmq.ZMQBindError, ("text",)),
        (zmq.NotDone, ()),
        (zmq.ZMQVersionError, ("9.9",)),
        (zmq.ZMQVersionError, ("9.9", "Flying")),
    ):
        error = cls(*args)
        assert error.args == args
        assert pickle.loads(pickle.dumps(error)).args == args


def test_numbers_that_calls_raise_are_plain(zmq, make) -> None:
    with pytest.raises(zmq.ZMQError) as info:
        make(zmq.PULL).send(b"x")
    assert type(info.value.errno) is int
    assert type(info.value) is zmq.ZMQError


def test_representations(zmq) -> None:
    assert repr(zmq.Again()) == "Again('Resource temporarily unavailable')"
    assert repr(zmq.ContextTerminated()) == (
        "ContextTerminated('Context was terminated')"
    )
    assert repr(zmq.ZMQVersionError("9.9")) == (
        "ZMQVersionError('Feature requires libzmq >= 9.9, have 4.3.5')"
    )
    assert repr(zmq.ZMQError("x")) == "ZMQError('x')"


def wrong_calls() -> list[BaseException]:
    """Call every method of a closed and of an open socket with what it cannot take."""
    errors = []
    for name in sorted(set(vars(fastmq._core.Socket)) - set(vars(object))):
        for arguments in ((), (object(),), (b"x",), (1, object()), ({}, [], ())):
            with fastmq.Context() as context, context.socket(fastmq.PULL) as socket:
                socket.setsockopt(fastmq.RCVTIMEO, 0)
                for _ in range(2):
                    try:
                        getattr(socket, name)(*arguments)
                    except Exception as error:
                        errors.append(error)
                    socket.close()
    return errors


def function_at(frame: traceback.FrameSummary) -> str:
    """Return the name of the function that is written around that line."""
    lines = (ROOT / frame.filename).read_text().splitlines()
    n = frame.lineno or 0
    while lines[n - 1].lstrip().startswith("@"):
        n += 1
    del lines[n:]
    depth = len(lines[-1]) - len(lines[-1].lstrip())
    for line in reversed(lines):
        found = re.match(r"( *)(?:async )?(?:cdef|cpdef|def) [^=]*?(\w+)\(", line)
        if found and (len(found[1]) < depth or line is lines[-1]):
            return found[2]
    raise AssertionError(frame)


def test_tracebacks_name_the_functions_that_were_in_it() -> None:
    """Also where functions of two files are on lines of the same number."""
    files = defaultdict(set)
    for error in wrong_calls():
        for frame in traceback.extract_tb(error.__traceback__):
            if Path(frame.filename).suffix == ".pxi":
                name = frame.name.split(" ")[0].rpartition(".")[2]
                assert name == function_at(frame), frame
                files[frame.lineno].add(frame.filename)
    assert any(len(found) > 1 for found in files.values())
