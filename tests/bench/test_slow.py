# SPDX-License-Identifier: Apache-2.0
"""bench/slow.py runs; the page about slow ways has its names and the true limits."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "bench" / "slow.py"
PAGE = ROOT / "docs" / "guide" / "slow-ways.md"
NAMES = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
# What the page says, and the constants that make it true.
LIMITS = [
    ("What is read is a message, {} at most", "csrc/session/read.c", "READ_RAW"),
    ("is then read {} at a time", "csrc/session/read.c", "READ_CAUTIOUS"),
    ("at a time instead of {}", "csrc/session/readbuf.h", "FMQ__READBUF_SIZE"),
    ("**RCVHWM below {}.**", "csrc/session/read.c", "RCVHWM_LOW"),
    ("Bodies of less than {} are read several", "csrc/session/read.c", "ROW_MIN"),
    ("and not {} at a time", "csrc/session/read.c", "GATHER_BYTES"),
    ("in pieces of {}", "csrc/session/old.h", "FMQ__OLD_BYTES"),
    ("more than {} bytes are shared", "csrc/pipe/fq.h", "FMQ__FQ_INLINE_MAX"),
    ("those of more than {} bytes", "csrc/pipe/fq.h", "FMQ__FQ_SHARE_MIN"),
    ("from {} connections", "csrc/pattern/fan.h", "FMQ__FAN_WIDE"),
    ("or {} inproc subscribers", "csrc/pattern/fan.h", "FMQ__FAN_NEAR"),
    ("of more than {} parts", "csrc/pattern/fan.h", "FMQ__FAN_PARTS"),
    ("`bytes` of {} bytes or more are not", "fastmq/_capi.pxi", "LENT"),
    ("of the last, from {} on", "fastmq/_capi.pxi", "READ_INTO"),
    ("those of more than {}, and", "fastmq/_capi.pxi", "MOST_OFFERED"),
    ("From {} on the copy", "fastmq/_capi.pxi", "LARGE"),
    ("to the core {} messages at a time", "fastmq/_batch.pxi", "AT_ONCE"),
    ("has room for {} of short bodies", "fastmq/_batch.pxi", "BATCH_ROOM"),
    ("after {} such calls", "fastmq/_waiting.pxi", "MAX_AT_ONCE"),
]


def constant(file: str, name: str) -> int:
    text = (ROOT / file).read_text(encoding="utf-8")
    found = re.search(rf"\b{name} = ([0-9*<() ]+)", text)
    assert found, f"{file} has no {name}"
    return int(eval(found[1], {}))  # numbers and signs, as matched


def ways_of(number: int) -> set[str]:
    """Return how a number may be written."""
    written = {str(number)}
    for unit, size in (("KiB", 1 << 10), ("MiB", 1 << 20)):
        if number % size == 0:
            written |= {f"{number // size} {unit}", str(number // size)}
    return written


@pytest.mark.parametrize(("text", "file", "name"), LIMITS)
def test_the_limits_of_the_page_are_those_of_the_code(text, file, name) -> None:
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    before, _, after = text.partition("{}")
    pattern = f"{re.escape(before)}([0-9]+(?: [KM]iB)?){re.escape(after)}"
    said = re.findall(pattern, page)
    assert len(said) == 1, text
    assert said[0] in ways_of(constant(file, name))


def test_the_page_has_what_is_measured() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    table = script.partition("WAYS: ")[2].partition("\n}")[0]
    ways = re.findall(r'^    "([^"]+)": \(', table, re.MULTILINE)
    assert len(ways) > 20
    assert sorted(NAMES.findall(PAGE.read_text(encoding="utf-8"))) == sorted(ways)


def test_it_runs() -> None:
    names = ["keywords", "CONFLATE", "STREAM", "ZMTP 1.0", "asyncio"]
    names += ["poll, round trip", "shared by threads"]
    done = subprocess.run(
        [sys.executable, "-P", SCRIPT, "--rounds=1", "--seconds=0.002", *names],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()[1:]
    assert [line[:28].rstrip() for line in lines] == names
