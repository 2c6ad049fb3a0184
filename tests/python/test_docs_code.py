"""Run the code in the documentation: Python, commands, and what else stands in its blocks."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import types
import warnings
from unittest import mock

import pytest
from pytest_examples import find_examples
from typer.testing import CliRunner

import keye_vl_rs
from keye_vl_rs import vision_process
from keye_vl_rs.cli import app
from support.checkpoint import make_checkpoint
from support.clips import BUNNY
from support.images import picture
from support.pages import PAGES, blocks_of, commands_of
from support.paths import ROOT

pytestmark = pytest.mark.one_level

MODEL = "Kwai-Keye/Keye-VL-1_5-8B"
# Blocks of these languages run here; those of Rust run with `cargo test`, as documentation tests.
RUN = ("python", "bash")
# "text" is for output.
OTHERS = ("rust", "text", "toml")
RUST_PAGE = "docs/rust.md"
# Commands that would change the environment of the tests.
NOT_RUN = ("pip install .",)
PROGRAM = "keye-vl-rs"


@pytest.fixture
def working_folder(tmp_path, clip, monkeypatch):
    """Provide a user's files: videos, images, and a checkpoint under the name of the model."""
    shutil.copy(clip, tmp_path / "clip.mp4")
    (tmp_path / "videos").mkdir()
    shutil.copy(clip, tmp_path / "videos")
    bundled = tmp_path / BUNNY.relative_to(ROOT)
    bundled.parent.mkdir(parents=True)
    shutil.copy(BUNNY, bundled)
    for name in ("photo.jpg", "frame_0.jpg", "frame_1.jpg"):
        picture(120, 90).save(tmp_path / name)
    make_checkpoint(tmp_path / MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def restored():
    """Undo what the code of a page sets in this process."""
    constants = {name: value for name, value in vars(vision_process).items() if name.isupper()}
    with mock.patch.dict(os.environ, HF_HUB_OFFLINE="1"), warnings.catch_warnings():
        yield
    keye_vl_rs.disable()
    vars(vision_process).update(constants)


class Answers:
    """Stand in for a client of OpenAI's and for vLLM."""

    def __init__(self, **options):
        self.chat = types.SimpleNamespace(completions=self)

    def create(self, *, model, messages, extra_body):
        assert (model, list(messages[0])) == (MODEL, ["role", "content"])
        assert extra_body["mm_processor_kwargs"]["frame_types"]

    def generate(self, inputs):
        assert set(inputs) == {"prompt", "multi_modal_data", "mm_processor_kwargs"}


def run_command(command, folder):
    """Run a command of this package, and check that it wrote something if it is to."""
    name, *arguments = shlex.split(command)
    assert name == PROGRAM or command in NOT_RUN, command
    if name != PROGRAM:
        return
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    if arguments[0] == "preprocess":
        assert any(folder.rglob("*.safetensors"))


@pytest.mark.parametrize("page", [page for page in PAGES if blocks_of(page, *RUN)])
def test_code_runs(page, working_folder, restored, monkeypatch, eval_example):
    """Run the blocks of a page one after the other, as one program."""
    monkeypatch.setitem(sys.modules, "openai", types.SimpleNamespace(OpenAI=Answers))
    examples = {example.start_line: example for example in find_examples(ROOT / page)}
    blocks = blocks_of(page, *RUN)
    assert [block.line for block in blocks if block.language == "python"] == list(examples)
    scope = {"llm": Answers()}
    for block in blocks:
        if block.language == "python":
            scope = eval_example.run(examples[block.line], module_globals=scope)
        else:
            for command in commands_of(block):
                run_command(command, working_folder)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_is_no_code(page):
    for block in blocks_of(page):
        assert block.language in (*RUN, *OTHERS), f"{page}:{block.line}"
        assert block.language != "rust" or page == RUST_PAGE, f"{page}:{block.line}"


def test_the_page_for_rust_is_a_documentation_test():
    assert f'include_str!("../../{RUST_PAGE}")' in (ROOT / "rust/core/lib.rs").read_text()
    assert blocks_of(RUST_PAGE, "rust")


def test_the_demo_is_the_one_that_is_documented():
    """Run what `make demo` runs, and find its figures in the pages."""
    (command,) = (
        command
        for block in blocks_of("docs/first-video.md", "bash")
        for command in commands_of(block)
    )
    assert command in (ROOT / "Makefile").read_text()
