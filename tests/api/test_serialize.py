# SPDX-License-Identifier: Apache-2.0
"""Strings, JSON, pickles and the caller's own formats."""

from __future__ import annotations

import json

import pytest

OBJECTS = [None, 5, 1.5, "text", "ü €", [1, [2]], {"a": {"b": [None, True]}}]


@pytest.mark.parametrize("text", ["", "ascii", "ü € \U0001f40d"])
def test_strings(push_pull, text) -> None:
    push, pull = push_pull
    assert push.send_string(text) is None
    assert pull.recv_string() == text
    push.send_unicode(text, encoding="utf-16")
    assert pull.recv_unicode(encoding="utf-16") == text


def test_string_flags(zmq, push_pull) -> None:
    push, pull = push_pull
    push.send_string("a", zmq.SNDMORE)
    push.send_string("b", flags=0, copy=False)
    assert pull.recv_multipart() == [b"a", b"b"]
    with pytest.raises(zmq.Again):
        pull.recv_string(zmq.DONTWAIT)
    with pytest.raises(zmq.Again):
        pull.recv_string(flags=zmq.DONTWAIT)


@pytest.mark.parametrize("body", [b"bytes", 5, None])
def test_what_is_no_string(push_pull, body) -> None:
    with pytest.raises(TypeError, match="str objects only"):
        push_pull[0].send_string(body)


def test_a_string_that_cannot_be_decoded_is_gone(push_pull) -> None:
    push, pull = push_pull
    push.send(b"\xff\xfe")
    push.send(b"next")
    with pytest.raises(UnicodeDecodeError):
        pull.recv_string()
    assert pull.recv_string() == "next"


@pytest.mark.parametrize("value", OBJECTS)
def test_json(push_pull, value) -> None:
    push, pull = push_pull
    push.send_json(value)
    assert pull.recv_json() == value


def test_json_on_the_wire(push_pull) -> None:
    push, pull = push_pull
    push.send_json({"b": "ü", "a": [1, 2]})
    assert pull.recv() == rb'{"b": "\u00fc", "a": [1, 2]}'
    push.send_json({"b": 1, "a": 2}, sort_keys=True, separators=(",", ":"))
    assert pull.recv() == b'{"a":2,"b":1}'


def test_json_arguments(zmq, push_pull) -> None:
    push, pull = push_pull
    push.send_json([1], zmq.SNDMORE)
    push.send_json([1.5], flags=0)
    assert pull.recv_json() == [1]
    assert pull.recv_json(parse_float=str) == ["1.5"]
    with pytest.raises(TypeError):
        push.send_json(object())
    push.send(b"{no json")
    with pytest.raises(json.JSONDecodeError):
        pull.recv_json()
    with pytest.raises(zmq.Again):
        pull.recv_json(zmq.DONTWAIT)


@pytest.mark.parametrize("value", [*OBJECTS, {1, 2}, b"bytes", (1, (2,))])
def test_pickles(push_pull, value) -> None:
    push, pull = push_pull
    push.send_pyobj(value)
    assert pull.recv_pyobj() == value
    push.send_pyobj(value, protocol=2)
    assert pull.recv_pyobj() == value


def test_pickle_flags(zmq, push_pull) -> None:
    push, pull = push_pull
    push.send_pyobj(1, zmq.SNDMORE)
    push.send_pyobj(2, flags=0, protocol=0)
    assert pull.recv_pyobj() == 1
    assert pull.rcvmore
    assert pull.recv_pyobj(flags=0) == 2
    with pytest.raises(zmq.Again):
        pull.recv_pyobj(zmq.DONTWAIT)


@pytest.mark.parametrize("copy", [True, False])
def test_the_callers_own_format(push_pull, copy) -> None:
    push, pull = push_pull

    def serialize(pairs: dict[str, int]) -> list[bytes]:
        return [b"%s=%d" % (key.encode(), value) for key, value in pairs.items()]

    def deserialize(parts: list) -> dict[str, int]:
        found = {}
        for part in parts:
            key, _, value = bytes(part).partition(b"=")
            found[key.decode()] = int(value)
        return found

    push.send_serialized({"a": 1, "b": 2}, serialize, copy=copy)
    assert pull.recv_serialized(deserialize, copy=copy) == {"a": 1, "b": 2}


def test_own_formats_that_fail(zmq, push_pull) -> None:
    push, pull = push_pull
    with pytest.raises(ZeroDivisionError):
        push.send_serialized(0, lambda value: [b"%d" % (1 // value)])
    with pytest.raises(TypeError):
        push.send_serialized("text", lambda text: [text])
    with pytest.raises(zmq.Again):
        pull.recv_serialized(len, zmq.DONTWAIT)
    push.send_multipart([b"1", b"2"])
    assert pull.recv_serialized(len) == 2


def test_everything_is_loaded_in_one_place(zmq, ctx) -> None:
    loaded = []

    class Recorder(zmq.Socket):
        def _deserialize(self, received, load):
            loaded.append(received)
            return load(received)

    with ctx.socket(zmq.PULL, Recorder) as pull, ctx.socket(zmq.PUSH) as push:
        pull.bind("inproc://recorder")
        push.connect("inproc://recorder")
        push.send_string("a")
        push.send_json("b")
        push.send_pyobj("c")
        push.send_multipart([b"d"])
        assert pull.recv_string() == "a"
        assert pull.recv_json() == "b"
        assert pull.recv_pyobj() == "c"
        assert pull.recv_serialized(list) == [b"d"]
    assert loaded[:2] == [b"a", b'"b"']
    assert len(loaded) == 4
