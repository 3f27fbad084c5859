# SPDX-License-Identifier: Apache-2.0
"""``monitored_queue``, where pyzmq has it."""

from __future__ import annotations

from .._core import monitored_queue

__all__ = ["monitored_queue"]
