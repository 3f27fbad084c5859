# SPDX-License-Identifier: Apache-2.0
"""Compares the public names of fastmq with those of the pyzmq that is installed.

A difference is a line: where it is, and what it is. Ours may have more: names, and
optional parameters behind those of pyzmq.
"""

from __future__ import annotations

import enum
import fnmatch
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

# Modules of pyzmq that are not compared.
NOT_COMPARED = {
    "tests": "its tests",
    "_typing": "of its own type hints",
    "backend.cffi": "another binding of libzmq",
    "eventloop._deprecated": "of its own",
}

# Names of differences, and why they are intended. One that fits no difference any more
# fails the test.
_BASE = "the public class has it; the core's, which it is built upon, does not"
_NAMED = "the parameters are those of the synchronous class, each by its name"
_TYPE = "one that is not given is no type in pyzmq, and PAIR here, as for the others"
_LEAK = "of the standard library: who imports * gets no more than is ours"
_DRAFTS = "a wheel of pyzmq has none of the draft types; here they are always there"
INTENDED = {
    "*DRAFT_API": _DRAFTS,
    "__version__": "ours; pyzmq's where fastmq is installed as zmq",
    "Enum": _LEAK,
    "IntEnum": _LEAK,
    "IntFlag": _LEAK,
    "constants.Enum": _LEAK,
    "constants.IntEnum": _LEAK,
    "constants.IntFlag": _LEAK,
    "backend.*Frame.set": _BASE,
    "backend.*Message.set": _BASE,
    "sugar.attrsettr.AttributeSetter.get": "a socket has it; alone it has no options",
    "sugar.attrsettr.AttributeSetter.set": "a socket has it; alone it has no options",
    "green.__version__": "as of the package",
    "green.Enum": _LEAK,
    "green.IntEnum": _LEAK,
    "green.IntFlag": _LEAK,
    "green.core.TIMEOS": "a table of its own",
    "green.Socket": _NAMED,
    "green.Socket.?et": _NAMED,
    "green.Socket.????_multipart": _NAMED,
    "*.Socket.get": _NAMED,
    "*.Socket.send": _NAMED,
    "asyncio.Socket": _TYPE,
    "eventloop.future.Socket": _TYPE,
    "eventloop.future.CancelledError": "asyncio's, as Tornado's own futures have it",
}


# Kinds of parameters that take whatever comes.
REST = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class Difference:
    """One line: where it is (``module.name``), and what it is."""

    def __init__(self, where: str, what: str) -> None:
        self.where = where
        self.what = what

    def __repr__(self) -> str:
        return f"{self.where}: {self.what}"

    @property
    def is_intended(self) -> bool:
        return any(self.fits(name) for name in INTENDED)

    def fits(self, pattern: str) -> bool:
        return fnmatch.fnmatchcase(self.where, pattern)


def differences() -> list[Difference]:
    """Return all differences, the intended ones too."""
    found: list[Difference] = []
    for name in module_names():
        theirs = load(f"zmq{name}")
        if theirs is None:
            continue
        ours = load(f"fastmq{name}")
        if ours is None:
            found.append(Difference(name.lstrip("."), "no such module"))
        else:
            found += compare_modules(name.lstrip("."), theirs, ours)
    return found


def module_names() -> list[str]:
    """Return pyzmq's modules, each with its first dot; the package is empty."""
    package = importlib.import_module("zmq")
    found = [""]
    # What needs a package that is not there is left out.
    for info in pkgutil.walk_packages(package.__path__, "zmq.", onerror=str):
        name = info.name.removeprefix("zmq.")
        left_out = NOT_COMPARED
        is_left_out = any(f"{name}.".startswith(f"{prefix}.") for prefix in left_out)
        if not is_left_out and not name.endswith("__main__"):
            found.append(f".{name}")
    return found


def load(name: str) -> ModuleType | None:
    """Return a module; None if it, or something it needs, is not there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def compare_modules(
    where: str, theirs: ModuleType, ours: ModuleType
) -> Iterator[Difference]:
    exported = getattr(theirs, "__all__", None)
    for name in sorted({*(own_names(theirs) if exported is None else exported)}):
        place = f"{where}.{name}".lstrip(".")
        if not hasattr(ours, name):
            yield Difference(place, "not there")
            continue
        if exported is not None and name not in getattr(ours, "__all__", ()):
            yield Difference(place, "not in __all__")
        yield from compare(place, getattr(theirs, name), getattr(ours, name))


def own_names(module: ModuleType) -> list[str]:
    """Return the public names that a module without ``__all__`` defines itself."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and getattr(value, "__module__", module.__name__) == module.__name__
        and type(value).__module__ not in ("__future__", "typing")
        and value is not Any
        and name != "TYPE_CHECKING"
    ]


def compare(where: str, theirs: Any, ours: Any) -> Iterator[Difference]:
    if inspect.isclass(theirs):
        if not inspect.isclass(ours):
            yield Difference(where, "is a class in pyzmq")
        elif issubclass(theirs, enum.Enum):
            yield from compare_enums(where, theirs, ours)
        else:
            yield from compare_classes(where, theirs, ours)
    elif inspect.isroutine(theirs):
        yield from compare_signatures(where, theirs, ours)
    elif isinstance(theirs, enum.Enum):
        if (theirs.name, theirs.value) != (ours.name, ours.value):
            yield Difference(where, f"is {theirs!r} in pyzmq, {ours!r} here")
    elif isinstance(theirs, (int, str, bytes, tuple)) and theirs != ours:
        yield Difference(where, f"is {theirs!r} in pyzmq, {ours!r} here")


def compare_enums(where: str, theirs: Any, ours: Any) -> Iterator[Difference]:
    if theirs.__mro__[1].__name__ != ours.__mro__[1].__name__:
        yield Difference(where, f"is an {theirs.__mro__[1].__name__} in pyzmq")
    for name, member in theirs.__members__.items():
        other = ours.__members__.get(name)
        if other is None:
            yield Difference(f"{where}.{name}", "not there")
        elif (other.name, other.value) != (member.name, member.value):
            yield Difference(f"{where}.{name}", f"{member!r} in pyzmq, {other!r} here")
        elif option_type(member) != option_type(other):
            yield Difference(f"{where}.{name}", f"of type {option_type(member)}")


def option_type(member: Any) -> str | None:
    """Return how the value of an option is laid out; None for other enums."""
    return getattr(getattr(member, "_opt_type", None), "name", None)


def compare_classes(where: str, theirs: type, ours: type) -> Iterator[Difference]:
    bases = {base.__name__ for base in theirs.__mro__ if is_public(base)}
    missing = bases - {base.__name__ for base in ours.__mro__}
    if missing:
        yield Difference(where, f"is a {sorted(missing)} in pyzmq")
    yield from compare_signatures(where, theirs.__init__, ours.__init__)
    for name in members(theirs):
        place = f"{where}.{name}"
        if not hasattr(ours, name):
            yield Difference(place, "not there")
            continue
        one, other = inspect.getattr_static(theirs, name), getattr(ours, name)
        if inspect.isroutine(getattr(theirs, name)):
            if not callable(other):
                yield Difference(place, "is a method in pyzmq")
            else:
                yield from compare_signatures(place, getattr(theirs, name), other)
        elif isinstance(one, property) and callable(other):
            yield Difference(place, "is a property in pyzmq")


def is_public(base: type) -> bool:
    """Whether a base of a class is one that programs name: of the standard library."""
    return not base.__module__.startswith("zmq")


def members(cls: type) -> list[str]:
    """Return the public members that pyzmq defines itself."""
    found = {
        name
        for base in cls.__mro__
        if base.__module__.startswith("zmq")
        for name in vars(base)
    }
    return sorted(name for name in found if not name.startswith("_"))


def compare_signatures(where: str, theirs: Any, ours: Any) -> Iterator[Difference]:
    try:
        one, other = inspect.signature(theirs), inspect.signature(ours)
    except (TypeError, ValueError):
        # A function of C that does not say.
        return
    if not takes_the_same(
        list(one.parameters.values()), list(other.parameters.values())
    ):
        yield Difference(where, f"takes {plain(one)} in pyzmq, {plain(other)} here")


def takes_the_same(
    theirs: list[inspect.Parameter], ours: list[inspect.Parameter]
) -> bool:
    """Return whether all that fits theirs fits ours, with the same meaning."""
    known = {p.name for p in theirs} | {p.name for p in ours[: len(theirs)]}
    return all(is_taken(i, p, ours) for i, p in enumerate(theirs)) and all(
        p.name in known or is_optional(p) for p in ours
    )


def is_taken(
    i: int, parameter: inspect.Parameter, ours: list[inspect.Parameter]
) -> bool:
    """Return whether ours take what is the i-th parameter of theirs."""
    kinds = {p.kind for p in ours}
    if parameter.kind in REST:
        return parameter.kind in kinds
    name = parameter.name
    if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and i < len(ours):
        # What it is called is nobody's business.
        name = ours[i].name
    mine = next((p for p in ours if p.name == name and p.kind not in REST), None)
    if mine is None:
        is_by_name = parameter.kind is inspect.Parameter.KEYWORD_ONLY
        return {*(REST[1:] if is_by_name else REST)} <= kinds
    if by_position(parameter) and not (by_position(mine) and ours[i] is mine):
        return False
    return same_default(parameter.default, mine.default)


def by_position(parameter: inspect.Parameter) -> bool:
    return parameter.kind in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )


def is_optional(parameter: inspect.Parameter) -> bool:
    return parameter.default is not inspect.Parameter.empty or parameter.kind in REST


def same_default(theirs: Any, ours: Any) -> bool:
    if theirs is inspect.Parameter.empty or ours is inspect.Parameter.empty:
        return theirs is ours
    return bool(theirs == ours)


def plain(signature: inspect.Signature) -> str:
    """Return a signature without its types."""
    empty = inspect.Parameter.empty
    parameters = [p.replace(annotation=empty) for p in signature.parameters.values()]
    return str(inspect.Signature(parameters))
