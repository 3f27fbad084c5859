# SPDX-License-Identifier: Apache-2.0
"""What the demo's verdict rests on: batches, tallies, coverage, comparison."""

from __future__ import annotations

import array
import itertools
import json
import random
from pathlib import Path

import pytest
from demo.conftest import N_LINES

from fastmq.demo import corpus, roles


def tally_of(*batches: corpus.Batch) -> corpus.Tally:
    tally = corpus.Tally()
    for batch in batches:
        tally.add(batch)
    return tally


@pytest.mark.parametrize("batch_bytes", [1, 7, 100, 16384, 1 << 30])
def test_batches_are_whole_lines_in_order(tree: Path, batch_bytes: int) -> None:
    files = corpus.find_files(str(tree))
    batches = list(corpus.read_batches(files, batch_bytes))
    text = b"".join(batch.text for batch in batches)
    assert text == b"".join(Path(file.path).read_bytes() for file in files)
    n_lines = 0
    for batch in batches:
        assert batch.first == n_lines
        n_lines += batch.n_lines
    assert n_lines == N_LINES
    whole = list(corpus.read_batches(files, 1 << 30))
    assert tally_of(*batches).summary(9) == tally_of(*whole).summary(9)


def test_a_file_that_grows_or_changes(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("one\ntwo\n")
    files = corpus.find_files(str(tmp_path))
    assert corpus.changed_files(files) == []
    with file.open("a") as stream:
        stream.write("three\n")
    assert [batch.text for batch in corpus.read_batches(files, 99)] == [b"one\ntwo\n"]
    assert corpus.changed_files(files) == [str(file)]
    file.write_text("on")
    assert [batch.text for batch in corpus.read_batches(files, 99)] == [b"on"]


def test_summary_tells_any_difference() -> None:
    one = corpus.Batch(0, 1, b"some line\n")
    two = corpus.Batch(1, 1, b"some line\n")
    other = corpus.Batch(1, 1, b"line some\n")
    assert tally_of(one, two).summary(5) == tally_of(two, one).summary(5)
    different = [(one,), (one, one), (two, two), (one, other), (one, two, two)]
    for batches in different:
        assert tally_of(*batches).summary(5) != tally_of(one, two).summary(5)


def test_a_batch_that_lies() -> None:
    with pytest.raises(ValueError, match="line 7: 3 lines were sent, 2 have come"):
        tally_of(corpus.Batch(7, 3, b"a\nb"))


def test_coverage_in_any_order() -> None:
    ranges = [(first, 1 + first % 3) for first in range(300)]
    borders = [0]
    for _, n in ranges:
        borders.append(borders[-1] + n)
    pieces = list(itertools.pairwise(borders))
    random.Random(5).shuffle(pieces)
    coverage = corpus.Coverage()
    for first, end in pieces:
        coverage.add(first, end - first)
    assert coverage.n_lines == borders[-1]
    assert coverage.first_gap() == borders[-1]


@pytest.mark.parametrize("again", [(0, 1), (0, 9), (3, 1), (4, 2), (9, 2), (12, 1)])
def test_coverage_finds_what_came_twice(again: tuple[int, int]) -> None:
    coverage = corpus.Coverage()
    coverage.add(0, 5)
    coverage.add(10, 5)
    with pytest.raises(ValueError, match="came twice"):
        coverage.add(*again)
    coverage.add(5, 5)
    assert (coverage.n_lines, coverage.first_gap()) == (15, 15)


def merge(coverage: corpus.Coverage, *ranges: int, n_lines: int) -> corpus.Tally:
    tally = corpus.Tally()
    totals = roles._TOTALS.pack(n_lines, 10, 1)
    borders = array.array("Q", ranges).tobytes()
    words = json.dumps({"word": 2}).encode()
    roles._merge_result(tally, coverage, totals, borders, words)
    return tally


def test_sink_merges_what_fits_and_refuses_the_rest() -> None:
    coverage = corpus.Coverage()
    assert merge(coverage, 0, 5, 8, 2, n_lines=7).words == {"word": 2}
    assert coverage.first_gap() == 5
    with pytest.raises(roles.Refused, match="came twice"):
        merge(coverage, 5, 4, n_lines=4)
    with pytest.raises(roles.Refused, match="names others"):
        merge(coverage, 5, 3, n_lines=2)
    assert "5 lines" not in roles._describe_lack(coverage, 10, 3)
    assert "3 are missing, the first missing one is line 5" in roles._describe_lack(
        coverage, 10, 3
    )
