# SPDX-License-Identifier: Apache-2.0
"""Frames: message parts as objects."""

from __future__ import annotations

from typing import Any

from . import _core
from ._alias import public_name
from .constants import Errno, MessageOption
from .error import ZMQError

__all__ = ["Frame", "Message"]


class Frame(_core.Frame):
    """One message part, shared with the core rather than copied.

    Args:
        data: Any object with the buffer protocol; None makes an empty frame.
        track: Make a tracker that tells when ``data`` is not in use any more.
        copy: Whether to copy ``data``; None copies what is smaller than
            ``copy_threshold``.
        copy_threshold: In bytes; None is ``COPY_THRESHOLD`` of the package, 0 shares
            all.

    >>> frame = Frame(b"hello")
    >>> len(frame), frame.bytes
    (5, b'hello')
    """

    # No instance has a __dict__: what is not declared cannot be set.
    __slots__ = ()

    def __getattr__(self, key: str) -> Any:
        upper = key.upper()
        option = MessageOption.__members__.get(upper)
        if option is None:
            raise AttributeError(f"Frame has no such option: {upper}")
        try:
            return self.get(option)
        except ZMQError:
            raise AttributeError(f"{key} attribute is write-only") from None

    def __setattr__(self, key: str, value: Any) -> None:
        if any(key in cls.__dict__ for cls in type(self).__mro__):
            object.__setattr__(self, key, value)
            return
        upper = key.upper()
        option = MessageOption.__members__.get(upper)
        if option is None:
            raise AttributeError(f"Frame has no such option: {upper}")
        self.set(option, value)

    def set(self, option: int | str, value: Any) -> None:
        """Set whom a message is for; nothing else of it can be set.

        Args:
            option: "routing_id" or "group", as the attributes.
            value: Its value.

        Raises:
            ZMQError: There is no such option, or no such value of it (EINVAL).
        """
        if option not in ("routing_id", "group"):
            raise ZMQError(Errno.EINVAL)
        object.__setattr__(self, option, value)

    def __repr__(self) -> str:
        body = self.buffer
        size = len(body)
        if size <= 16:
            shown = repr(bytes(body))
        else:
            unit, amount = "B", size
            if size >= 2**30:
                unit, amount = "GB", size // 10**9
            elif size >= 2**20:
                unit, amount = "MB", size // 10**6
            elif size >= 1000:
                unit, amount = "kB", size // 1000
            shown = f"{bytes(body[:12])!r}...{amount}{unit}"
        name = public_name(f"fastmq.{self.__class__.__name__}")
        return f"<{name}({shown})>"


# pyzmq's older name.
Message = Frame
