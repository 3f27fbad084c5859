# SPDX-License-Identifier: Apache-2.0
"""Authentication: who may connect, decided by a handler of the program's (ZAP).

``Authenticator`` knows what to answer. It runs in a thread of its own
(``fastmq.auth.thread``) or in an event loop (``fastmq.auth.asyncio``). For a plain list
of keys, passwords or addresses no handler is needed: ``Socket.allow``.
"""

from __future__ import annotations

from .base import CURVE_ALLOW_ANY, Authenticator
from .certs import create_certificates, load_certificate, load_certificates

__all__ = [
    "CURVE_ALLOW_ANY",
    "Authenticator",
    "create_certificates",
    "load_certificate",
    "load_certificates",
]
