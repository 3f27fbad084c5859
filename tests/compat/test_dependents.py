# SPDX-License-Identifier: Apache-2.0
"""Packages that live on pyzmq print the same on fastmq."""

from __future__ import annotations

from pathlib import Path

import pytest
from compat import dependents
from compat.suite import Unavailable
from source.tree import complain


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_dependents(tmp_path: Path) -> None:
    try:
        found = dependents.compare_all(tmp_path)
    except Unavailable as error:
        pytest.skip(str(error))
    assert len(found) == len(dependents.DEPENDENTS)
    complain(
        "packages that do not run as on pyzmq",
        [f"{name}: {r.complaint}" for name, r in found.items() if r.complaint],
    )


def test_each_has_a_program() -> None:
    programs = {path.name for path in dependents.PROGRAMS.glob("*.py")}
    assert {d.program for d in dependents.DEPENDENTS} == programs


def test_names() -> None:
    assert [d.name for d in dependents.chosen(["scoop"])] == ["scoop"]
    assert dependents.chosen([]) == list(dependents.DEPENDENTS)
    with pytest.raises(Unavailable, match="no such dependent: y"):
        dependents.chosen(["y"])
