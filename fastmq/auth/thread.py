# SPDX-License-Identifier: Apache-2.0
"""An authenticator in a thread of its own."""

from __future__ import annotations

import asyncio
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from .. import ENOTSOCK, ETERM, PAIR, POLLIN, Poller, Socket, ZMQError
from .base import Authenticator

if TYPE_CHECKING:
    from .. import Context

__all__ = ["ThreadAuthenticator"]

_STOP = b"TERMINATE"


class AuthenticationThread(Thread):
    """The thread of a ``ThreadAuthenticator``.

    Args:
        authenticator: Whose answers it gives.
        pipe: Where it hears that it is to end.
    """

    def __init__(self, authenticator: Authenticator, pipe: Socket[bytes]) -> None:
        super().__init__(name="fastmq-auth", daemon=True)
        self.authenticator = authenticator
        self.log = authenticator.log
        self.pipe: Socket[bytes] | None = pipe
        self.started = Event()

    def run(self) -> None:
        """Answer until told to end, or until the context ends."""
        pipe, zap = self.pipe, self.authenticator.zap_socket
        if pipe is None or zap is None:
            return
        loop = asyncio.new_event_loop()  # for callbacks that are coroutines
        try:
            self._serve(loop, pipe, zap)
        except ZMQError as error:
            if error.errno not in (ETERM, ENOTSOCK):
                raise
            self.log.debug("the context of the handler ends")
        finally:
            pipe.close()
            self.pipe = None
            loop.close()

    def _serve(
        self, loop: asyncio.AbstractEventLoop, pipe: Socket[bytes], zap: Socket[bytes]
    ) -> None:
        poller = Poller()
        poller.register(pipe, POLLIN)
        poller.register(zap, POLLIN)
        self.started.set()
        while True:
            ready = dict(poller.poll())
            if pipe in ready and pipe.recv() == _STOP:
                return
            if zap in ready:
                message = zap.recv_multipart()
                loop.run_until_complete(self.authenticator.handle_zap_message(message))


class ThreadAuthenticator(Authenticator):
    """An authenticator that answers from a thread of its own.

    It may be configured at any time, before ``start`` or after.

    Args:
        context: As for ``Authenticator``; one of asyncio will do as well.
        encoding: As for ``Authenticator``.
        log: As for ``Authenticator``.

    >>> import fastmq
    >>> context = fastmq.Context()
    >>> auth = ThreadAuthenticator(context)
    >>> auth.allow("127.0.0.1")
    >>> auth.start()
    >>> auth.is_alive()
    True
    >>> auth.stop()
    >>> context.term()
    """

    pipe: Socket[bytes] | None = None
    pipe_endpoint: str = ""
    thread: AuthenticationThread | None = None

    def __init__(
        self,
        context: Context[Any] | None = None,
        encoding: str = "utf-8",
        log: Any = None,
    ) -> None:
        super().__init__(context, encoding, log)
        self.pipe_endpoint = f"inproc://{id(self)}.inproc"

    def start(self) -> None:
        """Open ``zap_socket`` and begin to answer.

        Raises:
            ZMQError: EADDRINUSE: the context has a handler already.
        """
        super().start()
        self.pipe = self._make_end()
        self.pipe.bind(self.pipe_endpoint)
        other = self._make_end()
        other.connect(self.pipe_endpoint)
        self.thread = AuthenticationThread(self, other)
        self.thread.start()
        self.thread.started.wait()

    def _make_end(self) -> Socket[bytes]:
        end = self.context.socket(PAIR, socket_class=Socket[bytes])
        end.linger = 1
        return end

    def stop(self) -> None:
        """End the thread and close ``zap_socket``. May be called twice."""
        if self.pipe is not None:
            if self.thread is not None and self.thread.is_alive():
                self.pipe.send(_STOP)
                self.thread.join()
            self.thread = None
            self.pipe.close()
            self.pipe = None
        super().stop()

    def is_alive(self) -> bool:
        """Return whether the thread runs."""
        return self.thread is not None and self.thread.is_alive()

    def __del__(self) -> None:
        self.stop()
