# SPDX-License-Identifier: Apache-2.0
"""Without descriptors: errors and events, no abort; with them again, all works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fastmq

TESTS = Path(__file__).resolve().parent.parent
PATIENCE_MS = 40000


def test_a_process_without_descriptors() -> None:
    context = fastmq.Context()
    pull, push = context.socket(fastmq.PULL), context.socket(fastmq.PUSH)
    pull.rcvtimeo = PATIENCE_MS
    push.linger = 0
    pull.bind("tcp://127.0.0.1:*")
    child = subprocess.Popen(
        [sys.executable, "-m", "adversity.starved", pull.last_endpoint.rstrip(b"\0")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        text=True,
    )
    try:
        assert child.stdout is not None
        endpoint = child.stdout.readline().strip()
        if endpoint:
            push.connect(endpoint)
            push.send(b"from outside")
        _, errors = child.communicate(timeout=PATIENCE_MS / 1000)
        assert child.returncode == 0, errors
        assert pull.recv() == b"from inside"
    finally:
        child.kill()
        child.communicate()
        context.destroy(linger=0)
