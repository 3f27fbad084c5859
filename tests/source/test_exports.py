# SPDX-License-Identifier: Apache-2.0
"""The built extension shows the world one symbol."""

from __future__ import annotations

import importlib.util
import subprocess

import pytest
from source.tree import ROOT, tool


def test_the_extension_exports_its_init_function_alone() -> None:
    if not (ROOT / "fastmq" / "_core.pyx").exists():
        pytest.skip("no extension yet")
    spec = importlib.util.find_spec("fastmq._core")
    assert spec is not None, "fastmq._core is not installed"
    assert spec.origin is not None
    listing = subprocess.run(
        [tool("nm"), "--dynamic", "--defined-only", "--format=posix", spec.origin],
        capture_output=True,
        text=True,
        check=True,
    )
    symbols = [line.split()[0] for line in listing.stdout.splitlines()]
    assert symbols == ["PyInit__core"]
