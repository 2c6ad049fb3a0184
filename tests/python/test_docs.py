"""Check that links and names in the documentation lead somewhere, and that its lists are whole."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re

import pytest

from keye_vl_rs import errors
from keye_vl_rs.limits import Limits
from support.pages import PAGES, anchors_of, prose_of, text_of
from support.paths import ROOT

pytestmark = pytest.mark.one_level

# Names of folders and files in the sources, which code spans mention.
FILE = re.compile(r"(?:[\w.*<>-]+/)+(?:[\w.*<>-]+)?|Makefile|[\w-]+\.(?:md|toml|txt|py|rs)")
# Files of which every folder has its own.
ANYWHERE = ("scalar.rs",)
# What is named as an example, or exists only once something has been built.
EXAMPLES = ("videos/", "tensors/", "demo-out", "build/", "s3://", "hf://", "file://", "image/")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target.resolve().relative_to(ROOT)), link


@pytest.mark.parametrize("page", PAGES)
def test_named_files_exist(page):
    for span in re.findall(r"`([^`\n]+)`", prose_of(page)):
        if not FILE.fullmatch(span) or span.startswith(EXAMPLES):
            continue
        # From the root, in the package (of which a table lists folders), and beside the page.
        folders = (ROOT, ROOT / "python" / "keye_vl_rs", (ROOT / page).parent)
        pattern = re.sub(r"<\w+>", "*", span).rstrip("/")
        if span in ANYWHERE:
            folders, pattern = (ROOT / "rust",), f"**/{span}"
        assert any(any(folder.glob(pattern)) for folder in folders), span


def test_named_targets_of_make_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", text_of(page))}
    _, _, tested = text_of("SECURITY.md").partition("| `make` |")
    named |= set(re.findall(r"\| `([a-z-]+)` \|$", tested, re.MULTILINE))
    assert {"test", "demo", "fuzz"} <= named
    assert named <= targets


def test_rows_of_changes_name_what_is_there():
    """Find each name of a row of CONTRIBUTING in one of the row's files."""
    _, _, table = text_of("CONTRIBUTING.md").partition("## Where to change what")
    table = table.partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 10
    for row in rows:
        spans = [span for span in re.findall(r"`([^`]+)`", row) if not span.startswith("make ")]
        files = [span for span in spans if FILE.fullmatch(span)]
        found = [path for span in files for path in ROOT.glob(re.sub(r"<\w+>", "*", span))]
        texts = [path.read_text("utf-8") for path in found if path.is_file()]
        for span in spans:
            name = span.removesuffix("()")
            assert span in files or any(name in text for text in texts), span


def test_limits_are_listed_with_their_defaults():
    rows = re.findall(r"^\| `(\w+)` \| .* \| ([\d,]+)[^|]*\|$", text_of("docs/limits.md"), re.M)
    listed = {name: float(value.replace(",", "")) for name, value in rows}
    assert listed == {field.name: float(field.default) for field in dataclasses.fields(Limits)}
    assert not any(math.isinf(value) for value in listed.values())


def test_environment_variables_are_the_codes():
    """Compare the variables that the code reads with those that are listed and named."""
    sources = [*ROOT.glob("python/**/*.py"), *ROOT.glob("rust/**/*.rs")]
    code = "\n".join(path.read_text("utf-8") for path in sources)
    pattern = r"\bKEYE_VL_RS(?:_[A-Z]+)+\b(?!_)"
    limits = {f"KEYE_VL_RS_MAX_{field.name.upper()}" for field in dataclasses.fields(Limits)}
    read = set(re.findall(pattern, code)) - limits
    listed = set(re.findall(pattern, text_of("docs/limits.md"))) - limits
    named = {name for page in PAGES for name in re.findall(pattern, text_of(page))} - limits
    assert read <= listed
    assert named <= listed
    # Of hosts the code has the beginning only.
    assert listed - read <= {"KEYE_VL_RS_VLLM", "KEYE_VL_RS_SGLANG"}


def test_every_error_and_warning_has_an_entry():
    """Find a heading for each class in the page on troubleshooting, and its bases below it."""
    page = text_of("docs/troubleshooting.md")
    entries = dict(re.findall(r"^### (\w+)\n\n(.*?)(?=^##|\Z)", page, re.M | re.S))
    classes = {
        name: value
        for name in errors.__all__
        if inspect.isclass(value := getattr(errors, name)) and issubclass(value, Exception)
    }
    assert len(classes) >= 20
    assert entries.keys() == classes.keys()
    for name, value in classes.items():
        parents = {base.__name__ for base in value.__bases__}
        if issubclass(value, Warning):
            assert "A warning" in entries[name], name
        elif value.__bases__ not in ((Exception,), (errors.KeyeVLError,)):
            named = parents - {"KeyeVLError"}
            assert all(f"`{parent}`" in entries[name] for parent in named), (name, named)
