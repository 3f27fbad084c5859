# SPDX-License-Identifier: Apache-2.0
"""The map of the core names what is there."""

from __future__ import annotations

import re

from source.tree import ROOT, complain, files, name

MAPS = [
    ROOT / "csrc" / "README.md",
    *sorted((ROOT / "docs" / "internals").glob("*.md")),
]
QUOTED = re.compile(r"`([^`\n]+)`")
FUNCTION = re.compile(r"[a-z]+(?:_+[a-z]+)+")
FILE = re.compile(r"(?:\w+/)?\w+\.[ch]")


def stale_names(text: str, sources: str, paths: set[str]) -> list[str]:
    stale = []
    for quoted in QUOTED.findall(text):
        if FUNCTION.fullmatch(quoted):
            is_there = re.search(rf"\b{quoted}\(", sources) is not None
        elif FILE.fullmatch(quoted):
            is_there = any(path.endswith("/" + quoted) for path in paths)
        else:
            continue
        if not is_there:
            stale.append(quoted)
    return stale


def test_what_the_map_names_is_there() -> None:
    found = list(files(".c", ".h", under="csrc"))
    sources = "\n".join(path.read_text(encoding="utf-8") for path in found)
    paths = {name(path) for path in found}
    complain(
        "functions or files that are named, but not there",
        [
            f"{name(page)}: {stale}"
            for page in MAPS
            for stale in stale_names(page.read_text(encoding="utf-8"), sources, paths)
        ],
    )


def test_stale_names_are_found() -> None:
    text = (
        "`fmq_send` in `socket/data.c`, `gone_away`, `no/where.c`, `tests/model`, `L`"
    )
    sources = "fmq_send(fmq_socket s"
    assert stale_names(text, sources, {"csrc/socket/data.c"}) == [
        "gone_away",
        "no/where.c",
    ]
