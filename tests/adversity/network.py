# SPDX-License-Identifier: Apache-2.0
"""A network of two hosts whose cable can be pulled: a namespace and a veth pair.

Both go with the process that holds the namespace. Needs root and the command `ip`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

HOLD = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x40000000) != 0 or libc.prctl(1, 9) != 0:
    sys.exit(f"unshare: error {ctypes.get_errno()}")
print("there", flush=True)
sys.stdin.read()
"""


class Unavailable(Exception):
    """Why there is no such network here."""


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Network:
    """The address `here` in this namespace, `there` in that of the process `pid`."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            raise Unavailable("only root may make a network namespace")
        if shutil.which("ip") is None or shutil.which("nsenter") is None:
            raise Unavailable("the commands ip and nsenter are not installed")
        self.holder = subprocess.Popen(
            [sys.executable, "-c", HOLD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.pid = self.holder.pid
        self.link = f"fmq{self.pid}"
        # No two that run at a time share a subnet of four.
        net = f"10.{128 + (self.pid >> 14) % 128}.{(self.pid >> 6) % 256}"
        first = self.pid % 64 * 4
        self.here, self.there = f"{net}.{first + 1}", f"{net}.{first + 2}"
        try:
            self.connect()
        except BaseException:
            self.close()
            raise

    def connect(self) -> None:
        assert self.holder.stdout is not None
        if not self.holder.stdout.readline():
            assert self.holder.stderr is not None
            raise Unavailable(self.holder.stderr.read().decode().strip())
        peer = ["peer", "name", "cable", "netns", str(self.pid)]
        ip("link", "add", self.link, "type", "veth", *peer)
        ip("addr", "add", f"{self.here}/30", "dev", self.link)
        ip("link", "set", self.link, "up")
        there = ["nsenter", "-t", str(self.pid), "-n", "ip"]
        for words in (
            ["addr", "add", f"{self.there}/30", "dev", "cable"],
            ["link", "set", "cable", "up"],
            ["link", "set", "lo", "up"],
        ):
            subprocess.run([*there, *words], check=True)

    def pull(self) -> None:
        ip("link", "set", self.link, "down")

    def plug(self) -> None:
        ip("link", "set", self.link, "up")

    def close(self) -> None:
        self.holder.kill()
        self.holder.communicate()
