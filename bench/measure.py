# SPDX-License-Identifier: Apache-2.0
"""Which run comes when: every peer in turn, over and over, whatever becomes of one.

A round runs each case once with each peer, in one order and in the next round in the
other, so that what else the machine does falls on all of them alike, and so that the
runs of one case lie as far apart as the whole measurement is long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench import harness
from bench.cases import Case
from bench.harness import Failed, Run, TimedOut, Unfit
from bench.peers import Peer

# After so many failures of a peer in a case the rest of its runs are left out.
MAX_FAILURES = 2


@dataclass(frozen=True)
class Outcome:
    """What became of one run: `run`, or the `failure` that came instead."""

    case: Case
    peer: Peer
    round: int
    run: Run | None = None
    failure: str = ""
    is_unfit: bool = False
    """Whether the failure is that the peer was not made for the case."""


def turns(
    cases: list[Case], peers: list[Peer], rounds: int
) -> Iterator[tuple[int, Case, Peer]]:
    for number in range(rounds):
        for case in cases:
            able = [peer for peer in peers if harness.can_play(case, peer)]
            for peer in able if number % 2 == 0 else reversed(able):
                yield number, case, peer


def measure(
    cases: list[Case],
    peers: list[Peer],
    rounds: int,
    run_once: Callable[[Case, Peer], Run],
    on_start: Callable[[int, Case, Peer], None] = lambda *_: None,
) -> Iterator[Outcome]:
    failures: dict[tuple[Case, str], int] = {}
    for number, case, peer in turns(cases, peers, rounds):
        key = (case, peer.name)
        if failures.get(key, 0) >= MAX_FAILURES:
            continue
        on_start(number, case, peer)
        try:
            run = run_once(case, peer)
        except Failed as error:
            # A second wait for the time limit would tell no more.
            is_last = isinstance(error, TimedOut | Unfit)
            weight = MAX_FAILURES if is_last else 1
            failures[key] = failures.get(key, 0) + weight
            is_unfit = isinstance(error, Unfit)
            yield Outcome(case, peer, number, failure=str(error), is_unfit=is_unfit)
        else:
            yield Outcome(case, peer, number, run=run)
