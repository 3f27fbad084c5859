# SPDX-License-Identifier: Apache-2.0
"""Versions: the package's own, and those it stands for."""

from __future__ import annotations

from ._alias import PYZMQ_VERSION
from ._core import core_version, zmq_version_info

__all__ = [
    "__version__",
    "pyzmq_version",
    "pyzmq_version_info",
    "zmq_version",
    "zmq_version_info",
]

__version__ = core_version()


def pyzmq_version() -> str:
    """Return the version of pyzmq whose interface this package has."""
    return ".".join(map(str, pyzmq_version_info()))


def pyzmq_version_info() -> tuple[int, int, int]:
    """Return the version of pyzmq whose interface this package has, as numbers."""
    return PYZMQ_VERSION


def zmq_version() -> str:
    """Return the version of libzmq whose behaviour this package has."""
    return ".".join(map(str, zmq_version_info()))
