# SPDX-License-Identifier: Apache-2.0
"""Secrets are compared in a time that does not tell where they differ.

So what handles keys, passwords and cookies compares by ``fmq__is_same`` (and seals by
its library's own), and has no other comparison of bytes but these.
"""

from __future__ import annotations

import re
from pathlib import Path

from source.tree import CSRC, complain, files, name

# What stops at the first difference.
COMPARISON = re.compile(r"\b(?:mem|str|strn|strcase|strncase|b)cmp\s*\(")

# By file: what is no secret, as the arguments say.
PUBLIC = {
    "csrc/security/curve_guard.c": ["sealed, name, NAME_LEN"],
    "csrc/security/plain.c": ["body, their_error, THEIR_ERROR_LEN"],
    "csrc/session/allow.c": ['mechanism, "CURVE"', 'mechanism, "PLAIN"'],
}


def arguments(text: str) -> str:
    """Return what stands before the bracket that ends a call."""
    depth = 1
    for at, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return text[:at]
    return text


def comparisons(text: str) -> list[str]:
    """Return what is compared in a way that tells, as the arguments of the calls."""
    return [arguments(text[call.end() :]) for call in COMPARISON.finditer(text)]


def guarded() -> list[Path]:
    return [
        *files(".c", ".h", under="csrc/security"),
        *(CSRC / "session" / f"allow.{suffix}" for suffix in "ch"),
    ]


def test_secrets_are_compared_in_constant_time() -> None:
    complain(
        "comparisons that tell where bytes differ (see fmq__is_same)",
        [
            f"{name(path)}: {call}"
            for path in guarded()
            for call in comparisons(path.read_text(encoding="utf-8"))
            if call not in PUBLIC.get(name(path), [])
        ],
    )


def test_the_list_is_not_longer_than_it_has_to_be() -> None:
    for path, calls in PUBLIC.items():
        found = comparisons((CSRC.parent / path).read_text(encoding="utf-8"))
        assert sorted(calls) == sorted(found), path


def test_whoever_compares_secrets_is_among_them() -> None:
    users = {
        name(path)
        for path in files(".c", under="csrc")
        if "fmq__is_same(" in path.read_text(encoding="utf-8")
    }
    assert users == {"csrc/security/curve_server.c", "csrc/session/allow.c"}


def test_comparisons_are_found() -> None:
    assert comparisons("if (memcmp(a, f(b), n) != 0 || strcmp(x, y))") == [
        "a, f(b), n",
        "x, y",
    ]
    assert comparisons("is_good = strncmp (a, b, 3) == 0;") == ["a, b, 3"]
    assert not comparisons("fmq__is_same(a, b, n)")
