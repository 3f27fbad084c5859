# SPDX-License-Identifier: Apache-2.0
"""Pollers: ``fastmq.poller``."""

from __future__ import annotations

from ..constants import POLLERR, POLLIN, POLLOUT
from ..poller import Poller, select

__all__ = ["POLLERR", "POLLIN", "POLLOUT", "Poller", "select"]
