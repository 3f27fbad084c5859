# SPDX-License-Identifier: Apache-2.0
"""What a default run repeats on poll, where epoll or kqueue is the default.

`FASTMQ_POLLER=poll ./run test` repeats all of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

SELECTION = (
    "patterns",
    "interop/test_matrix.py",
    "interop/test_pairs.py",
    "interop/test_ending.py",
    "api/test_poll.py",
    "api/test_threads.py",
)

# What lies behind the descriptors of a process with a connected pair of sockets.
DESCRIPTORS = """
import os
import fastmq as zmq
with zmq.Context() as ctx, ctx.socket(zmq.PULL) as pull, ctx.socket(zmq.PUSH) as push:
    port = pull.bind_to_random_port("tcp://127.0.0.1")
    push.connect(f"tcp://127.0.0.1:{port}")
    push.send(b"")
    pull.poll(10000)
    for fd in os.listdir("/proc/self/fd"):
        if os.path.exists(f"/proc/self/fd/{fd}"):
            print(os.readlink(f"/proc/self/fd/{fd}"))
"""


def run(poller: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "FASTMQ_POLLER": poller},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20000:]
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_environment_chooses() -> None:
    assert "[eventpoll]" in run("epoll", "-c", DESCRIPTORS)
    assert "[eventpoll]" not in run("poll", "-c", DESCRIPTORS)


@pytest.mark.skipif(os.environ.get("FASTMQ_POLLER") == "poll", reason="all runs on it")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", SELECTION)
def test_on_poll(part: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    # Short: paths of ipc endpoints will lie below.
    folder = tmp_path_factory.mktemp("poll") / "t"
    run(
        "poll",
        *("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
        *("--basetemp", folder, TESTS / part),
    )
