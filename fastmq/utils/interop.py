# SPDX-License-Identifier: Apache-2.0
"""Addresses that come from elsewhere."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["cast_int_addr"]


def cast_int_addr(n: Any) -> int:
    """Return an address as an int.

    Args:
        n: An int, or a pointer of the cffi package.

    Raises:
        ValueError: It is neither.
    """
    if isinstance(n, int):
        return int(n)
    cffi = sys.modules.get("cffi")
    if cffi is not None:
        ffi = cffi.FFI()
        if isinstance(n, ffi.CData):
            return int(ffi.cast("size_t", n))
    raise ValueError(f"Cannot cast {n!r} to int")
