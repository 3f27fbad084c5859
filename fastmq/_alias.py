# SPDX-License-Identifier: Apache-2.0
"""The alias: ``import zmq`` gives this package, and ``zmq.x`` the module ``fastmq.x``.

They are the same module objects, so there is one ``Socket``, whatever the name by which
it was imported. An installed pyzmq is never asked.

This file is loaded alone at the start of a process (by ``_start/at_start.py``), which
may never import ``zmq``: so it imports nothing that takes time, least of all the
package.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping, Sequence
    from importlib.metadata import Distribution, DistributionFinder
    from types import CodeType, ModuleType

__all__ = ["install_as_zmq"]

ALIAS = "zmq"
PACKAGE = "fastmq"
# The version of pyzmq whose interface this is.
PYZMQ_VERSION = (27, 3, 0)

# The switch: a Python process that starts with it, and that is told of it by one of two
# carriers, installs the alias. The carriers: START on PYTHONPATH, or a .pth file.
SWITCH = "FASTMQ_AS_ZMQ"
START = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_start")

# Asked at the very end of a process, too, when sys.meta_path is gone.
_is_installed = False


class _Loader:
    """Gives the module of the package that there is, or makes it."""

    def __init__(self, real: ModuleSpec) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module of the package."""
        import importlib

        module = importlib.import_module(self._real.name)
        if module.__spec__ is not None:
            self._real = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing but undo: the import system has just told it that it is zmq."""
        module.__spec__ = self._real
        if self._real.name == PACKAGE:
            _load_the_rest()

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of the module, for ``python -m``."""
        loader: Any = self._real.loader
        code: CodeType | None = loader.get_code(self._real.name)
        return code


def _load_the_rest() -> None:
    """Have ``import zmq`` load what it loads of pyzmq, under both names."""
    import importlib

    for name in ("backend", "sugar", "utils.interop", "utils.jsonapi"):
        importlib.import_module(f"{PACKAGE}.{name}")
    prefix = f"{PACKAGE}."
    for name, module in list(sys.modules.items()):
        # Our own, private modules are nobody's zmq.
        if name.startswith(prefix) and not name.startswith(f"{prefix}_"):
            sys.modules.setdefault(ALIAS + name[len(PACKAGE) :], module)


class _Finder:
    """Finds ``zmq`` and what is below it: first on ``sys.meta_path``."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return how to import a module; None if it is none of ours.

        Raises:
            ModuleNotFoundError: There is no such module, and no other finder is to
                look for one.
        """
        if fullname.partition(".")[0] != ALIAS:
            return None
        from importlib.util import find_spec

        name = PACKAGE + fullname[len(ALIAS) :]
        real = find_spec(name)
        if real is None:
            raise ModuleNotFoundError(
                f"No module named {fullname!r}: {PACKAGE} stands for {ALIAS} here, and "
                f"has no {name!r}",
                name=fullname,
            )
        spec = ModuleSpec(fullname, _Loader(real), origin=real.origin)  # type: ignore[arg-type]
        spec.submodule_search_locations = real.submodule_search_locations
        spec.has_location = real.has_location
        return spec

    def find_distributions(
        self, context: DistributionFinder.Context | None = None
    ) -> Iterator[Distribution]:
        """Yield pyzmq's metadata to who asks for them by name."""
        name = getattr(context, "name", None)
        if name is not None and name.replace("_", "-").lower() == "pyzmq":
            yield _metadata()


def _metadata() -> Distribution:
    import pathlib
    from importlib.metadata import Distribution

    class Pyzmq(Distribution):
        """What ``importlib.metadata`` says of pyzmq: a name and a version."""

        def read_text(self, filename: str) -> str | None:
            if filename != "METADATA":
                return None
            version = ".".join(map(str, PYZMQ_VERSION))
            return f"Metadata-Version: 2.1\nName: pyzmq\nVersion: {version}\n"

        def locate_file(self, path: Any) -> Any:
            return pathlib.Path(os.path.dirname(START)).parent / path

    return Pyzmq()


def is_installed() -> bool:
    """Return whether this package is ``zmq`` in this process."""
    return _is_installed


def install() -> None:
    """Make this package ``zmq`` in this process.

    Raises:
        RuntimeError: ``zmq`` is there, and is another.
    """
    global _is_installed
    found = sys.modules.get(ALIAS)
    if found is not None and found is not sys.modules.get(PACKAGE):
        where = getattr(found, "__file__", None)
        raise RuntimeError(
            f"{ALIAS} is imported already, from {where}: "
            "install_as_zmq() has to come first"
        )
    if not _is_installed:
        sys.meta_path.insert(0, _Finder())
        _is_installed = True


def pass_on(environment: MutableMapping[str, str]) -> None:
    """Have Python processes that start with an environment install the alias.

    Args:
        environment: What to change: ``os.environ``, or a copy.
    """
    environment[SWITCH] = "1"
    path = environment.get("PYTHONPATH", "").split(os.pathsep)
    if START not in path:
        environment["PYTHONPATH"] = os.pathsep.join([START, *filter(None, path)])


def install_as_zmq(*, children: bool = True) -> None:
    """Make ``import zmq`` give this package, for libraries that say so themselves.

    To be called before anything imports ``zmq``. ``zmq.x`` is the same module object as
    ``fastmq.x``; an installed pyzmq is not looked at.

    Args:
        children: Also in the Python processes that this one starts from now on, by
            ``subprocess``, ``multiprocessing`` or otherwise: it sets FASTMQ_AS_ZMQ and
            adds to PYTHONPATH in ``os.environ``. What is forked has it in any case.

    Raises:
        RuntimeError: Another ``zmq`` is imported already.
    """
    install()
    if children:
        pass_on(os.environ)


def public_name(name: str) -> str:
    """Return a dotted name of the package as programs of this process know it.

    Args:
        name: Such as ``fastmq.Socket``; ``zmq.Socket`` where the alias is installed.
    """
    if is_installed() and name.partition(".")[0] == PACKAGE:
        return ALIAS + name[len(PACKAGE) :]
    return name
