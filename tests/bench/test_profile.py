# SPDX-License-Identifier: Apache-2.0
"""What perf says is summed up by place; the program itself, where perf may look."""

from __future__ import annotations

import json

import pytest

from bench import profile

SAID = """
    50;[kernel.kallsyms]                       ;[k] copy_to_user
    10;[kernel.kallsyms]                       ;[k] schedule
    20;libpython3.11.so.1.0                    ;[.] _PyEval_EvalFrameDefault
    15;_core.cpython-311-x86_64-linux-gnu.so   ;[.] fmq__pipe_send.lto_priv.0
     3;libc.so.6                               ;[.] memcpy
     2;[vdso]                                  ;[.] __vdso_clock_gettime

# a remark
"""


def test_places() -> None:
    found = profile.summed(SAID)
    assert found.samples == 100
    assert found.shares == {
        profile.KERNEL: 0.6,
        profile.INTERPRETER: 0.2,
        profile.LIBRARY: 0.15,
        profile.REST: 0.05,
    }
    assert found.top[0] == (0.5, "copy_to_user (kernel)")
    assert found.top[2] == (0.15, "fmq__pipe_send (library)")
    assert len(found.top) == profile.TOP


def test_nothing_was_sampled() -> None:
    assert profile.summed("").samples == 0


@pytest.mark.parametrize(
    ("shares", "shown"),
    [
        ({profile.KERNEL: 1.0}, ["100%", "0%", "0%", "0%"]),
        ({profile.KERNEL: 1 / 3, profile.LIBRARY: 2 / 3}, ["33%", "0%", "67%", "0%"]),
        (dict.fromkeys(profile.SHOWN, 0.25), ["25%"] * 4),
        (
            dict(zip(profile.SHOWN, (0.335, 0.335, 0.326, 0.004), strict=True)),
            ["34%", "33%", "33%", "0%"],
        ),
        ({}, ["0%"] * 4),
    ],
)
def test_shares_come_to_a_hundred(shares, shown) -> None:
    assert profile.shares_text({"shares": shares}) == shown


@pytest.mark.parametrize("phase", [(), ("--probe",)])
@pytest.mark.timeout(120)
def test_a_case(bench, phase) -> None:
    if not profile.is_possible():
        pytest.skip("perf is not installed")
    options = ("--seconds", "0.05", "--json", "-")
    done = bench("profile", "reqrep-tcp-64B-one", *options, *phase)
    if "perf" in done.stderr:
        pytest.skip("perf may not look at processes here")
    assert (done.returncode, done.stderr) == (0, "")
    (found,) = json.loads(done.stdout)["profiles"]
    assert (found["case"], found["peer"]) == ("reqrep-tcp-64B-one", "fastmq")
    assert found["is probe"] is bool(phase)
    assert set(found["ends"]) == {"server", "client"}
    for end in found["ends"].values():
        assert end["samples"] == 0 or abs(sum(end["shares"].values()) - 1) < 1e-6
