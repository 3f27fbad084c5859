# SPDX-License-Identifier: Apache-2.0
"""JSON as it travels: UTF-8 bytes."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["dumps", "jsonmod", "loads"]

jsonmod = json


def dumps(o: Any, **kwargs: Any) -> bytes:
    """Return an object as JSON, in UTF-8.

    Args:
        o: What ``json.dumps`` takes.
        kwargs: Its keywords.
    """
    return json.dumps(o, **kwargs).encode("utf-8")


def loads(s: str | bytes, **kwargs: Any) -> Any:
    """Return the object that JSON text stands for.

    Args:
        s: The text, or its bytes in UTF-8.
        kwargs: Keywords of ``json.loads``.
    """
    if isinstance(s, bytes):
        s = s.decode("utf-8")
    return json.loads(s, **kwargs)
