# SPDX-License-Identifier: Apache-2.0
"""No wake-up is lost when callers of one socket wait (decision D2).

Every setting is explored whole. Then each rule of the protocol is left out in turn, and
the exploration must find who sleeps for ever: a model that cannot fail proves nothing.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from model.explore import Step, explore
from model.waiting import (
    LONG,
    POLL_IN,
    POLL_OUT,
    RECV,
    RULES,
    SEND,
    SHORT,
    TRY,
    Setting,
    Thread,
    check,
)

pytestmark = pytest.mark.timeout(300)


def stays(kind: str, calls: int = 1) -> Thread:
    """Return a caller without a deadline."""
    return Thread(kind, False, calls)


def leaves(kind: str, calls: int = 1) -> Thread:
    """Return a caller that may vanish while it waits: time-out, signal, close."""
    return Thread(kind, True, calls)


R, S = stays(RECV), stays(SEND)

SETTINGS = {
    "two receivers": Setting((R, leaves(RECV, 2)), arrivals=2, events=1),
    "three receivers": Setting((R, R, leaves(RECV)), arrivals=2, events=1),
    "three receivers, mark 2": Setting((R, R, leaves(RECV)), arrivals=3, mark=2),
    "two senders": Setting((S, leaves(SEND)), out=1, drains=3),
    "three senders, mark 2": Setting((S, S, leaves(SEND)), out=2, drains=3, mark=2),
    "one of each": Setting(
        (stays(RECV, 2), stays(SEND, 2)), out=1, arrivals=2, drains=2, events=1
    ),
    "two receivers, a sender": Setting(
        (R, leaves(RECV), leaves(SEND)), out=1, arrivals=2, drains=2, events=1
    ),
    "a receiver, two senders": Setting(
        (S, leaves(SEND), leaves(RECV)), out=1, arrivals=1, drains=2, events=1
    ),
    "a receiver, two senders, mark 2": Setting(
        (S, S, leaves(RECV)), out=2, arrivals=2, drains=2, mark=2
    ),
    "a poller beside receivers": Setting(
        (stays(POLL_IN), R, leaves(RECV)), arrivals=2, events=1
    ),
    "two pollers": Setting(
        (stays(POLL_IN), leaves(POLL_IN), stays(TRY)), arrivals=1, events=1
    ),
    "a poller beside a sender": Setting(
        (stays(POLL_IN), S, R), out=1, arrivals=1, drains=1, events=1
    ),
    "a poller for room beside receivers": Setting(
        (R, leaves(RECV), stays(POLL_OUT)), out=1, events=1, arrivals=1
    ),
    "pollers for either": Setting(
        (stays(POLL_IN), stays(POLL_OUT), leaves(SEND)),
        out=1,
        arrivals=1,
        drains=1,
        events=1,
    ),
    "somebody only tries": Setting(
        (stays(TRY, 2), R, leaves(RECV)), arrivals=2, events=1
    ),
    "the watch": Setting((R, leaves(RECV)), arrivals=2, events=1, has_watch=True),
    "the watch, one of each": Setting(
        (R, leaves(SEND)), out=1, arrivals=2, drains=2, has_watch=True
    ),
    "the bell, then a connection": Setting(
        (R, leaves(RECV)), events=2, arrivals=1, is_inproc=True
    ),
    "the bell and a poller": Setting(
        (R, stays(POLL_IN), leaves(SEND)),
        out=1,
        events=1,
        drains=1,
        arrivals=1,
        is_inproc=True,
    ),
    "close": Setting((R, R, S), out=1, arrivals=1, drains=1, closes=1),
    "close with a poller": Setting(
        (R, S, stays(POLL_IN)), out=1, arrivals=1, drains=1, closes=1
    ),
    "a short look": Setting(
        (R, S, leaves(RECV)), out=1, arrivals=2, drains=1, events=1, look=SHORT
    ),
    "a long look": Setting(
        (R, S, leaves(SEND)), out=1, arrivals=1, drains=2, events=1, look=LONG
    ),
    "a long look beside a poller": Setting(
        (R, S, stays(POLL_OUT)), out=1, arrivals=1, drains=1, look=LONG
    ),
    "a long look, the watch": Setting(
        (R, S, leaves(RECV)), out=1, arrivals=2, drains=1, look=LONG, has_watch=True
    ),
    "close beside a look": Setting(
        (R, S), out=1, arrivals=1, drains=1, closes=1, look=LONG
    ),
}

# The same where pollers do not nest; what is about S and E alone is not there.
FLAT = {
    f"{name}, flat": replace(setting, is_flat=True, has_watch=True)
    for name, setting in SETTINGS.items()
    if not setting.has_watch
}
SETTINGS |= FLAT
SLOW = {
    "two receivers, a sender, flat",
    "a receiver, two senders, flat",
    "a receiver, two senders, mark 2, flat",
    "the bell and a poller, flat",
    "a poller beside a sender, flat",
    "a short look, flat",
    "a long look, flat",
}

# A setting that misses the rule.
MISSED = {
    "publish rings": "two receivers",
    "leave hands on": "two receivers, a sender",
    "leave makes a leader": "two receivers",
    "leave rings for pollers": "close with a poller",
    "a leader that stays hands on": "one of each",
    "a leader that stays rings for pollers": "a poller beside a sender",
    "a leader that has looked does so once more": "a short look",
    "room is told of beside a look": "a long look",
    "pollers are rung by direction": "a poller beside receivers",
    "harvest rings again": "pollers for either",
    "harvest rings a leader that was rung already": (
        "a poller for room beside receivers"
    ),
    "leader's sleep decided in one section": "two receivers",
    "follower registers in one section": "one of each",
    "bell taken in one section": "the bell, then a connection",
    "first connection rings": "the bell, then a connection",
    "low water unpauses": "two receivers",
    "low water decodes what is left": "two receivers",
    "watch on S": "the watch",
    "a flat set is served": "two receivers, flat",
    "a flat edge is given back": "pollers for either, flat",
}

# Where two rules see to the same, each is missed without the other one only; but a look
# may be long, and then the other one comes late.
BESIDE = {
    "a leader that has looked does so once more": {"room is told of beside a look"},
}

# What a flat set does without: its leader eats nobody's edge and reads for nobody.
OF_E = {
    "leave makes a leader",
    "leave rings for pollers",
    "a leader that stays rings for pollers",
    "harvest rings again",
    "harvest rings a leader that was rung already",
    "first connection rings",
    "watch on S",
}


def without(rule: str) -> frozenset[str]:
    return RULES - {rule} - BESIDE.get(rule, set())


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in SETTINGS],
)
def test_no_wake_up_is_lost(name: str) -> None:
    result = check(SETTINGS[name])
    assert result.stuck is None, str(result)
    assert result.n_quiet > 10


def test_every_rule_is_left_out_once() -> None:
    assert set(MISSED) == RULES


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_left_out_leaves_somebody_asleep(rule: str) -> None:
    setting = SETTINGS[MISSED[rule]]
    result = check(replace(setting, rules=without(rule)))
    assert result.stuck is not None, f"nobody misses '{rule}'"
    spins = rule == "pollers are rung by direction"
    assert ("spins" if spins else "sleeps") in result.stuck, str(result)


@pytest.mark.parametrize("rule", sorted(set(MISSED) - OF_E))
def test_a_flat_set_needs_the_same_rules(rule: str) -> None:
    name = MISSED[rule].removesuffix(", flat")
    result = check(replace(FLAT[f"{name}, flat"], rules=without(rule)))
    assert result.stuck is not None, f"nobody misses '{rule}'"


def test_who_has_looked_makes_good_what_was_not_told() -> None:
    setting = SETTINGS["a short look"]
    result = check(replace(setting, rules=RULES - {"room is told of beside a look"}))
    assert result.stuck is None, str(result)


def test_the_explorer_finds_a_sleeper_by_the_shortest_way() -> None:
    def steps(n: int) -> list[Step]:
        return [Step(f"+{d}", True, n + d) for d in (1, 2) if n + d <= 4]

    result = explore(0, steps, lambda n: f"stuck at {n}")
    assert result.stuck == "stuck at 4"
    assert result.trace == ["+2", "+2"]


def test_the_explorer_takes_an_external_step_for_no_promise() -> None:
    def steps(n: int) -> list[Step]:
        return [Step("time-out", False, n + 1)] if n < 2 else []

    result = explore(0, steps, lambda n: "asleep" if n == 1 else None)
    assert result.stuck == "asleep"
    assert result.trace == ["time-out"]


def test_the_explorer_finds_a_spin() -> None:
    def steps(n: int) -> list[Step]:
        ways = {0: [1, 2], 1: [], 2: [3], 3: [2]}
        return [Step(f"to {m}", True, m) for m in ways[n]]

    result = explore(0, steps, lambda n: None)
    assert result.stuck == "spins for ever"
    assert result.trace == ["to 2"]


def test_the_explorer_refuses_a_model_without_end() -> None:
    with pytest.raises(RuntimeError, match="more than 50 states"):
        explore(0, lambda n: [Step("+1", True, n + 1)], lambda n: None, max_states=50)
