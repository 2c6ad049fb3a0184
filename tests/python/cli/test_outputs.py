"""Test what the command line writes, and where."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

import keye_vl_rs
from keye_vl_rs import preprocess_video
from support.cli import NAMES, lines, load, made, run, usage_of
from support.paths import ROOT
from support.tensors import assert_bits

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_tensors_are_those_of_preprocess_video(dtype, videos):
    result = run("a.mp4", "--dtype", dtype)
    assert result.exit_code == 0, result.output
    tensors, metadata = load("a.safetensors")
    inputs = preprocess_video("a.mp4", dtype=getattr(torch, dtype))
    assert sorted(tensors) == NAMES
    for name in NAMES:
        assert_bits(tensors[name], getattr(inputs, name))
    assert metadata["source"] == "a.mp4"
    assert metadata["format"] == "pt"
    assert metadata["keye_vl_rs"] == keye_vl_rs.__version__
    assert tuple(json.loads(metadata["slow_size"])) == inputs.slow_size
    assert tuple(json.loads(metadata["fast_size"])) == inputs.fast_size
    assert json.loads(metadata["fps"]) == 25.0


def test_every_option_arrives(videos):
    options = {
        "fps": 5.5,
        "max_frames": 5,
        "min_pixels": 50000,
        "max_pixels": 70000,
        "total_pixels": 300000,
        "min_frame_similarity": 0.99,
    }
    arguments = [
        text for name, value in options.items() for text in ("--" + name.replace("_", "-"), value)
    ]
    assert run("a.mp4", *arguments).exit_code == 0
    inputs = preprocess_video("a.mp4", **options)
    for name, tensor in load("a.safetensors")[0].items():
        assert_bits(tensor, getattr(inputs, name))
    assert run("a.mp4", "--num-frames", 3).exit_code == 0
    assert load("a.safetensors")[0]["num_frames"].tolist() == [3]


def test_results_go_beside_their_videos(videos):
    assert run("a.mp4", "deep").exit_code == 0
    assert made() == ["a.safetensors", "deep/b.safetensors", "deep/er/c.MKV.safetensors"]


def test_a_folder_keeps_its_structure_below_the_output(videos):
    assert run("deep", "other/a.mp4", "-o", "out/put").exit_code == 0
    assert made("out/put") == ["a.safetensors", "b.safetensors", "er/c.MKV.safetensors"]
    assert made() == [f"out/put/{name}" for name in made("out/put")]


def test_an_output_may_name_the_file(videos):
    assert run("a.mp4", "-o", "new/name.safetensors").exit_code == 0
    assert made() == ["new/name.safetensors"]


def test_a_folder_may_have_the_suffix_of_a_file(videos):
    Path("folder.safetensors").mkdir()
    assert run("a.mp4", "-o", "folder.safetensors").exit_code == 0
    assert Path("folder.safetensors/a.safetensors").is_file()


def test_one_output_for_many_videos_is_refused(videos):
    result = run("deep", "-o", "one.safetensors")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "one.safetensors names one file, but there are 2 videos: give a folder" in usage_of(
        result
    )
    assert made() == []


@pytest.mark.parametrize(
    "given", [("deep", "deep/b.mp4"), ("a.mp4", "./a.mp4"), ("deep", "deep/"), ("a.mp4", "a.mp4")]
)
def test_a_video_that_is_given_twice_is_done_once(given, videos):
    result = run(*given, "--json")
    sources = [Path(line["source"]) for line in lines(result)]
    assert len(sources) == len(set(sources))
    assert len(made()) == len(sources)


@pytest.mark.parametrize("output", ["notes.py", "notes.py/deeper", "notes.safetensors/deeper"])
def test_an_output_that_is_a_file_of_another_kind(output, videos):
    for name in ("notes.py", "notes.safetensors"):
        Path(name).write_text("mine")
    result = run("a.mp4", "-o", output)
    assert (result.exit_code, result.stdout) == (2, "")
    usage = usage_of(result)
    assert (
        f"{output.partition('/')[0]} is a file: expected a folder, or for a single video" in usage
    )
    assert "a name ending in .safetensors" in usage
    assert [Path(n).read_text() for n in ("notes.py", "notes.safetensors")] == ["mine"] * 2


def test_an_output_with_a_home_that_no_shell_expanded(videos, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    result = run("a.mp4", "--output=~/out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "~ is not expanded: give /home/me/out" in usage_of(result)
    Path("~").mkdir()
    assert run("a.mp4", "--output=~/out").exit_code == 0
    assert made() == ["~/out/a.safetensors"]


def test_the_umask_decides_who_may_read_results(videos):
    before = os.umask(0o027)
    try:
        assert run("a.mp4").exit_code == 0
    finally:
        os.umask(before)
    assert Path("a.safetensors").stat().st_mode & 0o777 == 0o640


def test_the_documentation_lists_what_is_written(videos):
    """The manual lists every field of the JSON objects and every name in the metadata."""
    listed = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    result = lines(run("a.mp4", "missing.mp4", "--json"))
    fields = {name for line in result for name in line} | {"reason", "frames"}
    fields |= set(result[1]["stage_seconds"]) | set(load("a.safetensors")[1])
    for name in fields | {"partial", "damage", "on_error"}:
        assert f"`{name}`" in listed, name
