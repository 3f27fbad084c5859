# SPDX-License-Identifier: Apache-2.0
"""Formatters and checkers have no complaint."""

from __future__ import annotations

import pytest
from source.tree import ROOT, check, files, tool

pytestmark = pytest.mark.timeout(300)


def need(paths: list) -> list:
    if not paths:
        pytest.skip("no such files yet")
    return paths


def test_clang_format() -> None:
    paths = need(files(".c", ".h"))
    check(tool("clang-format"), "--dry-run", "-Werror", *paths)


def test_ruff_check() -> None:
    check(tool("ruff"), "check", "--no-cache", *need(files(".py", ".pyi")))


def test_ruff_format() -> None:
    check(tool("ruff"), "format", "--check", "--no-cache", *need(files(".py", ".pyi")))


def test_cython_lint() -> None:
    check(tool("cython-lint"), *need(files(".pyx", ".pxd", ".pxi")))


def test_mypy(tmp_path) -> None:
    need([ROOT / "fastmq" / "__init__.py"][: (ROOT / "fastmq/__init__.py").exists()])
    check(tool("mypy"), "--strict", "--cache-dir", tmp_path, "fastmq")


def test_gersemi() -> None:
    paths = [
        path for path in files(".cmake", ".txt") if path.name != "requirements.txt"
    ]
    paths = [p for p in paths if p.suffix == ".cmake" or p.name == "CMakeLists.txt"]
    check(tool("gersemi"), "--check", "--no-cache", *need(paths))


def test_codespell() -> None:
    texts = files(
        ".c",
        ".h",
        ".py",
        ".pyi",
        ".pyx",
        ".pxi",
        ".pxd",
        ".md",
        ".toml",
        ".sh",
        ".cmake",
    )
    check(tool("codespell"), *need(texts))
