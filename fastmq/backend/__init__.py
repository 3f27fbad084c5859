# SPDX-License-Identifier: Apache-2.0
"""The classes and functions of the core that the public ones are built upon.

For isinstance checks and programs that reach behind the public names, as pyzmq has it.
"""

from __future__ import annotations

from .._core import (
    IPC_PATH_MAX_LEN,
    PYZMQ_DRAFT_API,
    Context,
    Frame,
    Socket,
    curve_keypair,
    curve_public,
    has,
    proxy,
    proxy_steerable,
    strerror,
    zmq_errno,
    zmq_poll,
    zmq_version_info,
)
from .._core import monitored_queue as monitored_queue
from . import cython as cython
from . import select as select
from .select import public_api as public_api
from .select import select_backend as select_backend

__all__ = [
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
    "Context",
    "Frame",
    "Message",
    "Socket",
    "curve_keypair",
    "curve_public",
    "has",
    "proxy",
    "proxy_steerable",
    "strerror",
    "zmq_errno",
    "zmq_poll",
    "zmq_version_info",
]

Message = Frame
