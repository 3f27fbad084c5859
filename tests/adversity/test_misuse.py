# SPDX-License-Identifier: Apache-2.0
"""Whatever a program hands in: an error that says what is wrong, and never a crash.

Arguments of any type and size, and objects that call back into the socket in the
middle of a call: close it, use it, or fail.
"""

from __future__ import annotations

import array
import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

import fastmq
import fastmq.asyncio

# What a call may say of what it does not like.
CLEAR = (
    TypeError,
    ValueError,
    OverflowError,
    AttributeError,
    BufferError,
    LookupError,
    NotImplementedError,
    fastmq.ZMQError,
)
FEW, MANY = 15, 1000
# They wait for something, take what was pickled, make sockets, or only say that they
# are not there.
LEFT_OUT = {"recv_pyobj", "recv_serialized", "poll", "shadow", "bind_to_random_port"}
LEFT_OUT |= {"get_monitor_socket", "join", "leave"}
METHODS = sorted(
    name
    for name, method in inspect.getmembers(fastmq.Socket, callable)
    if not name.startswith("_") and name not in LEFT_OUT
)
OPTIONS = sorted(int(option) for option in fastmq.SocketOption)


@pytest.fixture(autouse=True)
def home(tmp_path: Any) -> None:
    set_hypothesis_home_dir(tmp_path / "hypothesis")


def often(n: int) -> Callable[..., Any]:
    """Run a test with this many inputs, the same ones each time."""
    return hypothesis.settings(
        max_examples=n,
        database=None,
        deadline=None,
        derandomize=n == FEW,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


@pytest.fixture(
    params=[FEW, pytest.param(MANY, marks=[pytest.mark.fuzz, pytest.mark.timeout(900)])]
)
def n_inputs(request: pytest.FixtureRequest) -> int:
    return int(request.param)


class Odd:
    """Is like nothing else."""


TEXT = st.text(alphabet="abc:/*é\0%", max_size=20)
SIZES = st.integers(-(2**70), 2**70) | st.integers(-2, 70)
SIMPLE = (
    st.none()
    | st.booleans()
    | SIZES
    | st.floats()
    | st.binary(max_size=300)
    | TEXT
    | st.builds(Odd)
    | st.builds(bytearray, st.binary(max_size=20))
    | st.builds(lambda data: memoryview(data)[::2], st.binary(max_size=20))
    | st.builds(lambda: memoryview(array.array("d", [1.0, 2.0])))
    | st.builds(lambda: fastmq.Frame(b"frame"))
    | st.sampled_from(OPTIONS)
    | st.sampled_from(["tcp://", "tcp://x:y", "ipc://", "inproc://a", "inproc://"])
)
ANYTHING = SIMPLE | st.lists(SIMPLE, max_size=4) | st.dictionaries(TEXT, SIMPLE)


@pytest.fixture
def context() -> Iterator[fastmq.Context[Any]]:
    made = fastmq.Context()
    made.linger = 0
    yield made
    made.destroy(linger=0)


def hasty(context: fastmq.Context[Any], kind: Any) -> fastmq.Socket[Any]:
    """Return a socket that waits for nothing."""
    socket = context.socket(kind)
    socket.rcvtimeo = socket.sndtimeo = socket.linger = 0
    return socket


def pair(context: fastmq.Context[Any]) -> tuple[Any, Any]:
    """Return two that are joined, with something to receive at each."""
    a, b = hasty(context, fastmq.PAIR), hasty(context, fastmq.PAIR)
    name = f"inproc://{id(a)}"
    a.bind(name)
    b.connect(name)
    for socket in (a, b):
        for _ in range(3):
            socket.send_multipart([b"something", b"more"])
    return a, b


@pytest.mark.parametrize("name", METHODS)
def test_arguments(name: str, n_inputs: int, context: fastmq.Context[Any]) -> None:
    @often(n_inputs)
    @hypothesis.given(
        st.sampled_from([fastmq.PAIR, fastmq.ROUTER, fastmq.XPUB, fastmq.SUB]),
        st.lists(ANYTHING, max_size=4),
    )
    def call(kind: Any, arguments: list[Any]) -> None:
        with hasty(context, kind) as socket, suppress(*CLEAR):
            getattr(socket, name)(*arguments)

    call()


@pytest.mark.parametrize("make", [fastmq.Frame, fastmq.Context, fastmq.Poller])
def test_arguments_of_others(make: Any, n_inputs: int) -> None:
    @often(n_inputs)
    @hypothesis.given(st.lists(ANYTHING, max_size=3), st.lists(ANYTHING, max_size=3))
    def call(arguments: list[Any], more: list[Any]) -> None:
        with suppress(*CLEAR, fastmq.ZMQBaseError):
            made = make(*arguments)
            for name in ("register", "modify", "get", "set", "socket"):
                with suppress(*CLEAR):
                    got = getattr(made, name)(*more)
                    if isinstance(got, fastmq.Socket):
                        got.close(0)
            if isinstance(made, fastmq.Context):
                made.destroy(linger=0)

    call()


# --- what calls back ---


class Failed(Exception):
    pass


def close(a: Any, b: Any) -> None:
    a.close()


def close_both(a: Any, b: Any) -> None:
    a.close()
    b.close()


def use(a: Any, b: Any) -> None:
    a.send(b"in the middle")
    b.recv_multipart(fastmq.DONTWAIT)
    a.recv_multipart(fastmq.DONTWAIT)


def answer(a: Any, b: Any) -> None:
    b.send(b"in between")


def give_up(a: Any, b: Any) -> None:
    raise Failed


def destroy(a: Any, b: Any) -> None:
    a.context.destroy(linger=0)


ACTIONS = [close, close_both, use, give_up, destroy]


class Caller:
    """Acts once, whatever it is asked."""

    def __init__(self, action: Callable[[], None], value: Any) -> None:
        self.action: Callable[[], None] | None = action
        self.value = value

    def act(self) -> Any:
        action, self.action = self.action, None
        if action is not None:
            action()
        return self.value

    def __index__(self) -> int:
        return int(self.act())

    __int__ = __bool__ = __len__ = __index__

    def __iter__(self) -> Iterator[Any]:
        yield b"before"
        yield self.act()
        yield b"after"

    def __str__(self) -> str:
        return str(self.act())

    def __bytes__(self) -> bytes:
        return b"%r" % self.act()

    def __getitem__(self, _: Any) -> Any:
        return self.act()


class Dying(bytearray):
    """Acts when nobody holds it any more."""

    action: Callable[[], None] | None = None

    def __del__(self) -> None:
        if self.action is not None:
            with suppress(*CLEAR, Failed):
                self.action()


CALLS: dict[str, Callable[[Any, Caller], Any]] = {
    "send flags": lambda s, c: s.send(b"x", c),
    "send data": lambda s, c: s.send(c),
    "send parts": lambda s, c: s.send_multipart(c),
    "send flags of parts": lambda s, c: s.send_multipart([b"x", b"y"], c),
    "send many": lambda s, c: s.send_many(c),
    "send many parts": lambda s, c: s.send_multipart_many([c, [b"x"]]),
    "receive flags": lambda s, c: s.recv(c),
    "receive flags of parts": lambda s, c: s.recv_multipart(c),
    "receive many": lambda s, c: s.recv_many(c),
    "receive into": lambda s, c: s.recv_into(bytearray(100), nbytes=c),
    "receive a frame": lambda s, c: s.recv(copy=c),
    "poll time": lambda s, c: s.poll(c),
    "option": lambda s, c: s.set(c, 1),
    "value": lambda s, c: s.set(fastmq.LINGER, c),
    "get": lambda s, c: s.get(c),
    "endpoint": lambda s, c: s.connect(c),
    "topic": lambda s, c: s.subscribe(c),
    "serialize": lambda s, c: s.send_serialized(1, lambda _: c),
    "deserialize": lambda s, c: s.recv_serialized(lambda _: c.act()),
    "linger": lambda s, c: s.close(c),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("call", CALLS)
def test_in_the_middle_of_a_call(
    call: str, action: Callable[[Any, Any], None], context: fastmq.Context[Any]
) -> None:
    for value in (0, 1, b"body", "text", None):
        a, b = pair(context)
        caller = Caller(partial(action, a, b), value)
        with suppress(*CLEAR, fastmq.ZMQBaseError, Failed):
            CALLS[call](a, caller)
        for socket in (a, b):
            with suppress(fastmq.ZMQError):
                socket.send(b"still there")
                socket.recv_multipart()
            socket.close(0)
        if action is destroy:
            break


@pytest.mark.parametrize("action", [answer, close, close_both, give_up, destroy])
@pytest.mark.parametrize("transport", ["inproc://x", "tcp://127.0.0.1:*"])
def test_when_a_lent_body_comes_back(
    action: Callable[[Any, Any], None], transport: str
) -> None:
    with fastmq.Context() as context:
        a, b = context.socket(fastmq.PAIR), context.socket(fastmq.PAIR)
        a.bind(transport)
        b.connect(a.last_endpoint)
        for socket in (a, b):
            socket.rcvtimeo = 10_000
        for _ in range(3):
            with suppress(fastmq.ZMQError):
                body = Dying(200_000)
                body.action = partial(action, a, b)
                a.send(body, copy=False)
                del body
                assert len(b.recv()) == 200_000
        context.destroy(linger=0)


@pytest.mark.parametrize("action", [close, close_both, destroy])
def test_when_a_future_ends(action: Callable[[Any, Any], None]) -> None:
    async def run() -> None:
        context = fastmq.asyncio.Context()
        a, b = context.socket(fastmq.PAIR), context.socket(fastmq.PAIR)
        a.bind("inproc://futures")
        b.connect("inproc://futures")
        waiting = [a.recv() for _ in range(3)]
        waiting[0].add_done_callback(lambda _: action(a, b))
        await b.send_multipart([b"for the first"])
        await asyncio.wait_for(asyncio.wait(waiting), 10)
        assert waiting[0].result() == b"for the first"
        for future in waiting[1:]:
            assert future.cancelled() or isinstance(
                future.exception(), fastmq.ZMQError | asyncio.CancelledError
            )
        context.destroy(linger=0)

    asyncio.run(run())
