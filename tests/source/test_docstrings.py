# SPDX-License-Identifier: Apache-2.0
"""Every public name of the installed package is documented."""

from __future__ import annotations

import enum
import importlib
import inspect
import pkgutil
import warnings
from types import ModuleType

import pytest
from source.tree import ROOT, complain


def public_modules() -> list[ModuleType]:
    if not (ROOT / "fastmq" / "__init__.py").exists():
        pytest.skip("no package yet")
    package = importlib.import_module("fastmq")
    found = [package]
    for info in pkgutil.walk_packages(package.__path__, "fastmq."):
        parts = info.name.split(".")
        if not any(part.startswith("_") for part in parts):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                found.append(importlib.import_module(info.name))
    return found


def public_names(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None)
    return list(names) if names is not None else []


def undocumented(module: ModuleType) -> list[str]:
    found = [] if module.__doc__ else [module.__name__]
    for name in public_names(module):
        value = getattr(module, name)
        where = f"{module.__name__}.{name}"
        if not getattr(value, "__module__", "fastmq").startswith("fastmq"):
            continue  # another package's
        if inspect.isclass(value):
            found += undocumented_members(value, where)
        elif inspect.isroutine(value) and not inspect.getdoc(value):
            found.append(where)
    return found


def undocumented_members(cls: type, where: str) -> list[str]:
    found = [] if cls.__doc__ else [where]
    if issubclass(cls, enum.Enum):
        return found
    for name, member in vars(cls).items():
        if name.startswith("_"):
            continue
        is_callable = inspect.isroutine(member) or isinstance(
            member, (property, classmethod, staticmethod)
        )
        if is_callable and not inspect.getdoc(getattr(cls, name)):
            found.append(f"{where}.{name}")
    return found


def test_every_public_name_has_a_docstring() -> None:
    found = [entry for module in public_modules() for entry in undocumented(module)]
    complain("public names without a docstring", sorted(set(found)))


def test_missing_docstrings_are_found() -> None:
    class Bare:
        def method(self) -> None: ...

    assert undocumented_members(Bare, "Bare") == ["Bare", "Bare.method"]
