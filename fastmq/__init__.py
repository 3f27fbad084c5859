# SPDX-License-Identifier: Apache-2.0
"""ZeroMQ anew: sockets that carry messages, with the names pyzmq gave them.

>>> import fastmq
>>> ctx = fastmq.Context.instance()
>>> with ctx.socket(fastmq.REP) as server, ctx.socket(fastmq.REQ) as client:
...     bound = server.bind("inproc://greeting")
...     connected = client.connect("inproc://greeting")
...     client.send_string("hello")
...     server.recv_string()
'hello'
"""

from __future__ import annotations

from . import constants, error
from ._core import (
    IPC_PATH_MAX_LEN,
    PYZMQ_DRAFT_API,
    has,
    proxy,
    proxy_steerable,
    set_frame_class,
    strerror,
    zmq_errno,
    zmq_poll,
    zmq_version_info,
)
from .constants import *  # noqa: F403
from .context import Context
from .error import (
    Again,
    ContextTerminated,
    DraftFDWarning,
    InterruptedSystemCall,
    NotDone,
    TermTimeout,
    Unsent,
    ZMQBaseError,
    ZMQBindError,
    ZMQError,
    ZMQVersionError,
)
from .frame import Frame, Message
from .poller import Poller, select
from .socket import Socket
from .tracker import _FINISHED_TRACKER, MessageTracker, _new_tracker
from .utils._device import device
from .version import __version__, pyzmq_version, pyzmq_version_info, zmq_version

# Bodies of this many bytes or more are lent by ``copy=False``; smaller ones are copied.
COPY_THRESHOLD = 65536

DRAFT_API = PYZMQ_DRAFT_API and has("draft")

# The synchronous classes, for whoever has others of the same name.
SyncSocket = Socket[bytes]
SyncContext = Context[SyncSocket]

set_frame_class(Frame, _new_tracker, _FINISHED_TRACKER, lambda: COPY_THRESHOLD)

__all__ = [
    "COPY_THRESHOLD",
    "DRAFT_API",
    "IPC_PATH_MAX_LEN",
    "PYZMQ_DRAFT_API",
    "_FINISHED_TRACKER",
    "Again",
    "Context",
    "ContextTerminated",
    "DraftFDWarning",
    "Frame",
    "InterruptedSystemCall",
    "Message",
    "MessageTracker",
    "NotDone",
    "Poller",
    "Socket",
    "SyncContext",
    "SyncSocket",
    "TermTimeout",
    "Unsent",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "ZMQVersionError",
    "__version__",
    "constants",
    "device",
    "error",
    "has",
    "proxy",
    "proxy_steerable",
    "pyzmq_version",
    "pyzmq_version_info",
    "select",
    "strerror",
    "zmq_errno",
    "zmq_poll",
    "zmq_version",
    "zmq_version_info",
]
__all__ += constants.__all__
