# SPDX-License-Identifier: Apache-2.0
"""circus: a process that watches others, on tornado, and a client of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from circus.client import CircusClient

SETTINGS = """
[circus]
endpoint = ipc://control.sock
pubsub_endpoint = ipc://events.sock
[watcher:sleepers]
cmd = sleep 600
numprocesses = 2
"""
ACTIVE = {"sleepers": "active"}

if __name__ == "__main__":
    Path("circus.ini").write_text(SETTINGS, encoding="utf-8")
    command = [sys.executable, "-m", "circus.circusd", "--log-level", "critical"]
    with subprocess.Popen([*command, "circus.ini"]) as watcher:
        client = CircusClient(timeout=60, endpoint="ipc://control.sock")
        while (statuses := client.send_message("status")["statuses"]) != ACTIVE:
            assert statuses == {"sleepers": "starting"}, statuses
        print(statuses)
        print(client.send_message("numprocesses", name="sleepers")["numprocesses"])
        client.send_message("incr", name="sleepers", waiting=True)
        print(client.send_message("numprocesses", name="sleepers")["numprocesses"])
        print(client.send_message("stop", name="sleepers", waiting=True)["status"])
        print(client.send_message("status", name="sleepers")["status"])
        print(client.send_message("quit")["status"])
        client.stop()
        print(watcher.wait(60))
