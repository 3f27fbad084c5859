# SPDX-License-Identifier: Apache-2.0
"""Frames: ``fastmq.frame``."""

from __future__ import annotations

from ..frame import Frame, Message

__all__ = ["Frame", "Message"]
