# SPDX-License-Identifier: Apache-2.0
"""Every byte vector says what it is and where it comes from, and some test reads it."""

from __future__ import annotations

import re

from source.tree import ROOT, complain
from vectors.dialogues import vector

FOLDER = ROOT / "tests" / "vectors"
ORIGIN = re.compile(r"# (Captured from libzmq \d|By hand from RFC \d+, \")")
READERS = [
    *(ROOT / "tests" / "c").glob("*.c"),
    *(ROOT / "tests" / "patterns").glob("*.py"),
    FOLDER / "dialogues.py",
]


def test_vectors_say_where_they_come_from() -> None:
    complain(
        "vectors without an origin, or without bytes",
        [
            path.name
            for path in sorted(FOLDER.glob("*.hex"))
            if not any(ORIGIN.match(line) for line in path.read_text().splitlines())
            or not vector(path.stem)
        ],
    )


def test_vectors_are_read() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in READERS)
    complain(
        "vectors that no test reads",
        [
            path.name
            for path in sorted(FOLDER.glob("*.hex"))
            if f'"{path.stem}"' not in sources
        ],
    )
