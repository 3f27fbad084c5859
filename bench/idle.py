# SPDX-License-Identifier: Apache-2.0
"""What connections cost while they are silent: memory, and the processor's time.

A ROUTER in a process of its own; its peers are plain sockets that speak canned ZMTP, so
that only what is measured grows with them.
"""

from __future__ import annotations

from bench.cases import Case
from bench.harness import Run
from bench.peers import Peer
from bench.scale import Crowds, troupe

REST_MS = 1000


def run_once(case: Case, peer: Peer, limit_s: float) -> Run:
    with troupe(limit_s) as t:
        router = t.socket(peer, "ROUTER")
        endpoint = t.ask(router, "bind")
        t.ask(router, "rest", 10)
        before = t.ask(router, "memory")
        took = Crowds(t, case.n_peers).come(endpoint, "DEALER")
        t.ask(router, "rest", REST_MS)  # what is done once for each peer is over
        grown = t.ask(router, "memory") - before
        cpu = t.ask(router, "cpu")
        t.ask(router, "rest", REST_MS)
        cpu = t.ask(router, "cpu") - cpu
    return Run(
        value=grown / case.n_peers / 1024,
        n=case.n_peers,
        seconds=took,
        server_cpu_us=cpu / case.n_peers * 1e6,
        client_cpu_us=0,
        more={"idle ms": cpu * 1e3},
    )
