# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

N_LINES = 6 * 500 + 3 + 1


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """N_LINES lines of text, and what is not text."""
    root = tmp_path_factory.mktemp("tree")
    (root / "sub" / "__pycache__").mkdir(parents=True)
    for number in range(6):
        lines = [f"Alpha beta {number} line_{line} alpha\n" for line in range(500)]
        (root / "sub" / f"{number}.txt").write_text("".join(lines))
    (root / "no end.txt").write_bytes(b"\xff\xfe broken utf-8\n\nlast line, no end")
    (root / "long.txt").write_text("word " * 20_000 + "\n")
    (root / "empty.txt").write_text("")
    (root / "binary").write_bytes(b"alpha\0alpha\n")
    (root / "sub" / "__pycache__" / "x.txt").write_text("alpha\n")
    (root / "nowhere").symlink_to(root / "missing")
    return root


@pytest.fixture(scope="session")
def big_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work for about a second."""
    root = tmp_path_factory.mktemp("big")
    text = "".join(
        f"some words_{line % 5000} on line {line}\n" for line in range(20_000)
    )
    for number in range(24):
        (root / f"{number}.txt").write_text(text)
    return root
