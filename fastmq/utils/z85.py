# SPDX-License-Identifier: Apache-2.0
"""Z85: bytes as printable text, four as five characters (RFC 32)."""

from __future__ import annotations

__all__ = ["Z85CHARS", "Z85MAP", "decode", "encode"]

Z85CHARS = (
    b"0123456789abcdefghijklmnopqrstuvwxyz"
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
)
# The digit that a character stands for, by its code.
Z85MAP = {code: digit for digit, code in enumerate(Z85CHARS)}


def encode(rawbytes: bytes | bytearray | memoryview) -> bytes:
    """Return bytes as text.

    Args:
        rawbytes: A multiple of 4 of them.

    Raises:
        ValueError: It is none.

    >>> encode(bytes.fromhex("864fd26fb559f75b"))
    b'HelloWorld'
    """
    if len(rawbytes) % 4:
        raise ValueError(f"the length must be a multiple of 4, not {len(rawbytes)}")
    text = bytearray()
    for at in range(0, len(rawbytes), 4):
        number = int.from_bytes(rawbytes[at : at + 4], "big")
        digits = bytearray(5)
        for place in range(4, -1, -1):
            number, digit = divmod(number, 85)
            digits[place] = Z85CHARS[digit]
        text += digits
    return bytes(text)


def decode(z85bytes: str | bytes | bytearray) -> bytes:
    """Return the bytes that text stands for.

    Args:
        z85bytes: A multiple of 5 characters.

    Raises:
        ValueError: It is none, or five of them stand for nothing.
        KeyError: One of them is not of Z85.

    >>> decode("HelloWorld").hex()
    '864fd26fb559f75b'
    """
    if isinstance(z85bytes, str):
        try:
            z85bytes = z85bytes.encode("ascii")
        except UnicodeEncodeError:
            raise ValueError("only ASCII characters are of Z85") from None
    if len(z85bytes) % 5:
        raise ValueError(f"the length must be a multiple of 5, not {len(z85bytes)}")
    raw = bytearray()
    for at in range(0, len(z85bytes), 5):
        number = 0
        for code in z85bytes[at : at + 5]:
            number = number * 85 + Z85MAP[code]
        if number >> 32:
            raise ValueError("these five characters stand for more than four bytes")
        raw += number.to_bytes(4, "big")
    return bytes(raw)
