# SPDX-License-Identifier: Apache-2.0
"""The one place that chooses between fastmq and pyzmq: they are used alike."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

MODULES = {"fastmq": "fastmq", "pyzmq": "zmq"}


def is_installed(name: str) -> bool:
    """Whether the library called ``name`` can be imported."""
    return importlib.util.find_spec(MODULES[name]) is not None


def load(name: str) -> Any:
    """Import the library called ``name``."""
    return importlib.import_module(MODULES[name])


def describe(name: str) -> str:
    """Name the library with its version."""
    library = load(name)
    text = f"{name} {library.__version__}"
    if name == "pyzmq":
        text += f" (libzmq {library.zmq_version()})"
    return text
