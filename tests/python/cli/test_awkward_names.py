"""Test the command line with awkward names and folders."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from keye_vl_rs.cli.jobs import run as batch_run
from support.cli import errors_of, leftovers, lines, load, made, run

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize(
    "name",
    [
        "a b.mp4",
        "[x].mp4",
        "äöü 視頻.mp4",
        "two..dots.mp4",
        "a:b.mp4",
        "%41.mp4",
        "no_suffix",
        "'q\".mp4",
    ],
)
@pytest.mark.parametrize("in_folder", [False, True])
def test_weird_names(name, in_folder, videos):
    Path("in").mkdir()
    shutil.copy("a.mp4", f"in/{name}")
    result = run("in" if in_folder else f"in/{name}", "--json")
    if in_folder and name == "no_suffix":
        assert result.exit_code == 1
        assert "no videos in this folder" in lines(result)[0]["error"]
        return
    assert result.exit_code == 0, result.output
    target = Path("in", name).with_suffix(".safetensors")
    assert lines(result)[0]["output"] == str(target)
    assert load(target)[1]["source"] == str(Path("in", name))


def test_a_leading_dash_after_two_dashes(videos):
    shutil.copy("a.mp4", "-o.mp4")
    assert run("--json", "--", "-o.mp4").exit_code == 0
    assert made() == ["-o.safetensors"]


def test_a_name_as_long_as_names_may_be(videos):
    name = "n" * 251 + ".mp4"
    shutil.copy("a.mp4", name)
    result = run(name, "other/a.mp4")
    # The output's name would have 263 characters, which is an error of this one video.
    assert result.exit_code == 1
    assert len(errors_of(result)) == 1
    assert made() == ["other/a.safetensors"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes anywhere")
def test_an_output_folder_without_permission(videos):
    Path("locked").mkdir(mode=0o500)
    result = run("a.mp4", "-o", "locked")
    assert result.exit_code == 1
    assert "ermission" in errors_of(result)[0]


def test_a_target_that_is_a_folder(videos):
    Path("a.safetensors").mkdir()
    result = run("a.mp4")
    assert result.exit_code == 1
    assert len(errors_of(result)) == 1
    assert leftovers() == []


def test_nothing_is_left_where_writing_fails(videos, monkeypatch):
    def half(file, *arguments):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(batch_run, "write_tensors", half)
    Path("a.safetensors").write_bytes(b"old")
    result = run("a.mp4", "--json", "--overwrite")
    assert result.exit_code == 1
    assert lines(result)[0]["source"] == "a.mp4"
    assert "No space left on device" in lines(result)[0]["error"]
    assert Path("a.safetensors").read_bytes() == b"old"
    assert leftovers() == []


def test_an_interrupt_ends_it_without_leftovers(videos, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(batch_run, "write_tensors", interrupt)
    result = run("a.mp4", "other/a.mp4")
    assert result.exit_code not in (0, 1, 2)
    assert (made(), leftovers()) == ([], [])
