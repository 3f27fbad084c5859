# SPDX-License-Identifier: Apache-2.0
"""What Python's ``site`` imports at start when this folder is on PYTHONPATH.

Afterwards it makes room: for the ``sitecustomize`` that would have been imported.
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec


def _run(path: str) -> None:
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), path, "exec")
    exec(code, {"__name__": "fastmq_at_start", "__file__": path})


def _make_room(here: str) -> None:
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = sys.modules["sitecustomize"] = module_from_spec(spec)
        spec.loader.exec_module(module)


_here = os.path.dirname(os.path.abspath(__file__))
_run(os.path.join(_here, "at_start.py"))
_make_room(_here)
