# SPDX-License-Identifier: Apache-2.0
"""The authenticator for tornado, whose loop is asyncio's now: deprecated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from warnings import warn

from .asyncio import AsyncioAuthenticator

if TYPE_CHECKING:
    from .. import Context

__all__ = ["IOLoopAuthenticator"]

warn(
    "fastmq.auth.ioloop.IOLoopAuthenticator is deprecated. "
    "Use fastmq.auth.asyncio.AsyncioAuthenticator",
    DeprecationWarning,
    stacklevel=2,
)


class IOLoopAuthenticator(AsyncioAuthenticator):
    """As ``AsyncioAuthenticator``, under its old name.

    Args:
        context: As for ``Authenticator``.
        encoding: As for ``Authenticator``.
        log: As for ``Authenticator``.
        io_loop: Not used any more.
    """

    def __init__(
        self,
        context: Context[Any] | None = None,
        encoding: str = "utf-8",
        log: Any = None,
        io_loop: Any = None,
    ) -> None:
        if io_loop is not None:
            warn(
                f"{self.__class__.__name__}(io_loop) is deprecated and ignored",
                DeprecationWarning,
                stacklevel=2,
            )
        super().__init__(context=context, encoding=encoding, log=log)
