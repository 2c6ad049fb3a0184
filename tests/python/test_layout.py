"""Test imports between folders, folders of tests, the length of files, and their docstrings."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

import keye_vl_rs
from keye_vl_rs._chat import content_parts
from support.paths import ROOT

pytestmark = pytest.mark.one_level

PACKAGE = Path(keye_vl_rs.__file__).parent
# In the order of the data flow: each may import those before it, and none of those after it.
ORDER = [
    *("errors", "_util", "limits"),
    *("_media", "_decoding", "_sampling", "_slow_fast", "_patches", "_streaming", "_chat"),
    *("video_inputs", "frames", "_preprocess", "preprocess", "probe", "inspection", "batch"),
    "processors",
    *("vision_process", "preview", "hosts", "aio", "cli"),
]
FACADES = ("vision_process", "preview")
# The package itself gathers all names, the compiled module imports none, and old names have only a
# table left.
OTHERS = ("__init__", "_core", "_moved")
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = ROOT / "tests" / "python"
MAX_LINES = 300
# Words with which a description begins that is not an instruction.
NO_VERBS = ("A", "All", "An", "Each", "Every", "How", "Some", "The", "This", "What", "Whether")
# A single stub file describes the whole compiled module.
ANY_LENGTH = {"python/keye_vl_rs/_core.pyi"}


def part_of(module):
    """Return the folder or file at the package's root that contains a module."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imports_of(path):
    """Return the modules of the package that a file imports anywhere, with their lines."""
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


def test_only_hosts_and_awaitable_forms_import_facades():
    found = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for _, name in imports_of(path)
        if part_of(name) in FACADES and own_part(path) != part_of(name)
    }
    assert {Path(name).parts[0] for name in found} <= {"__init__.py", "aio.py", "hosts"}


def test_one_module_decides_what_a_content_part_is():
    """Nothing else looks up the keys and types of media; hosts only write those that they send."""
    keys = {"image_url", "video_url", "input_image", "input_video"}
    found = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in keys
    }
    assert found == {"_chat/content_parts.py", "_chat/unknown_parts.py", "hosts/openai.py"}


def lookups_of(path):
    """Return the constant keys that a module looks up, by index, by method or with "in"."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key = node.slice
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            key = node.left
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("get", "pop", "setdefault")
            and node.args
        ):
            key = node.args[0]
        else:
            continue
        if isinstance(key, ast.Constant):
            yield key.value


def test_one_module_reads_the_keys_of_content_parts():
    """Other modules read the plain form, whose sources are under "image" and "video" alone."""
    plain = {content_parts.IMAGE, content_parts.VIDEO}
    own = {key for keys in content_parts._OWN_KEYS.values() for key in keys}
    others = {*own, *content_parts._SHARED_KEYS, *content_parts._TYPES} - plain
    assert {"image_url", "video_url", "url", "path", "base64", "input_image"} <= others
    found = {
        (str(path.relative_to(PACKAGE)), key)
        for path in MODULES
        for key in lookups_of(path)
        if key in others
    }
    assert found == {
        ("_chat/content_parts.py", "base64"),
        ("_chat/content_parts.py", "url"),
        # A source of its own: {"base64": ...}.
        ("_media/encoded_sources.py", "base64"),
        # The metadata of an output.
        ("cli/jobs/resume.py", "path"),
    }
    readers = {own_part(path) for path in MODULES if plain & set(lookups_of(path))}
    assert readers == {"_media", "_sampling", "_slow_fast", "frames", "cli"}


def test_the_root_is_small():
    entries = [
        path.name
        for path in PACKAGE.iterdir()
        if path.is_file() and not path.name.startswith("_core.")
    ]
    assert len(entries) <= 12, entries


def sources():
    """Return the Python and Rust files of the repository, without build outputs."""
    for top in ("python", "tests", "benches", "rust"):
        for folder, names, files in os.walk(ROOT / top):
            names[:] = [name for name in names if name not in ("target", "__pycache__")]
            for name in files:
                if name.endswith((".py", ".pyi", ".rs")):
                    yield Path(folder, name)


def test_files_are_short():
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources()
    }
    assert len(lines) > 100
    too_long = {name: count for name, count in lines.items() if count > MAX_LINES}
    assert too_long.keys() <= ANY_LENGTH, too_long


def starts_with_a_verb(docstring):
    """Return whether a docstring opens like an instruction, as far as its first words tell."""
    opening = re.match(r"([A-Z][a-z]+),? (\S+)", docstring)
    if opening is None:
        return False
    first, second = opening.groups()
    # "Opening" is no imperative, "Limits" and "Comparison" are nouns; nor does "of" follow a verb.
    is_noun = first.endswith(("ing", "ion")) or re.search("[^s]s$", first) is not None
    is_noun |= second == "of" and first != "Warn"
    return first not in NO_VERBS and not is_noun


def test_docstrings_of_modules_start_with_a_verb():
    docstrings = {
        str(path.relative_to(ROOT)): ast.get_docstring(ast.parse(path.read_text())) or ""
        for path in sources()
        if path.suffix == ".py"
    }
    assert len(docstrings) > 100
    assert [name for name, text in docstrings.items() if not starts_with_a_verb(text)] == []


def test_docstrings_of_definitions_start_with_a_verb():
    """Properties, functions, methods and classes alike."""
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        f"{path.relative_to(PACKAGE)}:{node.lineno}": ast.get_docstring(node)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, kinds) and ast.get_docstring(node)
    }
    assert len(docstrings) > 500
    wrong = {name: text for name, text in docstrings.items() if not starts_with_a_verb(text)}
    assert wrong == {}


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Read the packets of a stream.", True),
        ("Pass frames through a filter.", True),
        ("Reading the packets of a stream.", False),
        ("The packets of a stream.", False),
        ("What packets say about themselves.", False),
        ("Whether packets are needed.", False),
        ("How packets are read.", False),
        (":func:`read_packets`, which reads packets.", False),
        ("``read_packets``: packets of a stream.", False),
        ("Packets: what they say.", False),
        ("Limits on what a source may ask for.", False),
        ("Conversion of images to arrays.", False),
        ("Media of messages.", False),
        ("vLLM: a plugin.", False),
        ("", False),
    ],
)
def test_which_docstrings_start_with_a_verb(docstring, expected):
    assert starts_with_a_verb(docstring) is expected


def without_underscores(path):
    return Path(*(part.lstrip("_") for part in path.parts))


def test_every_folder_of_the_package_has_its_folder_of_tests():
    folders = {path.parent.relative_to(PACKAGE) for path in MODULES if path.parent != PACKAGE}
    missing = {
        str(folder)
        for folder in folders
        if not any((TESTS / without_underscores(folder)).glob("test_*.py"))
    }
    assert missing == set()


def test_folders_of_tests_are_named_after_folders_and_modules():
    modules = {without_underscores(path.relative_to(PACKAGE).with_suffix("")) for path in MODULES}
    known = {Path("core"), *modules, *(path.parent for path in modules)}
    found = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    assert found <= known, found - known
