# SPDX-License-Identifier: Apache-2.0
"""Both libraries, as the tests of patterns have them."""

from __future__ import annotations

from patterns.conftest import (  # noqa: F401
    folder,
    fresh,
    library,
    libs,
    transport,
    wildcard,
    world,
)
