# SPDX-License-Identifier: Apache-2.0
"""Connecting through SSH: see ``fastmq.ssh.tunnel``."""

from __future__ import annotations

from . import tunnel as tunnel
from .tunnel import (
    open_tunnel,
    openssh_tunnel,
    paramiko_tunnel,
    ssh_tunnel,
    try_passwordless_ssh,
    tunnel_connection,
)

__all__ = [
    "open_tunnel",
    "openssh_tunnel",
    "paramiko_tunnel",
    "ssh_tunnel",
    "try_passwordless_ssh",
    "tunnel_connection",
]
