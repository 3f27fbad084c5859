# SPDX-License-Identifier: Apache-2.0
"""Tornado's event loop under the names that pyzmq once gave it; deprecated."""

from __future__ import annotations

from warnings import warn

from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.log import app_log

__all__ = ["IOLoop", "PeriodicCallback", "ZMQIOLoop", "app_log", "install"]

warn(
    "fastmq.eventloop.ioloop is deprecated: any event loop will do",
    DeprecationWarning,
    stacklevel=2,
)

ZMQIOLoop = IOLoop


def install() -> None:
    """Do nothing: no loop has to be installed; deprecated."""
    warn(
        "fastmq.eventloop.ioloop.install is deprecated: any event loop will do",
        DeprecationWarning,
        stacklevel=2,
    )
