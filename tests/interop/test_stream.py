# SPDX-License-Identifier: Apache-2.0
"""Long streams of mixed sizes between the two libraries, byte for byte."""

from __future__ import annotations

import pytest
from interop.conftest import OURS, name_pair
from interop.process import Peer

MIXED_PAIRS = [(OURS, "zmq"), ("zmq", OURS)]
pytestmark = pytest.mark.parametrize("pair", MIXED_PAIRS, ids=name_pair)


def run(
    pair: tuple[str, str], endpoint: str, count: int, roles: list[str], patience: float
) -> None:
    left_type, left_role, right_type, right_role = roles
    done = {"recv": "got", "answer": "answered"}[right_role]
    with Peer(
        pair[1], right_role, endpoint, type=right_type, bind=True, count=count
    ) as right:
        bound = right.expect("ready")[0]
        with Peer(pair[0], left_role, bound, type=left_type, count=count) as left:
            assert right.expect(done, timeout=patience) == count
            left.end()
            right.end("end")


def test_push_feeds_pull(pair: tuple[str, str], wildcard: str) -> None:
    run(pair, wildcard, 50_000, ["PUSH", "send", "PULL", "recv"], 50)


def test_req_asks_rep(pair: tuple[str, str], wildcard: str) -> None:
    run(pair, wildcard, 3_000, ["REQ", "ask", "REP", "answer"], 50)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_push_feeds_pull_a_million(pair: tuple[str, str], wildcard: str) -> None:
    run(pair, wildcard, 1_000_000, ["PUSH", "send", "PULL", "recv"], 1100)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_req_asks_rep_a_million_times(pair: tuple[str, str], wildcard: str) -> None:
    run(pair, wildcard, 1_000_000, ["REQ", "ask", "REP", "answer"], 1700)
