# SPDX-License-Identifier: Apache-2.0
"""The documentation as pages: ``./run docs`` writes them into ``build/docs``.

Sources are Markdown, read from the project's root, because pages refer to files beside
``docs``. The reference comes from the docstrings of the package that is installed.
"""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
import re
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import fastmq

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "fastmq"
author = "the authors of fastmq"
version = release = fastmq.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_parser"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "csrc/*.md", "examples/*.md"]
# Folders not to look into.
exclude_patterns = [".*", "bench", "build", "cmake", "fastmq", "tests", "tools"]
source_suffix = {".md": "markdown"}
# A link to a heading is checked as any other.
myst_heading_anchors = 3

html_theme = "furo"
html_title = "fastmq"
html_show_copyright = False
html_show_sourcelink = False

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_display_short_literal_types = True
maximum_signature_line_length = 88

# What bases and annotations may name, though nobody else does.
PRIVATE = {"fastmq._core", "fastmq._future", "fastmq.options"}
# What the stub calls otherwise than users do.
NAMES = {
    "Context": "fastmq.Context",
    "Future": "fastmq.asyncio.Future",
    "MessageTracker": "fastmq.MessageTracker",
    "PublicFrame": "fastmq.Frame",
    "Socket": "fastmq.Socket",
    "_bytes": "bytes",
}

# References to what is ours have to lead somewhere; variables of types need not.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(?!fastmq\b).*"),
    (r"py:.*", r"fastmq\.(\w+\.)*(_\w+(\.\w+)?|\w*T)"),
]

Functions = dict[str, list[ast.FunctionDef]]


def functions(body: list[ast.stmt], prefix: str = "") -> Functions:
    """Return the functions of a stub by name; each with its overloads."""
    found: Functions = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(prefix + node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            found |= functions(node.body, f"{prefix}{node.name}.")
    return found


def read_stub() -> Functions:
    """Return the functions of the stub of what is compiled."""
    spec = importlib.util.find_spec("fastmq._core")
    assert spec is not None
    assert spec.origin is not None
    stub = Path(spec.origin).with_name("_core.pyi").read_text(encoding="utf-8")
    return functions(ast.parse(stub).body)


STUB = read_stub()


class Renamed(ast.NodeTransformer):
    """Calls types by their public names."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Rename a type."""
        return ast.parse(NAMES.get(node.id, node.id), mode="eval").body


def show_signature(
    app: Sphinx, what: str, name: str, value: Any, *rest: Any
) -> tuple[str, str] | None:
    """Take the signature of what is compiled from its stub.

    Compiled functions keep no types of their parameters. Of overloads the last is the
    one that has them all.
    """
    if getattr(value, "__module__", None) != "fastmq._core":
        return None
    overloads = STUB.get(value.__qualname__)
    if overloads is None:
        return None
    node = Renamed().visit(overloads[-1])
    shown = ast.unparse(node.args)
    if what == "method":
        shown = re.sub(r"^self(, (?!/))?", "", shown)
    return f"({shown})", ast.unparse(node.returns)


def public_bases(cls: type) -> list[type]:
    """Return the bases of a class; of those that are private, theirs."""
    found: list[type] = []
    for base in cls.__bases__:
        is_ours = base.__module__.startswith("fastmq")
        exported = getattr(sys.modules[base.__module__], "__all__", ())
        if is_ours and (base.__module__ in PRIVATE or base.__name__ not in exported):
            found += public_bases(base)
        elif base not in (object, Generic):
            found.append(base)
    return list(dict.fromkeys(found))


def show_bases(
    app: Sphinx, name: str, cls: type, options: Any, bases: list[Any]
) -> None:
    """Name the public bases of a class."""
    bases[:] = public_bases(cls) or [object]


def import_types() -> None:
    """Import what the annotations of the package name, as a type checker would."""
    modules = pkgutil.walk_packages(fastmq.__path__, "fastmq.")
    # From _typing the others import.
    for info in sorted(modules, key=lambda info: info.name != "fastmq._typing"):
        if "__main__" in info.name or ".demo" in info.name:
            continue
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            module = importlib.import_module(info.name)
        if not (path := module.__file__ or "").endswith(".py"):
            continue
        for node in ast.parse(Path(path).read_text(encoding="utf-8")).body:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                exec(compile(ast.Module(node.body, []), path, "exec"), vars(module))


def setup(app: Sphinx) -> None:
    """Add what this file brings to Sphinx."""
    import_types()
    app.connect("autodoc-process-signature", show_signature)
    app.connect("autodoc-process-bases", show_bases)
