# SPDX-License-Identifier: Apache-2.0
"""Contexts: ``fastmq.context``."""

from __future__ import annotations

from ..context import Context, SyncContext, SyncSocket

__all__ = ["Context", "SyncContext", "SyncSocket"]
