# SPDX-License-Identifier: Apache-2.0
"""What pyzmq's Cython backend consists of, under its innermost name."""

from __future__ import annotations

from . import *  # noqa: F403
from . import __all__ as __all__
