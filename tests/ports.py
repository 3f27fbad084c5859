# SPDX-License-Identifier: Apache-2.0
"""TCP ports for tests that bind where nobody listens yet, or bind again."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """Yield a port of 127.0.0.1 that is kept from others' wildcard binds.

    Linux gives it to no bind to port 0 and to no connect while our socket has it. But
    nobody listens there, so connects are refused; and who sets SO_REUSEADDR, as both
    libraries do, may bind to it by its number and listen, again and again.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
