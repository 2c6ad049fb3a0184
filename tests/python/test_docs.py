"""Check that links and names in the documentation lead somewhere, and that its code runs."""

from __future__ import annotations

import dataclasses
import math
import re
import shlex
import shutil
import sys
import types

import pytest
from typer.testing import CliRunner

import keye_vl_rs
from keye_vl_rs.cli import app
from keye_vl_rs.limits import Limits
from support.checkpoint import make_checkpoint
from support.images import picture
from support.paths import ROOT

pytestmark = pytest.mark.one_level

PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/*/README.md"))
)
MODEL = "Kwai-Keye/Keye-VL-1_5-8B"
# Names of folders and files in the sources, which code spans mention.
FILE = re.compile(r"(?:[\w.*<>-]+/)+(?:[\w.*<>-]+)?|Makefile|[\w-]+\.(?:md|toml|txt|py|rs)")
# Files of which every folder has its own.
ANYWHERE = ("scalar.rs",)
# What is named as an example, or exists only once something has been built.
EXAMPLES = ("videos/", "tensors/", "demo-out", "build/", "s3://", "hf://", "file://", "image/")


def text_of(page):
    return (ROOT / page).read_text("utf-8")


def prose_of(page):
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)


def blocks_of(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text_of(page), re.MULTILINE | re.DOTALL)


def anchors_of(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


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


@pytest.fixture
def working_folder(tmp_path, clip, monkeypatch):
    """Provide a user's files: videos, images, and a checkpoint under the name of the model."""
    shutil.copy(clip, tmp_path / "clip.mp4")
    (tmp_path / "videos").mkdir()
    shutil.copy(clip, tmp_path / "videos")
    for name in ("photo.jpg", "frame_0.jpg", "frame_1.jpg"):
        picture(120, 90).save(tmp_path / name)
    make_checkpoint(tmp_path / MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path


class Answers:
    """Stand in for a client of OpenAI's and for vLLM."""

    def __init__(self, **options):
        self.chat = types.SimpleNamespace(completions=self)

    def create(self, *, model, messages, extra_body):
        assert (model, list(messages[0])) == (MODEL, ["role", "content"])
        assert extra_body["mm_processor_kwargs"]["frame_types"]

    def generate(self, inputs):
        assert set(inputs) == {"prompt", "multi_modal_data", "mm_processor_kwargs"}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page, "python")])
def test_python_runs(page, working_folder, monkeypatch):
    """Run the blocks of a page one after the other, as one program."""
    monkeypatch.setitem(sys.modules, "openai", types.SimpleNamespace(OpenAI=Answers))
    scope = {"llm": Answers()}
    try:
        for block in blocks_of(page, "python"):
            exec(compile(block, page, "exec"), scope)
    finally:
        keye_vl_rs.disable()


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if re.search("keye-vl-rs (preprocess|probe)", text_of(page))],
)
def test_commands_run(page, working_folder):
    lines = [line for block in blocks_of(page, "bash") for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("keye-vl-rs ")]
    for command in commands:
        result = CliRunner().invoke(app, shlex.split(command)[1:])
        assert result.exit_code == 0, result.output
    if page != "CHANGELOG.md":
        assert commands
    if any("keye-vl-rs preprocess" in command for command in commands):
        assert (working_folder / "tensors" / "clip.safetensors").exists()
