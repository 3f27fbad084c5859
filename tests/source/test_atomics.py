# SPDX-License-Identifier: Apache-2.0
"""Every atomic that orders something says, in a comment, what it pairs with."""

from __future__ import annotations

import re

from source.tree import complain, files, name

ORDERS = re.compile(r"\bmemory_order_(?:acquire|release|acq_rel|seq_cst|consume)\b")
# Without an order in its name an atomic call orders everything.
BARE = re.compile(
    r"\batomic_(?:load|store|exchange|fetch_\w+|compare_exchange_\w+)\s*\("
    r"|\batomic_(?:thread|signal)_fence\s*\("
)
ABOVE = 6


def unexplained(text: str) -> list[int]:
    """Return the lines that order memory and have no comment on or just above them."""
    lines = text.split("\n")
    found = []
    for number, line in enumerate(lines):
        code, _, _ = line.partition("/*")
        is_bare = BARE.search(code) and "_explicit" not in code
        if not ORDERS.search(code) and not is_bare:
            continue
        near = lines[max(0, number - ABOVE) : number + 2]
        if not any("/*" in other or "*/" in other for other in near):
            found.append(number + 1)
    return found


def test_every_ordering_atomic_has_a_comment() -> None:
    complain(
        "atomics that order memory and do not say for whom",
        [
            f"{name(path)}:{number}"
            for path in files(".c", ".h", under="csrc")
            for number in unexplained(path.read_text(encoding="utf-8"))
        ],
    )


def test_silent_atomics_are_found() -> None:
    silent = "atomic_store_explicit(&q->tail, t, memory_order_release);"
    assert unexplained(silent) == [1]
    assert unexplained(silent + " /* S1 */") == []
    assert unexplained("/* S1 -> L1 */\n" + silent) == []
    assert unexplained("n = atomic_load(&q->tail);") == [1]
    assert unexplained("n = atomic_load_explicit(&q->n, memory_order_relaxed);") == []
