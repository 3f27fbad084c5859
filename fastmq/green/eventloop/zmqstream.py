# SPDX-License-Identifier: Apache-2.0
"""A socket that calls back, on a loop that shares the program with gevent."""

from __future__ import annotations

from typing import Any

from tornado.ioloop import IOLoop

from ...eventloop import zmqstream

__all__ = ["ZMQStream"]


class ZMQStream(zmqstream.ZMQStream):
    """``fastmq.eventloop.zmqstream.ZMQStream`` under its other name.

    Args:
        socket: A blocking socket.
        io_loop: The loop; by default the current one.
    """

    def __init__(self, socket: Any, io_loop: Any = None) -> None:
        super().__init__(socket, io_loop or IOLoop.current())
