# SPDX-License-Identifier: Apache-2.0
"""Names of the core say where a function lives: fmq__module_verb, fmq_ in the API."""

from __future__ import annotations

import re

from source.tree import complain, files, name

# The house style puts the return type on a line of its own, so a definition is a name
# in the first column behind a line of words.
DEFINITION = re.compile(
    r"^(?P<type>[A-Za-z_][^\n;{}()#]*)\n(?P<name>\w+)\(", re.MULTILINE
)
INTERNAL = re.compile(r"fmq__[a-z0-9]+(_[a-z0-9]+)+\Z")
PUBLIC = re.compile(r"(fmq|zmq)_[a-z0-9_]+\Z")
TYPEDEF = re.compile(r"^typedef [^;{]*?\b(\w+)(?:\[\w*\])?;", re.MULTILINE)

# Named after the C functions they stand in for.
EXEMPT = {f"fmq__{verb}" for verb in ("alloc", "calloc", "free", "realloc", "strdup")}


def definitions(text: str) -> list[tuple[str, bool]]:
    """Return the name of every function defined, and whether it is static."""
    return [
        (match["name"], "static" in match["type"].split())
        for match in DEFINITION.finditer(text)
    ]


def test_definitions_are_found() -> None:
    text = "static int\nlocal(void)\n{\n}\n\nint\nfmq__x_open(int a)\n{\n}\n"
    assert definitions(text) == [("local", True), ("fmq__x_open", False)]


def test_functions_that_cross_files() -> None:
    wrong = []
    for path in files(".c", under="csrc"):
        good = (INTERNAL, PUBLIC)[path.parent.name == "capi"]
        for function, is_static in definitions(path.read_text(encoding="utf-8")):
            if (
                is_static
                or function in EXEMPT
                or good.match(function)
                or INTERNAL.match(function)
            ):
                continue
            wrong.append(f"{name(path)}: {function}")
    complain("functions not named fmq__module_verb (fmq_verb in capi)", wrong)


def test_static_functions_have_no_prefix() -> None:
    wrong = [
        f"{name(path)}: {function}"
        for path in files(".c", under="csrc")
        for function, is_static in definitions(path.read_text(encoding="utf-8"))
        if is_static and function.startswith("fmq_")
    ]
    complain("static functions with a prefix", wrong)


def test_types_have_no_suffix() -> None:
    wrong = [
        f"{name(path)}: {type_name}"
        for path in files(".c", ".h", under="csrc")
        for type_name in TYPEDEF.findall(path.read_text(encoding="utf-8"))
        if type_name.endswith("_t") and path.name != "zmq.h"  # libzmq's names
    ]
    complain("types that end in _t, which POSIX keeps for itself", wrong)
