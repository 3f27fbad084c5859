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

import importlib
import os
from typing import TYPE_CHECKING, Any

from . import constants, error
from ._alias import install_as_zmq, is_installed
from ._core import (
    IPC_PATH_MAX_LEN,
    PYZMQ_DRAFT_API,
    curve_keypair,
    curve_public,
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
from .context import Context, SyncContext, SyncSocket
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
from .utils._stopwatch import Stopwatch
from .version import (
    __version__ as _own_version,  # pyright: ignore[reportUnusedImport]
)
from .version import pyzmq_version, pyzmq_version_info, zmq_version

if TYPE_CHECKING:
    from . import backend as backend
    from . import sugar as sugar

    __version__: str

# Bodies of this many bytes or more are lent by ``copy=False``; smaller ones are copied.
COPY_THRESHOLD = 65536

DRAFT_API = PYZMQ_DRAFT_API and has("draft")

# Of a build from version control, in pyzmq.
__revision__ = ""

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
    "Stopwatch",
    "SyncContext",
    "SyncSocket",
    "TermTimeout",
    "Unsent",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "ZMQVersionError",
    "__revision__",
    "__version__",
    "constants",
    "curve_keypair",
    "curve_public",
    "device",
    "error",
    "get_includes",
    "has",
    "install_as_zmq",
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


def get_includes() -> list[str]:
    """Return folders for a compiler of Cython code that imports from here."""
    here = os.path.dirname(__file__)
    # What says how to cimport zmq comes before the folder that pyzmq may be in, too.
    return [
        os.path.join(here, "include"),
        os.path.join(here, "utils"),
        os.path.dirname(here),
    ]


def get_library_dirs() -> list[str]:
    """Return the folders of the package's libraries."""
    return [os.path.dirname(__file__)]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            # Programs compare zmq.__version__ with versions of pyzmq.
            return pyzmq_version() if is_installed() else _own_version
        if name in ("backend", "sugar"):
            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
