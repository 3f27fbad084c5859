# SPDX-License-Identifier: Apache-2.0
"""Trackers: ``fastmq.tracker``."""

from __future__ import annotations

from ..tracker import _FINISHED_TRACKER, MessageTracker

__all__ = ["_FINISHED_TRACKER", "MessageTracker"]
