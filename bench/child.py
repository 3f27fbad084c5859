# SPDX-License-Identifier: Apache-2.0
"""The program of a benchmark's process: one end of one case, or a question of versions.

Run by path, so that neither the checkout's top, where fastmq is a folder of sources,
nor this folder is where modules are looked for first.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PR_SET_PDEATHSIG = 1


def mend_path() -> None:
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".") != HERE]
    # Last: an installed fastmq comes before the sources.
    sys.path.append(str(HERE.parent))


def probe(module: str) -> dict[str, str]:
    try:
        library = importlib.import_module(module)
    except Exception as error:
        return {"missing": f"{type(error).__name__}: {error}"}
    version = str(getattr(library, "__version__", ""))
    if module == "zmq":
        version += f", libzmq {library.zmq_version()}"
    return {"version": version, "python": platform.python_version()}


def die_with(parent: int) -> None:
    """Have the kernel end this process when the harness dies, however it dies."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def play(pipe: Connection) -> None:
    order = pipe.recv()
    try:
        if order["cpu"] is not None:
            os.sched_setaffinity(0, {order["cpu"]})
        library: Any = importlib.import_module(order["module"])
        program: Any = importlib.import_module(order["program"])
        program.play(library, pipe, order)
    except (EOFError, BrokenPipeError):
        os._exit(1)  # the harness has gone
    except Exception as error:
        if type(error).__name__ == "Unfit":
            pipe.send(("unfit", str(error)))
            os._exit(1)
        pipe.send(("failed", f"{type(error).__name__}: {error}"))
        os._exit(1)  # without waiting for what is still open
    pipe.send(("over", None))


def main() -> None:
    mend_path()
    if sys.argv[1] == "--probe":
        print(json.dumps(probe(sys.argv[2])))
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness ends us
    descriptor, parent = (int(text) for text in sys.argv[1:])
    die_with(parent)
    play(Connection(descriptor))


if __name__ == "__main__":
    main()
