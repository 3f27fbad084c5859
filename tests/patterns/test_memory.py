# SPDX-License-Identifier: Apache-2.0
"""A burst's memory is the system's again as soon as the burst has been received."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

BURST = 60_000_000
SLACK = 12_000_000

# In a process of its own, whose heap nothing else has been in.
PROGRAM = """
import json, sys

import psutil

import fastmq


def resident():
    return psutil.Process().memory_info().rss


endpoint, size, burst = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
body, n = bytes(size), burst // size
with fastmq.Context() as context:
    with context.socket(fastmq.PUSH) as push, context.socket(fastmq.PULL) as pull:
        push.sndhwm, pull.rcvhwm = 0, int(sys.argv[4])
        push.sndbuf = pull.rcvbuf = 65536  # else the kernel has much of it
        pull.bind(endpoint)
        push.connect(pull.last_endpoint)
        push.send(body)
        pull.recv()
        before = resident()
        for _ in range(n):
            push.send(body)
        top = resident()
        for _ in range(n):
            assert len(pull.recv()) == size
        print(json.dumps([before, top, resident()]))
"""


@pytest.mark.parametrize("size", [64, 3000])
@pytest.mark.parametrize("rcvhwm", [1000, 0])
@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:*", "ipc://*", "inproc://x"])
def test_after_a_burst(endpoint: str, rcvhwm: int, size: int) -> None:
    command = [sys.executable, "-c", PROGRAM, endpoint, str(size), str(BURST)]
    done = subprocess.run(
        [*command, str(rcvhwm)], check=True, capture_output=True, cwd="/", timeout=120
    )
    before, top, after = json.loads(done.stdout)
    assert top - before > 0.8 * BURST
    assert after - before < SLACK
