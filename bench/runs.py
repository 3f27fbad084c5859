# SPDX-License-Identifier: Apache-2.0
"""One run of any case with any peer."""

from __future__ import annotations

from bench import capi, harness, idle
from bench import peers as peering
from bench.cases import IDLE, Case
from bench.harness import Run
from bench.peers import CAPI, Found, Peer


def run_once(case: Case, peer: Peer, seconds: float, limit_s: float = 30) -> Run:
    """Run a case for about ``seconds``, not counting what comes before.

    Raises:
        Failed: It did not work, or took longer than ``limit_s`` altogether.
    """
    if peer.module == CAPI:
        return capi.run_once(case, seconds, limit_s)
    if case.pattern == IDLE:
        return idle.run_once(case, peer, limit_s)
    return harness.run_once(case, peer, seconds, limit_s)


def look(peer: Peer) -> Found:
    """Find out whether the peer can be measured, and which version it is."""
    return capi.look() if peer.module == CAPI else peering.look(peer)
