# SPDX-License-Identifier: Apache-2.0
"""An authenticator in an event loop of asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from warnings import warn

from .. import DONTWAIT, ENOTSOCK, ETERM, EVENTS, POLLIN, Again, ZMQError
from .base import Authenticator

if TYPE_CHECKING:
    from .. import Context

__all__ = ["AsyncioAuthenticator"]


class AsyncioAuthenticator(Authenticator):
    """An authenticator that answers from the running event loop.

    Args:
        context: As for ``Authenticator``; one of asyncio will do as well.
        loop: Not used any more.
        encoding: As for ``Authenticator``.
        log: As for ``Authenticator``.
    """

    def __init__(
        self,
        context: Context[Any] | None = None,
        loop: Any = None,
        encoding: str = "utf-8",
        log: Any = None,
    ) -> None:
        super().__init__(context, encoding, log)
        if loop is not None:
            warn(
                f"{self.__class__.__name__}(loop) is deprecated and ignored",
                DeprecationWarning,
                stacklevel=2,
            )
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Open ``zap_socket`` and begin to answer, in the current event loop.

        Raises:
            ZMQError: EADDRINUSE: the context has a handler already.
        """
        super().start()
        self._task = asyncio.ensure_future(self._serve())

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        socket = self.zap_socket
        assert socket is not None
        fd = socket.fileno()
        is_ready = asyncio.Event()
        loop.add_reader(fd, is_ready.set)
        try:
            while True:
                # What came before somebody watched does not make it ready.
                try:
                    message = socket.recv_multipart(DONTWAIT)
                except Again:
                    is_ready.clear()
                    if not socket.get(EVENTS) & POLLIN:
                        await is_ready.wait()
                    continue
                await self.handle_zap_message(message)
        except ZMQError as error:
            if error.errno not in (ETERM, ENOTSOCK):
                raise
            self.log.debug("the context of the handler ends")
        finally:
            loop.remove_reader(fd)

    def stop(self) -> None:
        """Stop answering and close ``zap_socket``. May be called twice."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        super().stop()
