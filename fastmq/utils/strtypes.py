# SPDX-License-Identifier: Apache-2.0
"""Conversions between str and bytes from the days of Python 2; all deprecated."""

from __future__ import annotations

from warnings import warn

__all__ = [
    "asbytes",
    "b",
    "basestring",
    "bytes",
    "cast_bytes",
    "cast_unicode",
    "u",
    "unicode",
]

bytes = bytes  # noqa: A001
unicode = str
basestring = (str,)


def _deprecated() -> None:
    warn(
        "zmq.utils.strtypes is deprecated, use str.encode and bytes.decode",
        DeprecationWarning,
        stacklevel=3,
    )


def cast_bytes(s: str | bytes, encoding: str = "utf8", errors: str = "strict") -> bytes:
    """Return bytes, encoded if need be; deprecated, use ``str.encode``.

    Args:
        s: Text or bytes.
        encoding: How to make bytes of text.
        errors: As for ``str.encode``.

    Raises:
        TypeError: It is neither.
    """
    _deprecated()
    if isinstance(s, bytes):
        return s
    if isinstance(s, str):
        return s.encode(encoding, errors)
    raise TypeError(f"Expected unicode or bytes, got {s!r}")


def cast_unicode(s: str | bytes, encoding: str = "utf8", errors: str = "strict") -> str:
    """Return a str, decoded if need be; deprecated, use ``bytes.decode``.

    Args:
        s: Text or bytes.
        encoding: How to make text of bytes.
        errors: As for ``bytes.decode``.

    Raises:
        TypeError: It is neither.
    """
    _deprecated()
    if isinstance(s, str):
        return s
    if isinstance(s, bytes):
        return s.decode(encoding, errors)
    raise TypeError(f"Expected unicode or bytes, got {s!r}")


b = asbytes = cast_bytes
u = cast_unicode
