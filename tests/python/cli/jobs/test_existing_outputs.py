"""Test which existing files under outputs' names are recomputed, and which are kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch

import keye_vl_rs
from keye_vl_rs.cli.jobs import resume as batch_made
from support.cli import errors_of, load, results, run, versions

pytestmark = pytest.mark.one_level


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path):
    with open(path, "ab") as file:
        file.write(b"\0")


def without_names(path):
    """Replace it with a file of another program."""
    safetensors.torch.save_file({"weight": torch.zeros(3)}, path)


def without_metadata(path):
    safetensors.torch.save_file(load(path)[0], path)


def without_a_tensor(path):
    tensors, metadata = load(path)
    del tensors["timestamps"]
    safetensors.torch.save_file(tensors, path, metadata)


def with_odd_metadata(path):
    tensors, metadata = load(path)
    safetensors.torch.save_file(tensors, path, metadata | {"options": "[", "summary": "3"})


@pytest.mark.parametrize("spoil", [cut, lengthen])
def test_what_is_no_whole_output_is_done_again(spoil, done):
    right = Path("out/a.safetensors").read_bytes()
    spoil(Path("out/a.safetensors"))
    assert done("--json") == ["a.mp4"]
    assert results(done.result)["a.mp4"]["replaces"] == "the file was incomplete"
    assert Path("out/a.safetensors").read_bytes() == right


@pytest.mark.parametrize(
    "spoil",
    [
        without_names,
        without_metadata,
        without_a_tensor,
        with_odd_metadata,
        lambda path: path.write_text("notes of mine"),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"1234567"),
        lambda path: path.write_bytes(b"\xff" * 99),
        lambda path: path.write_bytes((9).to_bytes(8, "little") + b"no JSON!!"),
        lambda path: path.write_bytes((2).to_bytes(8, "little") + b"[]"),
        lambda path: path.write_bytes((20).to_bytes(8, "little") + b'{"__metadata__": 3} '),
        lambda path: path.write_bytes((20).to_bytes(8, "little") + b'{"__metadata__": {}}'),
    ],
)
def test_a_file_of_somebody_else_is_kept(spoil, done):
    right = Path("out/a.safetensors").read_bytes()
    spoil(Path("out/a.safetensors"))
    before, there = Path("out/a.safetensors").read_bytes(), versions()
    result = run("a.mp4", "deep/b.mp4", "-o", "out", "--json")
    assert result.exit_code == 1
    text = (
        "a.mp4: out/a.safetensors already exists and was not written by keye-vl-rs: choose another "
        "--output, or pass --overwrite to replace it"
    )
    assert results(result)["a.mp4"] == {
        "source": "a.mp4",
        "error": text,
        "error_type": "FileExistsError",
    }
    assert errors_of(result) == [f"error: {text}"]
    assert results(result)["b.mp4"]["skipped"]
    assert (Path("out/a.safetensors").read_bytes(), versions()) == (before, there)
    assert done("--overwrite") == ["a.mp4", "b.mp4"]
    assert Path("out/a.safetensors").read_bytes() == right


@pytest.mark.parametrize("change", [(), ("cut",), ("version",)])
def test_the_result_of_another_video_is_kept(change, done, short, monkeypatch):
    shutil.copy(short, "other/a.mp4")
    if "cut" in change:
        cut(Path("out/a.safetensors"))
    if "version" in change:
        monkeypatch.setattr(batch_made, "__version__", "99.0")
    before = versions()
    result = run("other/a.mp4", "-o", "out")
    assert result.exit_code == 1
    assert errors_of(result) == [
        "error: other/a.mp4: out/a.safetensors already exists and is the output of another video, "
        "a.mp4: choose another --output, or pass --overwrite to replace it"
    ]
    assert versions() == before
    assert run("other/a.mp4", "-o", "out", "--overwrite").exit_code == 0
    assert load("out/a.safetensors")[1]["source"] == "other/a.mp4"


def test_an_output_of_another_version(done, monkeypatch):
    monkeypatch.setattr(batch_made, "__version__", "99.0")
    assert done() == ["a.mp4", "b.mp4"]
    assert f"written by version {keye_vl_rs.__version__}" in done.result.stderr


def test_what_fails_leaves_what_was_there(done):
    before = Path("out/a.safetensors").read_bytes()
    Path("a.mp4").write_text("no video")
    result = run("a.mp4", "deep/b.mp4", "-o", "out", "--json")
    assert result.exit_code == 1
    failure = results(result)["a.mp4"]
    assert failure == {
        "source": "a.mp4",
        "error": failure["error"],
        "error_type": "UnreadableMediaError",
        "old_output": "out/a.safetensors",
    }
    (error,) = errors_of(result)
    assert error == f"error: {failure['error']}; the earlier output out/a.safetensors is unchanged"
    assert Path("out/a.safetensors").read_bytes() == before
    assert run("a.mp4", "-o", "out").exit_code == 1
