# SPDX-License-Identifier: Apache-2.0
"""What a ZAP handler answers."""

from __future__ import annotations

import hmac
import inspect
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import REP, Context, Socket, ZMQError
from ..utils import z85
from .certs import load_certificates

if TYPE_CHECKING:
    import os


__all__ = ["CURVE_ALLOW_ANY", "Authenticator"]

CURVE_ALLOW_ANY = "*"

_ENDPOINT = "inproc://zeromq.zap.01"
_VERSION = b"1.0"
_N_CREDENTIALS = {b"NULL": 0, b"PLAIN": 2, b"CURVE": 1, b"GSSAPI": 1}


class _Request(NamedTuple):
    request_id: bytes
    domain: str
    address: str
    mechanism: bytes
    credentials: list[bytes]


class _Verdict(NamedTuple):
    status: bytes
    reason: bytes
    user_id: str = ""

    @property
    def is_good(self) -> bool:
        return self.status == b"200"


def _granted(user_id: str) -> _Verdict:
    return _Verdict(b"200", b"OK", user_id)


def _denied(reason: bytes) -> _Verdict:
    return _Verdict(b"400", reason)


class Authenticator:
    """Answers the questions of a context's sockets about who connects to them.

    A socket asks if it is a server of PLAIN, CURVE or GSSAPI, or has a ``zap_domain``.
    Until something is configured, NULL and GSSAPI pass, and nobody else.

    This class leaves it to the program to receive from ``zap_socket`` and to await
    ``handle_zap_message``; its subclasses do that.

    Args:
        context: Whose sockets; by default ``Context.instance()``.
        encoding: Of names and passwords.
        log: A logger, by default "fastmq.auth". No password and no secret key is ever
            logged.

    >>> import fastmq
    >>> from fastmq.auth.thread import ThreadAuthenticator
    >>> context = fastmq.Context()
    >>> auth = ThreadAuthenticator(context)
    >>> auth.start()
    >>> auth.configure_plain(passwords={"admin": "secret"})
    >>> auth.stop()
    >>> context.term()
    """

    def __init__(
        self,
        context: Context[Any] | None = None,
        encoding: str = "utf-8",
        log: Any = None,
    ) -> None:
        self.context: Context[Any] = context or Context.instance()
        self.encoding = encoding
        self.log = log or logging.getLogger("fastmq.auth")
        self.zap_socket: Socket[bytes] | None = None
        self.allow_any = False
        self.passwords: dict[str, dict[str, str]] = {}
        self.certs: dict[str, dict[bytes, bool]] = {}
        self.credentials_providers: dict[str, Any] = {}
        self._allowed: set[str] = set()
        self._denied: set[str] = set()

    # --- life ---

    def start(self) -> None:
        """Open ``zap_socket``: from now on the context's sockets ask here.

        Raises:
            ZMQError: EADDRINUSE: the context has a handler already.
        """
        socket = self.context.socket(REP, socket_class=Socket[bytes])
        socket.linger = 1
        try:
            socket.bind(_ENDPOINT)
        except ZMQError:
            socket.close()
            raise
        self.zap_socket = socket
        self.log.debug("the handler starts")

    def stop(self) -> None:
        """Close ``zap_socket``. May be called twice."""
        if self.zap_socket is not None:
            self.zap_socket.close()
            self.zap_socket = None

    # --- configuration ---

    def allow(self, *addresses: str) -> None:
        """Let nobody in but who comes from these addresses.

        With NULL that is enough; with other mechanisms credentials are looked at as
        well.

        Args:
            *addresses: As a peer's ``Peer-Address`` tells them: without a port.

        Raises:
            ValueError: ``deny`` was called before.
        """
        if self._denied:
            raise ValueError("Only use allow or deny, not both")
        self._allowed.update(addresses)
        self.log.debug("allowing %s", ", ".join(addresses))

    def deny(self, *addresses: str) -> None:
        """Let nobody in who comes from these addresses.

        Args:
            *addresses: As for ``allow``.

        Raises:
            ValueError: ``allow`` was called before.
        """
        if self._allowed:
            raise ValueError("Only use allow or deny, not both")
        self._denied.update(addresses)
        self.log.debug("denying %s", ", ".join(addresses))

    def configure_plain(
        self, domain: str = "*", passwords: dict[str, str] | None = None
    ) -> None:
        """Say who may come with PLAIN.

        Args:
            domain: Of the sockets that are meant: their ``zap_domain``. "*" is that of
                sockets without one.
            passwords: By user name. The dict may be changed later.
        """
        if passwords:
            self.passwords[domain] = passwords
        self.log.debug("PLAIN configured for domain %s", domain)

    def configure_curve(
        self, domain: str = "*", location: str | os.PathLike[str] = "."
    ) -> None:
        """Say who may come with CURVE: whose certificate is there.

        Args:
            domain: As for ``configure_plain``.
            location: A folder of certificates, which are read now, or CURVE_ALLOW_ANY
                for whoever has a key at all, in whatever domain. If they cannot be
                read, that is logged, and nothing has changed.
        """
        self.allow_any = location == CURVE_ALLOW_ANY
        if not self.allow_any:
            try:
                self.certs[domain] = load_certificates(location)
            except Exception as error:
                self.log.error("no certificates from %s: %s", location, error)
        self.log.debug("CURVE configured for domain %s: %s", domain, location)

    def configure_curve_callback(
        self, domain: str = "*", credentials_provider: Any = None
    ) -> None:
        """Have an object say who may come with CURVE.

        Once there is one, it is asked instead of the certificates.

        Args:
            domain: As for ``configure_plain``.
            credentials_provider: Has a method ``callback(domain, key)``, the key in
                Z85, which returns whether it may pass, or an awaitable of that.
        """
        self.allow_any = False
        if credentials_provider is None:
            self.log.error("no credentials provider for domain %s", domain)
        else:
            self.credentials_providers[domain] = credentials_provider

    def configure_gssapi(self, domain: str = "*", location: str | None = None) -> None:
        """Do nothing: who comes with GSSAPI has been authenticated by Kerberos.

        Args:
            domain: Not used.
            location: Not used.
        """

    def curve_user_id(self, client_public_key: bytes) -> str:
        """Return what the ``User-Id`` of messages is to be; to be overridden.

        Args:
            client_public_key: The key of a peer that passes, 32 bytes.

        Returns:
            By default the key in Z85.
        """
        return z85.encode(client_public_key).decode("ascii")

    # --- answers ---

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        """Answer a question.

        If that fails, by an exception of a callback for example, it is logged, and the
        peer is refused with status 500.

        Args:
            msg: What was received from ``zap_socket``.
        """
        request = self._parse(msg)
        if request is None:
            return
        try:
            verdict = await self._judge(request)
        except Exception:
            self.log.exception("a question could not be answered")
            verdict = _Verdict(b"500", b"Internal error")
        self.log.debug(
            "%s from %s in domain %r: %s %s",
            request.mechanism.decode("ascii", "replace"),
            request.address,
            request.domain,
            verdict.status.decode(),
            verdict.reason.decode(),
        )
        self._send_zap_reply(request.request_id, *verdict)

    def _parse(self, msg: list[bytes]) -> _Request | None:
        """Return what is asked; None: it is no question, and has had its answer."""
        if len(msg) < 6:
            self.log.error("a question of %d frames", len(msg))
            request_id = msg[1] if len(msg) > 1 else b""
            self._send_zap_reply(request_id, b"400", b"Not enough frames")
            return None
        version, request_id, domain, address, _, mechanism = msg[:6]
        n_credentials = _N_CREDENTIALS.get(mechanism)
        if version != _VERSION:
            self.log.error("a question of version %r", version)
            self._send_zap_reply(request_id, b"400", b"Invalid version")
            return None
        if n_credentials is not None and len(msg) - 6 != n_credentials:
            self.log.error("a question with %d credentials", len(msg) - 6)
            self._send_zap_reply(request_id, b"400", b"Invalid credentials")
            return None
        return _Request(
            request_id, self._decode(domain), self._decode(address), mechanism, msg[6:]
        )

    def _decode(self, text: bytes) -> str:
        return text.decode(self.encoding, "replace")

    async def _judge(self, request: _Request) -> _Verdict:
        if self._allowed and request.address not in self._allowed:
            return _denied(b"Address not allowed")
        if request.address in self._denied:
            return _denied(b"Address denied")
        domain = request.domain or "*"
        if request.mechanism == b"NULL":
            return _granted("anonymous")
        if request.mechanism == b"PLAIN":
            return self._judge_plain(domain, *request.credentials)
        if request.mechanism == b"CURVE":
            return await self._judge_curve(domain, *request.credentials)
        if request.mechanism == b"GSSAPI":
            return _granted(request.credentials[0].decode())
        return _denied(b"NO ACCESS")

    def _judge_plain(self, domain: str, user: bytes, password: bytes) -> _Verdict:
        if not self.passwords:
            return _denied(b"No passwords defined")
        if domain not in self.passwords:
            return _denied(b"Invalid domain")
        name = self._decode(user)
        known = self.passwords[domain].get(name)
        # Compared in any case, so that time does not tell which names there are.
        is_same = hmac.compare_digest((known or "").encode(self.encoding), password)
        if known is None:
            return _denied(b"Invalid username")
        return _granted(name) if is_same else _denied(b"Invalid password")

    async def _judge_curve(self, domain: str, key: bytes) -> _Verdict:
        as_text = z85.encode(key)
        if self.allow_any:
            is_known: Any = True
        elif self.credentials_providers:
            if domain not in self.credentials_providers:
                return _denied(b"Unknown domain")
            is_known = self.credentials_providers[domain].callback(domain, as_text)
            if inspect.isawaitable(is_known):
                is_known = await is_known
        elif domain in self.certs:
            is_known = self.certs[domain].get(as_text)
        else:
            return _denied(b"Unknown domain")
        return (
            _granted(self.curve_user_id(key)) if is_known else _denied(b"Unknown key")
        )

    def _send_zap_reply(
        self, request_id: bytes, status: bytes, reason: bytes, user_id: str = ""
    ) -> None:
        if self.zap_socket is not None:
            self.zap_socket.send_multipart(
                [
                    _VERSION,
                    request_id,
                    status,
                    reason,
                    user_id.encode(self.encoding, "replace"),
                    b"",
                ]
            )
