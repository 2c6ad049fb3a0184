"""Accept an argument by its old name, with a DeprecationWarning."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from keye_vl_rs._util.stack_level import level_of_caller

__all__ = ["renamed_argument"]

P = ParamSpec("P")
Result = TypeVar("Result")


def renamed_argument(old: str, new: str) -> Callable[[Callable[P, Result]], Callable[P, Result]]:
    """Let callers of a function pass the keyword argument ``new`` by the name ``old`` too.

    The function warns of the old name, and raises TypeError if it gets both.
    """

    def decorate(function: Callable[P, Result]) -> Callable[P, Result]:
        name = function.__qualname__

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> Result:
            if old in kwargs:
                if new in kwargs:
                    raise TypeError(f"{name}() got both {new!r} and its old name {old!r}")
                warnings.warn(
                    f"the argument {old!r} of {name}() is now called {new!r}; the old name will be "
                    "removed in 0.3",
                    DeprecationWarning,
                    stacklevel=level_of_caller(),
                )
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return decorate
