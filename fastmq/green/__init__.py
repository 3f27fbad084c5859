# SPDX-License-Identifier: Apache-2.0
"""fastmq for gevent, which has to be installed for this.

What waits here lets other greenlets run. ``import fastmq.green as zmq`` has every name
of ``fastmq``; the context, sockets, the poller and ``device`` are gevent's.
"""

from __future__ import annotations

from .. import *  # noqa: F403
from .. import __all__ as __all__
from ..constants import *  # noqa: F403
from .core import Context, Socket  # type: ignore[assignment] # noqa: F401
from .device import device  # type: ignore[assignment] # noqa: F401
from .poll import Poller as Poller
