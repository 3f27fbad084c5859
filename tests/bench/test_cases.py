# SPDX-License-Identifier: Apache-2.0
"""Which cases there are and how they are chosen."""

from __future__ import annotations

import pytest

from bench import cases, peers
from bench.cases import Case
from bench.harness import can_play


def test_names_tell_cases_apart() -> None:
    every = list(cases.matrix())
    assert len({case.name for case in every}) == len(every)
    assert len({case.title for case in every}) == len(every)


def test_the_matrix_has_every_size_and_transport() -> None:
    every = set(cases.matrix())
    for pattern in (cases.STREAM, cases.ROUND_TRIP):
        for transport in ("tcp", "ipc", "inproc"):
            for size in (1, 64, 1024, 16384, 65536, 1048576):
                assert Case(pattern, transport, size) in every
    assert {case.peers_in_turn for case in every} == {1, 8, 32, 100}
    assert {case.n_peers for case in every} == {1, 100, 1000}
    assert {case.api for case in every} == {"calls", "many", "asyncio", "uvloop"}
    assert Case("reqrep", "tcp", 1 << 20, api="asyncio") in every
    pauses = {case.pause_us for case in every}
    assert {0, 1, 10, 100, 1000, 10_000} <= pauses
    assert set(cases.matrix(is_quick=True)) < every
    assert {case.cores for case in every} == {"one", "two", "free"}
    assert {2, 10} <= {case.parts for case in every}


def test_names() -> None:
    assert Case("pushpull", "tcp", 64).name == "pushpull-tcp-64B-two"
    assert Case("reqrep", "ipc", 1 << 20, cores="one").name == "reqrep-ipc-1MiB-one"
    assert Case("pushpull", "tcp", 128, parts=2).name == "pushpull-tcp-2x128B-two"
    assert Case("pushpull", "tcp", 64, peers_in_turn=8).name == "turn8-tcp-64B-two"
    assert Case("pubsub", "tcp", 64, subscribers=10).name == "pub10-tcp-64B-two"
    assert Case("router", "tcp", 64, n_peers=100).name == "router100-tcp-64B-two"
    paused = Case("pushpull", "tcp", 64, pause_us=10, api="many")
    assert paused.name == "pushpull-many-pause10us-tcp-64B-two"
    assert paused.is_hard
    assert paused.has_latency
    spun = Case("reqrep", "tcp", 64, spin_us=50, busy=4, cores="free")
    assert spun.name == "reqrep-busy4-spin-tcp-64B-free"
    shared = Case("reqrep", "tcp", 64, threads=1)
    assert shared.name == "reqrep-threads1-tcp-64B-two"
    assert shared.is_hard
    assert "1 busy thread in each process" in shared.family


@pytest.mark.parametrize(
    ("size", "text"),
    [(1, "1 B"), (1000, "1000 B"), (2048, "2 KiB"), (1 << 21, "2 MiB")],
)
def test_sizes(size: int, text: str) -> None:
    assert cases.size_text(size) == text


def test_choosing() -> None:
    every = list(cases.matrix())
    assert cases.chosen(every, None, None) == every
    inproc = cases.chosen(every, ["inproc"], None)
    assert inproc
    assert {case.transport for case in inproc} == {"inproc"}
    small = cases.chosen(every, ["reqrep-*-1B-*", "turn8-tcp"], None)
    assert len(small) == 4
    pinned = cases.chosen(every, ["reqrep-tcp-64B"], ["one", "free"])
    assert [case.cores for case in pinned] == ["one", "free"]
    assert cases.chosen(every, ["tcp?"], None) == []


def test_phases_are_bounded() -> None:
    for case in cases.matrix():
        assert case.n_max * case.size * case.parts <= cases.MAX_PHASE_BYTES
        assert 2 <= case.n_warm_up <= max(case.n_max, 500)


def test_sockets_do_what_they_can() -> None:
    plain = peers.PEERS["sockets"]
    assert can_play(Case("reqrep", "tcp", 64), plain)
    assert not can_play(Case("reqrep", "inproc", 64), plain)
    assert not can_play(Case("pushpull", "tcp", 64, parts=2), plain)
    assert can_play(Case("pushpull", "tcp", 64, parts=2), peers.PEERS["fastmq"])
    assert can_play(Case("reqrep", "tcp", 64, api="asyncio"), plain)
    assert not can_play(Case("pushpull", "tcp", 64, api="many"), plain)


def test_programs_in_c_do_the_basic_cases() -> None:
    program = peers.PEERS["libzmq-c"]
    assert can_play(Case("pushpull", "inproc", 64), program)
    assert not can_play(Case("reqrep", "tcp", 64, busy=4), program)
    assert not can_play(Case("reqrep", "tcp", 64, api="asyncio"), program)


def test_peers_from_text() -> None:
    assert peers.parse("pyzmq") == peers.PEERS["pyzmq"]
    assert peers.parse("mine=some.module").module == "some.module"
    assert peers.parse("old=fastmq@/venv/bin/python").python == "/venv/bin/python"
    for wrong in ("nobody", "=module", "name=", "name=@python"):
        with pytest.raises(ValueError, match=r"none of|is not NAME"):
            peers.parse(wrong)
