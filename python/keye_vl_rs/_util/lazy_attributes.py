"""Import attributes of a package on first access."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_attribute"]


def lazy_attribute(package: str, name: str, modules: Mapping[str, str]) -> Any:
    """Return an attribute of a package from the module that defines it.

    It is meant for the package's ``__getattr__``.

    Args:
        package: name of the package.
        name: name of the attribute.
        modules: for each such attribute, the name of the module.

    Raises:
        AttributeError: ``modules`` has no such attribute.
    """
    if name not in modules:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(import_module(modules[name]), name)
