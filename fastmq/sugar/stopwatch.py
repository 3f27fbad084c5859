# SPDX-License-Identifier: Apache-2.0
"""A stopwatch, which the standard library has made superfluous."""

from __future__ import annotations

from ..utils._stopwatch import Stopwatch

__all__ = ["Stopwatch"]
