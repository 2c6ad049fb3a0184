"""The public names of the package, which page of the site shows them, and what they lack.

Everything is read from the sources without importing them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import griffe

from awaitable_forms import add_awaitable_forms

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "keye_vl_rs"
# The headings of the page of the package's own names: which modules the names of each come from.
GROUPS = {
    "Preprocess videos": (
        *(
            "preprocess",
            "video_inputs",
            "frames",
            "batch",
            "aio",
            "_util.progress",
            "_sampling.frame_stream",
        ),
    ),
    "Look before decoding": ("probe",),
    "Inspect": ("inspection",),
    "Processors for transformers": ("processors",),
    "Existing programs and servers": ("hosts", "_patches.fused_operator"),
    "The functions of keye_vl_utils": ("vision_process", "_chat", "_slow_fast"),
    "Limits, damage and settings": (
        "limits",
        "errors",
        "_decoding.damage",
        "_patches.video_settings",
    ),
}
# Modules that have a page of their own, which shows all of their names. Names that the package has
# too are shown on its own page.
PAGES = {
    "api-errors.md": (f"{PACKAGE}.errors",),
    "api-limits.md": (f"{PACKAGE}.limits",),
    "api-vision-process.md": (f"{PACKAGE}.vision_process",),
    "api-preview.md": (f"{PACKAGE}.preview",),
}
# Described in the text of the page: they are neither functions nor classes.
IN_TEXT = {"__version__"}


class DocumentationError(Exception):
    """Something public that is not documented."""


@cache
def load() -> griffe.Module:
    """Return the package as griffe reads it from the sources."""
    package = griffe.load(
        PACKAGE,
        search_paths=[ROOT / "python"],
        docstring_parser="google",
        docstring_options={"returns_multiple_items": False, "returns_named_value": False},
        resolve_aliases=True,
        allow_inspection=False,
    )
    assert isinstance(package, griffe.Module)
    add_awaitable_forms(package)
    return package


def module(path: str) -> griffe.Module:
    """Return a module of the package by its dotted path."""
    found = load() if path == PACKAGE else load()[path.removeprefix(f"{PACKAGE}.")]
    target = found.final_target if isinstance(found, griffe.Alias) else found
    assert isinstance(target, griffe.Module), path
    return target


def names_of(path: str) -> dict[str, griffe.Object]:
    """Return the objects that a module lists in ``__all__``, by name.

    Raises:
        DocumentationError: a name is not defined in the module.
    """
    found = {}
    scope = module(path)
    for name in map(str, scope.exports or ()):
        if name not in scope.members:
            raise DocumentationError(f"{path}.__all__ lists {name}, which {path} does not define")
        member = scope.members[name]
        found[name] = member.final_target if isinstance(member, griffe.Alias) else member
    return found


def grouped_names() -> dict[str, list[str]]:
    """Return the package's own names under the headings of their page.

    Raises:
        DocumentationError: a name comes from a module that is in no group.
    """
    grouped: dict[str, list[str]] = {title: [] for title in GROUPS}
    for name, one in names_of(PACKAGE).items():
        if name in IN_TEXT:
            continue
        titles = [
            title
            for title, modules in GROUPS.items()
            if any(f"{one.path}.".startswith(f"{PACKAGE}.{module}.") for module in modules)
        ]
        if len(titles) != 1:
            raise DocumentationError(
                f"{name} is {one.path}: add its module to GROUPS in {Path(__file__).name}"
            )
        grouped[titles[0]].append(name)
    return {title: names for title, names in grouped.items() if names}


@cache
def documented_paths() -> dict[str, str]:
    """Return where the site shows each object: its identifiers by canonical path."""
    shown: dict[str, str] = {}
    for name, one in names_of(PACKAGE).items():
        if name not in IN_TEXT:
            shown.setdefault(one.path, f"{PACKAGE}.{name}")
    for paths in PAGES.values():
        for path in paths:
            shown.setdefault(path, path)
            for name, one in names_of(path).items():
                shown.setdefault(one.path, f"{path}.{name}")
    for path, identifier in list(shown.items()):
        one = load()[path.removeprefix(f"{PACKAGE}.")]
        members: list[str] = []
        if isinstance(one, griffe.Class):
            members = [name for name in one.members if not name.startswith("_")]
        elif isinstance(one, griffe.Module):
            members = [name for name, each in names_of(path).items() if each.parent is one]
        for name in members:
            shown.setdefault(f"{path}.{name}", f"{identifier}.{name}")
    return shown


def undocumented() -> list[str]:
    """Return what public names lack: docstrings, and descriptions of parameters and fields."""
    problems: list[str] = []
    seen: set[str] = set()
    for path in (PACKAGE, *(path for paths in PAGES.values() for path in paths)):
        if not module(path).docstring:
            problems.append(f"{path} has no docstring")
        for name, one in names_of(path).items():
            if name not in IN_TEXT and one.path not in seen:
                seen.add(one.path)
                problems += _lacks(one)
    return problems


def _lacks(one: griffe.Object) -> list[str]:
    if one.docstring is None:
        return [f"{one.path} has no docstring"]
    problems: list[str] = []
    if isinstance(one, griffe.Module):
        problems = [line for each in names_of(one.path).values() for line in _lacks(each)]
    elif isinstance(one, griffe.Function):
        named = _described(one, "parameters")
        required = {each.name for each in one.parameters} - {"self", "cls"}
        problems = _missing(one, required - named, "parameter")
    elif isinstance(one, griffe.Class):
        if "dataclass" in one.labels:
            fields = {
                name
                for name, member in one.members.items()
                if not name.startswith("_") and member.is_attribute and not member.docstring
            }
            problems = _missing(one, fields - _described(one, "attributes"), "field")
        for name, member in one.members.items():
            if not name.startswith("_") and (
                member.is_function or "property" in getattr(member, "labels", ())
            ):
                target = member.final_target if isinstance(member, griffe.Alias) else member
                problems += _lacks(target)
    return problems


def _described(one: griffe.Object, kind: str) -> set[str]:
    """Return the names in a section of a docstring."""
    assert one.docstring is not None
    sections = [section for section in one.docstring.parsed if section.kind.value == kind]
    return {each.name.lstrip("*") for section in sections for each in section.value}


def _missing(one: griffe.Object, names: set[str], what: str) -> list[str]:
    """Return a line for each name that the docstring does not even mention as code."""
    assert one.docstring is not None
    text = one.docstring.value
    return [
        f"{one.path}: the docstring does not describe the {what} {name}"
        for name in sorted(names)
        if f"``{name}``" not in text
    ]


if __name__ == "__main__":
    for line in undocumented():
        print(line)
