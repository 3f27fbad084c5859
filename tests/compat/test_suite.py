# SPDX-License-Identifier: Apache-2.0
"""pyzmq's own test suite passes on fastmq, but for what is listed."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from compat import suite
from source.tree import complain


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_pyzmqs_own_suite(tmp_path: Path) -> None:
    pytest.importorskip("fastmq.asyncio")
    try:
        suite.fetch(tmp_path)
    except suite.Unavailable as error:
        pytest.skip(str(error))
    found = suite.on_fastmq(tmp_path, *suite.LARGE)
    print(suite.summary(found))
    assert len(found) > 300
    complain("tests that do not pass and are not listed", suite.wrong(found))
    complain("tests that are listed, and pass", suite.stale(found))


def test_what_is_listed() -> None:
    found = {
        "test_win32_shim.TestIt.test_x": "skipped",
        "test_socket.TestSocket.test_bind": "failed",
        "test_etc.test_has_curves": "passed",
        "test_x.test_y": "passed",
    }
    assert suite.wrong(found) == ["test_socket.TestSocket.test_bind: failed"]
    assert suite.summary(found).startswith("4 tests: 2 passed, 1 failed, 1 skipped; 1 ")
    assert suite.stale({"test_win32_shim.test_x": "passed"}) == ["test_win32_shim.*"]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("<testcase classname='tests.test_a.TestB' name='c'/>", "passed"),
        ("<testcase classname='tests.test_a.TestB' name='c'><skipped/></testcase>",
         "skipped"),
        ("<testcase classname='' name='tests.test_a.TestB.c'><error/></testcase>",
         "failed"),
    ],
)  # fmt: skip
def test_outcomes(case: str, expected: str) -> None:
    assert suite.outcome(ET.fromstring(case)) == ("test_a.TestB.c", expected)
