"""The package's folders import in one direction only, and its files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import keye_vl_rs

pytestmark = pytest.mark.one_level

PACKAGE = Path(keye_vl_rs.__file__).parent
# The order in which data passes them: each may import those before it, and none behind it.
ORDER = [
    *("errors", "_util", "limits"),
    *("_media", "_decoding", "_sampling", "_slow_fast", "_patches", "_streaming", "_chat"),
    *("video_inputs", "preprocess", "processors", "vision_process", "preview", "hosts", "cli"),
]
FACADES = ("vision_process", "preview")
# The package's own module gathers all names, the compiled one has none below it, and of old names
# only a table is left.
OTHERS = ("__init__", "_core", "_moved")
MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(module):
    """The folder or file of the package's root that a dotted name is in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(path):
    """The modules of the package that a file imports, for whatever reason, with their lines."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} has a relative import"
            names = [f"{node.module}.{one.name}" for one in node.names]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "keye_vl_rs":
                yield node.lineno, name


def own_part(path):
    return part_of(f"keye_vl_rs.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}")


def test_every_part_has_a_place():
    assert {own_part(path) for path in MODULES} == {*ORDER, *OTHERS} - {"_core"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    own = own_part(path)
    if own in OTHERS:
        return
    before = {*ORDER[: ORDER.index(own) + 1], "_core"}
    wrong = [
        f"line {line} imports {name}"
        for line, name in imports_of(path)
        if part_of(name) not in before
    ]
    assert wrong == []


def test_only_hosts_import_facades():
    found = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for _, name in imports_of(path)
        if part_of(name) in FACADES and own_part(path) != part_of(name)
    }
    assert {Path(name).parts[0] for name in found} <= {"__init__.py", "hosts"}


def test_the_root_is_small():
    entries = [
        path.name
        for path in PACKAGE.iterdir()
        if path.is_file() and not path.name.startswith("_core.")
    ]
    assert len(entries) <= 12, entries
