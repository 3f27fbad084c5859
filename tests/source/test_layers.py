# SPDX-License-Identifier: Apache-2.0
"""The include graph of the core: downwards only, and without a cycle."""

from __future__ import annotations

import re
from pathlib import Path

from source.tree import CSRC, LAYERS, complain, files, name

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)
PUBLIC = CSRC / "include"


def sources() -> list[Path]:
    return files(".c", ".h", under="csrc")


def includes(path: Path) -> list[str]:
    return INCLUDE.findall(path.read_text(encoding="utf-8"))


def layer(path: Path) -> str:
    return path.relative_to(CSRC).parts[0]


def target(included: str) -> Path | None:
    for base in (CSRC, PUBLIC):
        if (base / included).is_file():
            return base / included
    return None


def test_every_file_is_in_a_layer() -> None:
    complain(
        "folders of csrc that are no layer",
        [name(path) for path in sources() if layer(path) not in (*LAYERS, "include")],
    )


def test_includes_are_written_from_csrc() -> None:
    complain(
        "includes that do not name a file from csrc or csrc/include",
        [
            f"{name(path)}: {included}"
            for path in sources()
            for included in includes(path)
            if target(included) is None or "../" in included
        ],
    )


def test_includes_go_down() -> None:
    rank = {folder: depth for depth, folder in enumerate(LAYERS)}
    rank["include"] = len(LAYERS)
    complain(
        f"includes that go up (the order is {' > '.join(LAYERS)})",
        [
            f"{name(path)}: {included}"
            for path in sources()
            for included in includes(path)
            if (found := target(included)) is not None
            and rank.get(layer(path), 0) > rank.get(layer(found), 0)
        ],
    )


def test_modules_form_no_cycle() -> None:
    """A module is a header and the .c beside it: what must be understood together."""
    graph: dict[str, set[str]] = {}
    for path in sources():
        module = name(path.with_suffix(""))
        found = (target(included) for included in includes(path))
        needs = {name(other.with_suffix("")) for other in found if other is not None}
        graph.setdefault(module, set()).update(needs - {module})
    complain("include cycles", [" > ".join(cycle) for cycle in cycles(graph)])


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return one path through each knot of modules that reach each other."""
    found = []
    seen: set[str] = set()
    for start in sorted(graph):
        path = shortest_way_back(graph, start)
        if path and not seen & set(path):
            seen |= set(path)
            found.append(path)
    return found


def shortest_way_back(graph: dict[str, set[str]], start: str) -> list[str]:
    came_from: dict[str, str] = {}
    queue = [start]
    for module in queue:
        for other in sorted(graph.get(module, ())):
            if other == start:
                path = [start]
                while module != start:
                    path.append(module)
                    module = came_from[module]
                return [start, *reversed(path[1:]), start]
            if other not in came_from:
                came_from[other] = module
                queue.append(other)
    return []


def test_cycles_are_found() -> None:
    assert cycles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c", "b"]]
    assert cycles({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == [["a", "b", "c", "a"]]
