# SPDX-License-Identifier: Apache-2.0
"""The classes and functions of the core that the public ones are built upon.

For isinstance checks and programs that reach behind the public names, as pyzmq has it.
"""

from __future__ import annotations

from . import cython as cython
from . import select as select
from .cython import *  # noqa: F403
from .cython import monitored_queue as monitored_queue
from .select import public_api as public_api
from .select import select_backend as select_backend

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll]
    name for name in cython.__all__ if name != "monitored_queue"
]
