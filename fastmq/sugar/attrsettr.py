# SPDX-License-Identifier: Apache-2.0
"""Options as attributes: ``fastmq.options``, under pyzmq's name for it.

All sockets are instances of it; contexts and frames are not, as theirs are few.
"""

from __future__ import annotations

from ..options import SocketOptions as AttributeSetter

__all__ = ["AttributeSetter"]
