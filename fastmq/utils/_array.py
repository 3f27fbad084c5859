# SPDX-License-Identifier: Apache-2.0
"""Arrays as messages of two parts: what they are, and their bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

__all__ = ["dump_array", "load_array"]


def dump_array(array: Any) -> list[Any]:
    """Return the parts of an array.

    Args:
        array: What ``numpy.asarray`` takes, or an object with DLPack's protocol.
    """
    import numpy

    np: Any = numpy  # whose types depend on its version
    if not isinstance(array, np.ndarray) and hasattr(array, "__dlpack__"):
        array = np.from_dlpack(array)
    array = np.asarray(array)
    if array.dtype.hasobject:
        raise TypeError(f"an array of Python objects cannot be sent: {array.dtype}")
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    descr = np.lib.format.dtype_to_descr(array.dtype)
    head = json.dumps({"dtype": descr, "shape": array.shape}, separators=(",", ":"))
    # An element count of its own, for types that memoryview does not know.
    body = array.reshape(-1).view(np.uint8) if array.size else b""
    return [head.encode(), body]


def load_array(parts: Sequence[Any], copy: bool) -> Any:
    """Return the array that a message holds.

    Args:
        parts: Its parts, as frames.
        copy: Copy its bytes.
    """
    import numpy

    np: Any = numpy
    if len(parts) != 2:
        raise ValueError(f"an array is a message of 2 parts, this has {len(parts)}")
    try:
        head = json.loads(bytes(parts[0]))
        shape = tuple(int(n) for n in head["shape"])
        dtype = np.lib.format.descr_to_dtype(_as_descr(head["dtype"]))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"no header of an array: {bytes(parts[0])[:80]!r}") from error
    size = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or dtype.hasobject or size != len(parts[1]):
        raise ValueError(
            f"an array of {dtype}, shape {shape}, does not have {len(parts[1])} bytes"
        )
    array = np.frombuffer(memoryview(parts[1]), dtype) if size else np.empty(0, dtype)
    array = array.reshape(shape)
    if copy:
        return array.copy()
    array.flags.writeable = False  # others of this process may have the message, too
    return array


def _as_descr(descr: Any) -> Any:
    """Return a type's description with the tuples that JSON has made lists of."""
    if isinstance(descr, str):
        return descr
    return [
        (str(name), _as_descr(of), *(tuple(int(n) for n in dims) for dims in more))
        for name, of, *more in descr
    ]
