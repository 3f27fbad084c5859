# SPDX-License-Identifier: Apache-2.0
"""Sockets on the event loop of Tornado, which has to be installed for this."""

from __future__ import annotations

from tornado.ioloop import IOLoop

__all__ = ["IOLoop"]
