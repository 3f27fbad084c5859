# SPDX-License-Identifier: Apache-2.0
"""Which backend? There is one."""

from __future__ import annotations

from typing import Any

__all__ = ["public_api", "select_backend"]

# What a backend of pyzmq has.
public_api = [
    "Context",
    "Socket",
    "Frame",
    "Message",
    "proxy",
    "proxy_steerable",
    "zmq_poll",
    "strerror",
    "zmq_errno",
    "has",
    "curve_keypair",
    "curve_public",
    "zmq_version_info",
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
]


def select_backend(name: str) -> dict[str, Any]:
    """Return the names of a backend.

    Args:
        name: ``zmq.backend.cython`` or ``fastmq.backend.cython``.

    Raises:
        ImportError: Another backend was asked for.
    """
    from . import cython

    if name.partition(".")[2] != "backend.cython":
        raise ImportError(f"fastmq has its own core, and no backend {name!r}")
    return {key: getattr(cython, key) for key in public_api if hasattr(cython, key)}
