# SPDX-License-Identifier: Apache-2.0
"""What a child process hears from the command that started it, and how it answers.

Both ways go through pipes, one JSON object a line: orders come in on standard input,
reports leave on standard output. The pipe is also the lifeline: when the command dies,
however it dies, the pipe ends and the child ends itself.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from typing import Any

LIFELINE_CUT = 3
"""Exit status of a child whose parent is gone."""


def report(**fields: object) -> None:
    """Tell the command something."""
    print(json.dumps(fields), flush=True)


class Orders:
    """The orders of the command, in the order in which they come."""

    def __init__(self) -> None:
        self._rest = b""
        self._scratch: str | None = None

    def wait(self) -> dict[str, Any]:
        """Wait for the next order; end the process if there is nobody to give one."""
        while b"\n" not in self._rest:
            data = os.read(sys.stdin.fileno(), 65536)
            if not data:
                self._die()
            self._rest += data
        line, self._rest = self._rest.split(b"\n", 1)
        order: dict[str, Any] = json.loads(line)
        self._scratch = order.get("scratch", self._scratch)
        return order

    def watch(self, on_stop: Callable[[], object] | None = None) -> None:
        """From now on listen in the background; the next order calls ``on_stop``."""
        threading.Thread(target=self._watch, args=(on_stop,), daemon=True).start()

    def _watch(self, on_stop: Callable[[], object] | None) -> None:
        self.wait()
        if on_stop is not None:
            on_stop()
        self.wait()

    def _die(self) -> None:
        # The folder is the command's, but it can no longer clear up.
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
        os._exit(LIFELINE_CUT)
