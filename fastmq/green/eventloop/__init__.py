# SPDX-License-Identifier: Apache-2.0
"""Tornado's event loop, in a program of gevent's."""

from __future__ import annotations

from ...eventloop import IOLoop

__all__ = ["IOLoop"]
