"""Test what the command line accepts as videos, and what it refuses."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from keye_vl_rs.cli import app
from keye_vl_rs.cli.outputs import plan_jobs
from support.cli import errors_of, lines, made, run

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["preprocess", ""], "VIDEO"),
        (["preprocess", "a.mp4", ""], "VIDEO"),
        (["preprocess", " \t"], "VIDEO"),
        (["preprocess", "a.mp4", "-o", ""], "--output"),
        (["preprocess", "a.mp4", "--output="], "--output"),
        (["preprocess", "a.mp4", "-o", "  "], "--output"),
        (["bench", ""], "VIDEO"),
        (["bench", " "], "VIDEO"),
    ],
)
def test_an_empty_path_is_wrong_usage(arguments, named, videos):
    """An unset shell variable leaves one; Python takes it for the current folder."""
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert named in result.stderr
    assert "is blank: expected a file" in result.stderr
    assert made() == []


def test_a_home_that_no_shell_expanded(videos, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    result = run("~/a.mp4", "--json")
    assert result.exit_code == 1
    assert lines(result) == [
        {
            "source": "~/a.mp4",
            "error": "~/a.mp4: no such file or folder; ~ is not expanded: pass /home/me/a.mp4",
            "error_type": "MediaNotFoundError",
        }
    ]


def test_hidden_files_and_folders_count_where_they_are_named(videos):
    shutil.copytree("deep", "in/.hidden")
    shutil.copytree("deep", "in/shown")
    shutil.copytree("deep", "in/shown/.hidden")
    assert {job.source for job in plan_jobs(["in"], None)[0]} == {
        "in/shown/b.mp4",
        "in/shown/er/c.MKV",
    }
    assert {job.source for job in plan_jobs(["in/.hidden", "in/shown/.hidden.mp4"], None)[0]} == {
        "in/.hidden/b.mp4",
        "in/.hidden/er/c.MKV",
        "in/shown/.hidden.mp4",
    }


def test_hidden_videos_alone_are_no_videos(videos):
    shutil.copytree("deep", "in/.hidden")
    (error,) = errors_of(run("in"))
    assert error.startswith("error: in: no videos in this folder")
    assert "hidden files are ignored" in error


def test_links_in_a_circle(videos):
    Path("deep/er/up").symlink_to("..", target_is_directory=True)
    Path("deep/self.mp4").symlink_to("self.mp4")
    Path("deep/nowhere.mp4").symlink_to("nothing")
    result = run("deep", "deep/self.mp4", "--json")
    assert result.exit_code == 1
    errors = {line["source"] for line in lines(result) if "error" in line}
    assert errors == {"deep/nowhere.mp4", "deep/self.mp4"}
    assert made() == ["deep/b.safetensors", "deep/er/c.MKV.safetensors"]


def test_results_below_the_videos_are_no_videos(videos):
    for _ in range(2):
        assert run("deep", "-o", "deep/out").exit_code == 0
    assert made() == ["deep/out/b.safetensors", "deep/out/er/c.MKV.safetensors"]


@pytest.mark.parametrize("name", ["n" * 300 + ".mp4", "n" * 5000, "a.mp4/b.mp4"])
def test_a_path_that_no_file_can_have(name, videos):
    result = run(name, "a.mp4")
    assert result.exit_code == 1
    assert len(errors_of(result)) == 1
    assert made() == ["a.safetensors"]


@pytest.mark.parametrize("locked", ["deep", "deep/er"])
def test_a_folder_that_cannot_be_listed_is_an_error(locked, videos, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if os.fspath(path) == locked:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = run("deep")
    assert result.exit_code == 1
    assert errors_of(result) == [f"error: {locked}: cannot be read: Permission denied"]
    assert made() == ([] if locked == "deep" else ["deep/b.safetensors"])
