# SPDX-License-Identifier: Apache-2.0
"""What ``fastmq.eventloop.ioloop`` has."""

from __future__ import annotations

from ...eventloop.ioloop import *  # noqa: F403
