# SPDX-License-Identifier: Apache-2.0
"""Errors, and the one place where an errno becomes a class.

::

    Exception
     +-- ZMQBaseError
     |    +-- ZMQError
     |    |    +-- Again
     |    |    +-- ContextTerminated
     |    |    +-- InterruptedSystemCall    (also an InterruptedError)
     |    |    +-- TermTimeout
     |    +-- ZMQBindError
     |    +-- NotDone
     +-- NotImplementedError
     |    +-- ZMQVersionError
     +-- RuntimeWarning
          +-- DraftFDWarning
"""

from __future__ import annotations

from collections.abc import Sequence
from errno import EINTR
from typing import Any, NamedTuple

from ._core import strerror, zmq_errno, zmq_version_info
from .constants import Errno, SocketType

__all__ = [
    "Again",
    "ContextTerminated",
    "DraftFDWarning",
    "InterruptedSystemCall",
    "NotDone",
    "TermTimeout",
    "Unsent",
    "ZMQBaseError",
    "ZMQBindError",
    "ZMQError",
    "ZMQVersionError",
]


class ZMQBaseError(Exception):
    """What all errors of this package are, but the two that say otherwise."""


class ZMQError(ZMQBaseError):
    """An error with a number: ``errno``, and its text: ``strerror``.

    Args:
        errno: The number; left out, that of the last call that failed. A text stands
            for itself and leaves ``errno`` at None.
        msg: The text, if not the usual one of the number.

    >>> ZMQError(22)
    ZMQError('Invalid argument')
    """

    errno: int | None = None
    strerror: str
    # Of ``send_many`` and ``send_multipart_many``: how many messages went before, and a
    # list of those that were read and did not go.
    n_sent: int = 0
    unsent: Sequence[Any] = ()

    def __init__(self, errno: int | str | None = None, msg: str | None = None) -> None:
        if errno is None:
            errno = zmq_errno()
        if isinstance(errno, int):
            self.errno = errno
            self.strerror = strerror(errno) if msg is None else msg
        else:
            self.strerror = str(errno) if msg is None else msg

    def __str__(self) -> str:
        return self.strerror

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({str(self)!r})"


class Again(ZMQError):
    """There was nothing to receive or no room to send, in the time allowed."""

    def __init__(self, errno: int | str = "ignored", msg: str = "ignored") -> None:
        super().__init__(Errno.EAGAIN)


class ContextTerminated(ZMQError):
    """The context of the socket was terminated."""

    def __init__(self, errno: int | str = "ignored", msg: str = "ignored") -> None:
        super().__init__(Errno.ETERM)


class InterruptedSystemCall(ZMQError, InterruptedError):
    """A signal arrived during the call, and the call could not go on."""

    errno: int | None = None
    strerror: str  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, errno: int | str = "ignored", msg: str = "ignored") -> None:
        super().__init__(EINTR)

    def __str__(self) -> str:
        return f"{super().__str__()}: the call was interrupted by a signal"


class Unsent(NamedTuple):
    """Messages that a closed or open socket has not written to a peer yet.

    Args:
        socket_type: The socket's.
        peer: The endpoint that was connected to; for a peer that connected to us, its
            address.
        messages: How many, the one that is being written included.
    """

    socket_type: SocketType
    peer: str
    messages: int

    def __str__(self) -> str:
        what = "message" if self.messages == 1 else "messages"
        return f"{self.socket_type.name} to {self.peer}: {self.messages} {what} unsent"


class TermTimeout(ZMQError):
    """``Context.term`` took longer than it was given; it may be called again.

    Args:
        open_sockets: The types of sockets that are not closed.
        unsent: What closed ones still wait to write, and open ones too.
    """

    open_sockets: tuple[SocketType, ...]
    unsent: tuple[Unsent, ...]

    def __init__(
        self,
        open_sockets: tuple[SocketType, ...] = (),
        unsent: tuple[Unsent, ...] = (),
    ) -> None:
        self.open_sockets = open_sockets
        self.unsent = unsent
        reasons = [f"{kind.name} not closed" for kind in open_sockets]
        reasons += map(str, unsent)
        text = strerror(Errno.ETIMEDOUT)
        super().__init__(
            int(Errno.ETIMEDOUT), f"{text} ({'; '.join(reasons)})" if reasons else text
        )

    def __reduce__(self) -> tuple[type[TermTimeout], tuple[object, ...]]:
        return type(self), (self.open_sockets, self.unsent)


class ZMQBindError(ZMQBaseError):
    """``bind_to_random_port`` found no free port."""


class NotDone(ZMQBaseError):
    """A tracked message is still in use after the time given to ``wait``."""


class ZMQVersionError(NotImplementedError):
    """A feature is not there in this version.

    Args:
        min_version: The version that has it.
        msg: What it is.
    """

    min_version: str
    msg: str
    version: str

    def __init__(self, min_version: str, msg: str = "Feature") -> None:
        self.min_version = min_version
        self.msg = msg
        self.version = ".".join(map(str, zmq_version_info()))

    def __str__(self) -> str:
        return f"{self.msg} requires libzmq >= {self.min_version}, have {self.version}"

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({str(self)!r})"


class DraftFDWarning(RuntimeWarning):
    """The descriptor of a thread-safe socket was asked for.

    Args:
        msg: The text of the warning.
    """

    def __init__(self, msg: str = "") -> None:
        super().__init__(msg or "thread-safe sockets have no descriptor of their own")


_CLASSES: dict[int, type[ZMQError]] = {
    EINTR: InterruptedSystemCall,
    Errno.EAGAIN: Again,
    Errno.ETERM: ContextTerminated,
}


def error_from_errno(errno: int, msg: str | None = None) -> ZMQError:
    """Return the error that stands for a number.

    Args:
        errno: The number.
        msg: The text, if not the usual one of the number.
    """
    return _CLASSES.get(errno, ZMQError)(errno, msg)
