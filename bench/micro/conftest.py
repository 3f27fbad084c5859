# SPDX-License-Identifier: Apache-2.0
"""What the micro benchmarks share: the installed fastmq and a pair over inproc."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The checkout's fastmq folder has no extension in it.
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]

Pair = tuple[Any, Any]


@pytest.fixture(params=["fastmq", "zmq"])
def library(request: pytest.FixtureRequest) -> Any:
    """Return fastmq, then pyzmq: the same code measures both."""
    return pytest.importorskip(request.param)


@pytest.fixture
def pair(library: Any) -> Iterator[Pair]:
    """Yield two PAIR sockets that are connected over inproc."""
    context = library.Context()
    with context.socket(library.PAIR) as one, context.socket(library.PAIR) as other:
        one.bind("inproc://micro")
        other.connect("inproc://micro")
        one.send(b"")
        other.recv()
        yield one, other
    context.term()


@pytest.fixture
def measure(benchmark: Any) -> Callable[..., Any]:
    """Return a function that measures another, with a group for the report."""

    def run(group: str, work: Callable[..., Any], *arguments: Any) -> Any:
        benchmark.group = group
        return benchmark(work, *arguments)

    return run
