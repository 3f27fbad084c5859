# SPDX-License-Identifier: Apache-2.0
"""No wake-up is lost between threads that talk through ducts, notes and an inbox."""

from __future__ import annotations

from dataclasses import replace

import pytest
from model.inproc import RULES, Setting, check

SETTINGS = {
    "one to one": Setting((3,), (3,)),
    "one to one, mark 2": Setting((4,), (4,), mark=2),
    "two to one": Setting((2, 2), (4,)),
    "one to two threads": Setting((3,), (2, 1)),
    "one to two threads, mark 2": Setting((3,), (2, 1), mark=2),
    "two to two threads": Setting((2, 1), (2, 1)),
}

# A setting that misses the rule.
MISSED = {
    "reader sleeps in the tail word": "one to two threads",
    "writer sleeps in the head word": "one to one",
    "a note is taken before looking": "one to one",
    "owner sleeps in the inbox word": "one to one",
    "inbox taken under the leader sleeps again": "two to two threads",
    "bell taken before sleeping in the inbox": "one to one",
    "publishing rings for the leader": "one to two threads",
    "leave wakes a follower": "one to two threads",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_no_wake_up_is_lost(name: str) -> None:
    result = check(SETTINGS[name])
    assert result.stuck is None, str(result)
    assert result.n_quiet >= 10


def test_every_rule_is_left_out_once() -> None:
    assert set(MISSED) == RULES


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_left_out_leaves_somebody_asleep(rule: str) -> None:
    setting = SETTINGS[MISSED[rule]]
    result = check(replace(setting, rules=RULES - {rule}))
    assert result.stuck is not None, f"nobody misses '{rule}'"
    assert "sleeps" in result.stuck, str(result)
