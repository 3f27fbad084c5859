# SPDX-License-Identifier: Apache-2.0
"""What the tests of patterns share: both libraries in every pairing, pyzmq's own too.

A test that runs on (zmq, zmq) as well is fair: it asks of ours what libzmq does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from interop.conftest import (  # noqa: F401
    OURS,
    PAIRS,
    folder,
    fresh,
    held,
    held_endpoint,
    name_pair,
    transport,
    wildcard,
    world,
)
from patterns.rawpeer import RawPeer, accept, connected, listening


@pytest.fixture(params=[*PAIRS, ("zmq", "zmq")], ids=name_pair)
def libs(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Names of the libraries at the two ends."""
    return request.param


@pytest.fixture(params=[OURS, "zmq"])
def library(request: pytest.FixtureRequest) -> str:
    """One library, for both ends and over inproc."""
    return request.param


@contextmanager
def refuses(*errnos: int) -> Iterator[None]:
    """Expect an error of either library with one of these numbers."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        yield
    assert getattr(caught.value, "errno", None) in errnos, caught.value


def until(attempt: Callable[[], Any], what: str = "") -> Any:
    """Return the first true answer of `attempt`, which waits by itself a little."""
    deadline = time.monotonic() + 20
    while not (answer := attempt()):
        assert time.monotonic() < deadline, what or attempt
    return answer


def last(made: Any) -> str:
    """Return the endpoint a socket was bound to last."""
    return made.getsockopt_string(32)


def ends(who: str, library: str, sockets: Any) -> Callable[..., Any]:
    """Return a function that makes a socket, which is `who`, and a raw peer of it."""

    @contextmanager
    def make(kind: str, **options: Any) -> Iterator[tuple[Any, RawPeer]]:
        made = sockets.socket(library, kind, **options)
        if who == "binds":
            made.bind("tcp://127.0.0.1:*")
            with connected(last(made)) as peer:
                yield made, peer
        else:
            with listening() as (listener, endpoint):
                made.connect(endpoint)
                peer = accept(listener)
                with closing(peer.socket):
                    yield made, peer

    return make


@pytest.fixture(params=["binds", "connects"])
def end(
    request: pytest.FixtureRequest,
    library: str,
    world: Any,  # noqa: F811
) -> Callable[..., Any]:
    """Return a function that makes a socket and a raw peer of it."""
    return ends(request.param, library, world)
