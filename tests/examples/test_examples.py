# SPDX-License-Identifier: Apache-2.0
"""Every program in examples/ does what it says, on fastmq and on pyzmq."""

from __future__ import annotations

import pytest
from examples.programs import (
    FOLDER,
    IMPORT,
    PROGRAMS,
    finish,
    other_end,
    prints,
    started,
    variant,
)

LIBRARIES = ["fastmq", "zmq"]
ENDS = {path: end for path in PROGRAMS if (end := other_end(path))}
ALONE = [path for path in PROGRAMS if path not in {*ENDS, *ENDS.values()}]


def test_there_are_examples() -> None:
    assert len(ALONE) >= 10
    assert len(ENDS) >= 2


def test_all_are_listed() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in PROGRAMS:
        assert f"({path.name})" in text


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.stem)
def test_alone(path, library, tmp_path) -> None:
    expected = prints(path)
    assert expected
    with started(variant(path, library, tmp_path)) as process:
        written, errors = finish(process)
    assert (process.returncode, written, errors) == (0, expected, "")


@pytest.mark.parametrize("there", LIBRARIES)
@pytest.mark.parametrize("here", LIBRARIES)
@pytest.mark.parametrize("path", ENDS, ids=lambda path: path.stem)
def test_two_ends(path, here, there, tmp_path) -> None:
    """One end of the two on each library, in every combination."""
    end = ENDS[path]
    with started(variant(path, here, tmp_path), "tcp://127.0.0.1:*") as binder:
        assert binder.stdout is not None
        address = binder.stdout.readline().split()[-1]
        with started(variant(end, there, tmp_path), address) as connecter:
            written, errors = finish(connecter)
            assert (connecter.returncode, written, errors) == (0, prints(end), "")
        written, errors = finish(binder)
        assert (binder.returncode, errors) == (0, "")


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_shape(path) -> None:
    text = path.read_text(encoding="utf-8")
    assert IMPORT in text
    assert text.count("\n") <= 80
    assert text.rstrip().endswith('if __name__ == "__main__":\n    main()')
