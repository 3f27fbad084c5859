# SPDX-License-Identifier: Apache-2.0
"""Types of arguments, for type checkers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol


class HasArrayInterface(Protocol):
    """An array with numpy's protocol for arrays, which has the buffer protocol, too."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """Where its elements are, and of what type."""
        ...


if TYPE_CHECKING:
    from typing_extensions import Buffer as _Buffer

    # Before Python 3.12 the types of numpy's arrays do not say that they are buffers.
    Buffer = _Buffer | HasArrayInterface
