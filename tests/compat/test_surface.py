# SPDX-License-Identifier: Apache-2.0
"""What pyzmq has, fastmq has: names, signatures, numbers."""

from __future__ import annotations

import enum
import inspect
import types

import pytest
from compat import surface
from source.tree import complain

pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_surface() -> None:
    found = surface.differences()
    complain(
        "differences from pyzmq that are not on the list of intended ones",
        [str(difference) for difference in found if not difference.is_intended],
    )
    complain(
        "intended differences that are none any more",
        [name for name in surface.INTENDED if not any(d.fits(name) for d in found)],
    )


def test_modules_are_compared() -> None:
    names = surface.module_names()
    assert {"", ".constants", ".devices.basedevice", ".log.handlers"} <= {*names}
    assert not any(name.startswith(".tests") for name in names)


class Theirs:
    class Color(enum.IntEnum):
        RED = 1
        BLUE = 2

    class Thing:
        def __init__(self, a: int, b: int = 3) -> None: ...

        def method(self, x: int, y: int = 0) -> None: ...

        @property
        def shown(self) -> int:
            return 1

    RED = Color.RED
    NUMBER = 3

    @staticmethod
    def function(a: int, *, b: int = 2) -> None: ...


class Ours:
    class Color(enum.IntEnum):
        RED = 2

    class Thing:
        def __init__(self, a: int, b: int = 4) -> None: ...

        def method(self, y: int = 0, x: int = 0) -> None: ...

        def shown(self) -> int:
            return 1

    RED = Color.RED
    NUMBER = 4

    @staticmethod
    def function(a: int) -> None: ...


def as_module(cls: type) -> types.ModuleType:
    module = types.ModuleType("module")
    names = [name for name in vars(cls) if not name.startswith("_")]
    module.__dict__.update({name: getattr(cls, name) for name in names}, __all__=names)
    return module


def test_differences_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surface, "members", lambda cls: ["method", "shown"])
    theirs, ours = as_module(Theirs), as_module(Ours)
    del ours.__all__[ours.__all__.index("NUMBER")]
    found = {
        (difference.where, difference.what.partition(" ")[0])
        for difference in surface.compare_modules("m", theirs, ours)
    }
    assert found == {
        ("m.Color.BLUE", "not"),
        ("m.Color.RED", "<Color.RED:"),
        ("m.NUMBER", "is"),
        ("m.NUMBER", "not"),
        ("m.RED", "is"),
        ("m.Thing", "takes"),
        ("m.Thing.method", "takes"),
        ("m.Thing.shown", "is"),
        ("m.function", "takes"),
    }
    assert list(surface.compare_modules("m", theirs, theirs)) == []


@pytest.mark.parametrize(
    ("theirs", "ours", "is_fine"),
    [
        ("lambda a, b=1: 0", "lambda a, b=1, c=2: 0", True),
        ("lambda a, b=1: 0", "lambda a, b=1, *, c: 0", False),
        ("lambda a, b=1: 0", "lambda a, b: 0", False),
        ("lambda a, b=1: 0", "lambda a, *, b=1: 0", False),
        ("lambda a, *, b=1: 0", "lambda a, b=1: 0", True),
        ("lambda a, *, b=1: 0", "lambda a, **k: 0", True),
        ("lambda a, /: 0", "lambda a: 0", True),
        ("lambda a, b: 0", "lambda b, a: 0", False),
        ("lambda a, b: 0", "lambda *a, **k: 0", True),
    ],
)
def test_signatures(theirs: str, ours: str, is_fine: bool) -> None:
    one, other = (
        [*inspect.signature(eval(text)).parameters.values()] for text in (theirs, ours)
    )
    assert surface.takes_the_same(one, other) == is_fine
