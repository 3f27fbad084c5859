# SPDX-License-Identifier: Apache-2.0
"""A small explicit-state model checker.

A model is a start state and a function from a state to its steps. A step is internal
(it will be taken: a thread in the middle of its program) or external (it may never
come: a peer's data, a time-out, a new call). A state without internal steps is quiet;
a model says of a quiet state whether somebody sleeps in it who should not. So a
wake-up that only a time-out would make good is a lost wake-up. A state from which no
internal steps lead to a quiet one is a spin, and as wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Step(NamedTuple):
    label: str
    is_internal: bool
    state: Hashable


@dataclass
class Result:
    """What an exploration found: `stuck` is None, or why the last state is wrong."""

    n_states: int
    n_quiet: int
    stuck: str | None = None
    trace: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        head = f"{self.n_states} states, {self.n_quiet} quiet"
        if self.stuck is None:
            return head
        return "\n".join([f"{head}: {self.stuck}", *self.trace])


def explore(
    start: Hashable,
    steps: Callable[[Hashable], Iterable[Step]],
    stuck: Callable[[Hashable], str | None],
    max_states: int = 1_000_000,
) -> Result:
    """Visit every state reachable from `start`, nearest first; stop at a wrong one."""
    number: dict[Hashable, int] = {start: 0}
    states = [start]
    origin: list[tuple[int, str]] = [(0, "")]
    internal_from: list[list[int]] = [[]]
    quiet: list[int] = []
    here = 0
    while here < len(states):
        is_quiet = True
        for step in steps(states[here]):
            there = number.setdefault(step.state, len(states))
            if there == len(states):
                states.append(step.state)
                origin.append((here, step.label))
                internal_from.append([])
            if step.is_internal:
                is_quiet = False
                internal_from[there].append(here)
        if is_quiet:
            quiet.append(here)
            why = stuck(states[here])
            if why is not None:
                return Result(len(states), len(quiet), why, trace_to(here, origin))
        if len(states) > max_states:
            raise RuntimeError(f"more than {max_states} states")
        here += 1
    spin = first_spin(quiet, internal_from)
    if spin is None:
        return Result(len(states), len(quiet))
    return Result(len(states), len(quiet), "spins for ever", trace_to(spin, origin))


def first_spin(quiet: list[int], internal_from: list[list[int]]) -> int | None:
    """Return the first state from which no internal steps lead to a quiet one."""
    settles = bytearray(len(internal_from))
    todo = deque(quiet)
    for state in quiet:
        settles[state] = 1
    while todo:
        for before in internal_from[todo.popleft()]:
            if not settles[before]:
                settles[before] = 1
                todo.append(before)
    spin = settles.find(0)
    return None if spin < 0 else spin


def trace_to(state: int, origin: list[tuple[int, str]]) -> list[str]:
    labels = []
    while state != 0:
        state, label = origin[state]
        labels.append(label)
    return labels[::-1]
