# SPDX-License-Identifier: Apache-2.0
"""Forwarding of a local port through a connection of paramiko."""

from __future__ import annotations

import contextlib
import logging
import select
import socketserver
from typing import Any

__all__ = ["ForwardServer", "Handler", "forward_tunnel"]

logger = logging.getLogger("ssh")

CHUNK = 65536


class ForwardServer(socketserver.ThreadingTCPServer):
    """Accepts local connections, each handled by a thread of its own."""

    daemon_threads = True
    allow_reuse_address = True


class Handler(socketserver.BaseRequestHandler):
    """Passes the bytes of one local connection through a channel, and back.

    Subclasses say where to, as ``forward_tunnel`` does.
    """

    # A paramiko.Transport, and where the other end is to connect to.
    ssh_transport: Any
    chain_host: str
    chain_port: int

    def handle(self) -> None:
        """Open the channel, and pass bytes until one side ends."""
        target = (self.chain_host, self.chain_port)
        try:
            channel = self.ssh_transport.open_channel(
                "direct-tcpip", target, self.request.getpeername()
            )
        except Exception as error:
            logger.warning("no channel to %s:%d: %r", *target, error)
            return
        if channel is None:
            logger.warning("the server refuses a channel to %s:%d", *target)
            return
        # Ends of connections are not worth a traceback.
        with contextlib.closing(channel), contextlib.suppress(OSError):
            _relay(self.request, channel)


def _relay(a: Any, b: Any) -> None:
    """Pass bytes both ways until one side ends."""
    other = {a: b, b: a}
    while True:
        for ready in select.select([a, b], [], [])[0]:
            data = ready.recv(CHUNK)
            if not data:
                return
            other[ready].sendall(data)


def forward_tunnel(
    local_port: int, remote_host: str, remote_port: int, transport: Any
) -> None:
    """Forward a local port, for ever.

    Args:
        local_port: The port of 127.0.0.1 to listen on.
        remote_host: Where the server is to connect to.
        remote_port: The port there.
        transport: A ``paramiko.Transport`` that is authenticated.
    """

    class ToHost(Handler):
        ssh_transport = transport
        chain_host = remote_host
        chain_port = remote_port

    with ForwardServer(("127.0.0.1", local_port), ToHost) as server:
        server.serve_forever()
