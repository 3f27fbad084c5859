# SPDX-License-Identifier: Apache-2.0
"""Decorators that make a context or a socket for a call."""

from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture
def give(zmq: Any) -> Any:
    return importlib.import_module(f"{zmq.__name__}.decorators")


def test_by_position(zmq: Any, give: Any) -> None:
    @give.context()
    @give.socket(zmq.PUB)
    @give.socket(zmq.SUB)
    def f(one: int, ctx: Any, pub: Any, sub: Any, *, two: int) -> Any:
        """What it says."""
        assert (one, two) == (1, 2)
        assert type(ctx) is zmq.Context
        assert pub.context is sub.context is ctx
        assert (pub.type, sub.type) == (zmq.PUB, zmq.SUB)
        return ctx, pub, sub

    made = f(1, two=2)
    assert all(thing.closed for thing in made)
    assert (f.__name__, f.__doc__) == ("f", "What it says.")
    # Each call has its own.
    assert all(a is not b for a, b in zip(made, f(1, two=2), strict=True))


def test_by_name(zmq: Any, give: Any) -> None:
    @give.context("context", io_threads=2)
    @give.socket("pub", zmq.PUB, copy_threshold=5)
    @give.socket(name="sub", socket_type=zmq.SUB)
    def f(sub: Any, pub: Any, context: Any) -> None:
        assert context.io_threads == 2
        assert pub.context is sub.context is context
        assert pub.copy_threshold == 5
        assert sub.type == zmq.SUB

    f()
    for name in ("pub", "context"):
        with pytest.raises(TypeError, match=rf"f\(\) got multiple values.*'{name}'"):
            f(**{name: 3})


def test_which_context(zmq: Any, give: Any) -> None:
    @give.socket("s", zmq.PULL)
    def f(*args: Any, s: Any, **kwargs: Any) -> Any:
        return s.context

    @give.socket("s", zmq.PULL, context_name="other")
    def g(*args: Any, s: Any, **kwargs: Any) -> Any:
        return s.context

    with zmq.Context() as a, zmq.Context() as b:
        assert f(1, a, b) is a
        assert f(a, context=b) is b
        assert f(b, other=a) is b
        assert g(b, other=a) is a
        assert f(context=3) is f() is g(context=a) is zmq.Context.instance()
    zmq.Context.instance().term()


def test_an_exception_closes_it(zmq: Any, give: Any, ctx: Any) -> None:
    made = []

    @give.socket(zmq.PULL)
    def f(context: Any, pull: Any) -> None:
        made.append(pull)
        raise KeyError

    with pytest.raises(KeyError):
        f(ctx)
    assert made[0].closed


def test_methods(zmq: Any, give: Any, ctx: Any) -> None:
    class Thing:
        @give.socket(zmq.PULL)
        def f(self, context: Any, pull: Any) -> Any:
            assert isinstance(self, Thing)
            return pull.type

    assert Thing().f(ctx) == zmq.PULL


def test_what_is_no_socket(zmq: Any, give: Any, ctx: Any) -> None:
    @give.socket(12345)
    def f(*args: Any) -> None:
        raise AssertionError

    with pytest.raises(zmq.ZMQError):
        f(ctx)

    @give.socket()
    def g(*args: Any) -> None:
        raise AssertionError

    with pytest.raises(TypeError):
        g(ctx)
