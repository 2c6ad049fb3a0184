"""Turn the roles of Sphinx in docstrings into links of mkdocstrings.

``:func:`enable``` becomes a link to what the site shows of ``enable``, and code where the site does
not show it. A role that names nothing is an error.
"""

from __future__ import annotations

import builtins
import re
import sys
from typing import Any

import griffe

from awaitable_forms import add_awaitable_forms
from public_names import PACKAGE, DocumentationError, documented_paths

_ROLE = re.compile(r":(?:class|data|exc|func|meth|mod|attr):`([^`]+)`")
# Libraries whose names docstrings mention without importing them.
_OTHERS = {"PIL", "av", "np", "numpy", "torch", "transformers"}


class SphinxRoles(griffe.Extension):
    """Replace roles in the docstrings that the site shows once the package is loaded."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Replace the roles of each docstring."""
        if pkg.name != PACKAGE:
            return
        add_awaitable_forms(pkg)
        for path in documented_paths():
            one = pkg.modules_collection[path]
            if one.docstring is not None and not one.is_alias:
                one.docstring.value = _replaced(one, one.docstring.value)


def _replaced(one: griffe.Object, text: str) -> str:
    return _ROLE.sub(lambda role: _link(one, role[1]), text)


def _link(one: griffe.Object, role: str) -> str:
    shown = role.lstrip("~")
    text = shown.rpartition(".")[2] if role.startswith("~") else shown
    identifier = documented_paths().get(_resolve(one, shown))
    return f"[`{text}`][{identifier}]" if identifier else f"`{text}`"


def _resolve(one: griffe.Object, name: str) -> str:
    """Return the canonical path of what a docstring names, as seen from where it stands."""
    first, _, rest = name.partition(".")
    path = _first(one, first) + (f".{rest}" if rest else "")
    if path.partition(".")[0] != PACKAGE:
        return path
    try:
        found = one.modules_collection[path]
        return str(found.final_target.path if found.is_alias else found.path)
    except (KeyError, griffe.AliasResolutionError) as error:
        raise DocumentationError(
            f"{one.path}: the docstring names {name}, which is not there"
        ) from error


def _first(one: griffe.Object, name: str) -> str:
    """Return the path of the first part of a name."""
    if name in one.modules_collection:
        return name
    parent = one.parent
    if parent is not None and name in parent.members:
        return f"{parent.path}.{name}"
    try:
        return one.resolve(name)
    except griffe.NameResolutionError as error:
        if hasattr(builtins, name) or name in sys.stdlib_module_names or name in _OTHERS:
            return name
        raise DocumentationError(
            f"{one.path}: the docstring names {name}, which is not there"
        ) from error
