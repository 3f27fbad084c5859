# SPDX-License-Identifier: Apache-2.0
"""Decorators that make a context or a socket for each call of a function.

>>> import fastmq
>>> from fastmq.decorators import context, socket
>>> @context()
... @socket(fastmq.PULL)
... def f(ctx, pull):
...     return pull.type.name, pull.context is ctx
>>> f()
('PULL', True)
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, TypeVar

from .context import Context

__all__ = ["context", "socket"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
Decorator = Callable[[FunctionT], FunctionT]


def context(*args: Any, **kwargs: Any) -> Decorator[Any]:
    """Give a function a context that ends with the call.

    Args:
        args: First, if it is a str, the name of the keyword to pass it by (also
            ``name=``); without one it comes after the positional arguments. What
            follows is for ``Context``.
        kwargs: For ``Context``.

    Raises:
        TypeError: When called: the keyword is given already.
    """
    name, args = _keyword(args, kwargs)

    def make(called_with: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return Context(*args, **kwargs)

    return _giving(name, make)


def socket(*args: Any, **kwargs: Any) -> Decorator[Any]:
    """Give a function a socket that is closed at the end of the call.

    Its context is the keyword argument of the function called ``context``, or the first
    context among the positional ones, or ``Context.instance()``.

    Args:
        args: First, if it is a str, the name of the keyword to pass it by (also
            ``name=``); without one it comes after the positional arguments. What
            follows is for ``Context.socket``.
        kwargs: For ``Context.socket``; but ``context_name`` is the name of the keyword
            that is looked at for a context.

    Raises:
        TypeError: When called: the keyword is given already.
    """
    name, args = _keyword(args, kwargs)
    context_name = kwargs.pop("context_name", "context")

    def make(called_with: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        candidates = (keywords.get(context_name), *called_with)
        for candidate in candidates:
            if isinstance(candidate, Context):
                return candidate.socket(*args, **kwargs)
        return Context.instance().socket(*args, **kwargs)

    return _giving(name, make)


def _keyword(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[str | None, tuple[Any, ...]]:
    """Split off the name to pass the object by; None for by position."""
    if "name" in kwargs:
        return kwargs.pop("name"), args
    if args and isinstance(args[0], str):
        return args[0], args[1:]
    return None, args


def _giving(
    name: str | None,
    make: Callable[[tuple[Any, ...], dict[str, Any]], AbstractContextManager[Any]],
) -> Decorator[Any]:
    def decorate(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if name is not None and name in kwargs:
                raise TypeError(
                    f"{function.__name__}() got multiple values for argument {name!r}"
                )
            with make(args, kwargs) as made:
                if name is None:
                    return function(*args, made, **kwargs)
                return function(*args, **{**kwargs, name: made})

        return wrapper

    return decorate
