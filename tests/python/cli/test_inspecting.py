"""Test the commands ``inspect`` and ``demo``."""

from __future__ import annotations

import dataclasses
import io
import json
import signal
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from keye_vl_rs import VideoInspection, inspect_video
from keye_vl_rs.cli import app, inspecting
from keye_vl_rs.cli.jobs import bars
from support.clips import BUNNY, Clip

pytestmark = pytest.mark.one_level


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def files():
    return sorted(path.name for path in Path().rglob("*") if path.is_file())


def test_a_report():
    result = run("inspect", BUNNY, "-o", "new/report.html", "--fps", 4)
    assert result.exit_code == 0, result.output
    assert files() == ["report.html"]
    assert "Frame 7 is slow because 11% of its patches differ from frame 0" in result.stdout
    assert "2,194 vision tokens" in result.stdout
    assert str(Path("new/report.html").resolve()) in result.stdout
    assert Path("new/report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_default_names():
    assert run("inspect", BUNNY, "--num-frames", 2).exit_code == 0
    assert files() == ["bunny_360p.report.html"]


def test_options_are_those_of_the_function():
    result = run(
        *("inspect", BUNNY, "--json", "--fps", 5, "--max-frames", 9, "--video-start", 1),
        *("--video-end", 4, "--timestamps", "presentation", "--min-frame-similarity", 0.95),
        *("--min-pixels", 40_000, "--max-pixels", 90_000, "--total-pixels", 700_000),
        *("--on-error", "conceal", "--timeout", 600, "--threads", 1),
    )
    assert result.exit_code == 0, result.output
    expected = inspect_video(
        BUNNY,
        fps=5,
        max_frames=9,
        video_start=1,
        video_end=4,
        timestamps="presentation",
        min_frame_similarity=0.95,
        min_pixels=40_000,
        max_pixels=90_000,
        total_pixels=700_000,
        on_error="conceal",
        thumbnails=False,
    )
    found, wanted = json.loads(result.stdout), json.loads(expected.to_json())
    assert found.pop("counts").keys() == wanted.pop("counts").keys()
    assert found == wanted
    assert files() == []


def test_json_and_a_picture():
    result = run("inspect", BUNNY, "--json", "-o", "report.png", "--num-frames", 3)
    assert len(json.loads(result.stdout)["frame_types"]) == 3
    assert Path("report.png").read_bytes().startswith(b"\x89PNG")


def test_bad_videos_are_one_line():
    Path("text.mp4").write_text("no video\n" * 99)
    whole = Clip("whole.mkv", count=60).write(Path())
    Path("cut.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    for name, status, words in (
        ("none.mp4", 1, "no such file"),
        ("text.mp4", 1, "text.mp4"),
        ("cut.mkv", 1, "use --on-error partial"),
    ):
        result = run("inspect", name, "-o", "report.html")
        assert result.exit_code == status
        assert result.stderr.startswith("error: ")
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert result.stdout == ""
    assert "report.html" not in files()
    result = run("inspect", "cut.mkv", "-o", "report.html", "--on-error", "partial")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: ")
    assert len(result.stderr.splitlines()) == 1
    assert "report.html" in files()


def test_help_names_the_fields_of_json():
    words = " ".join(run("inspect", "--help").stdout.replace("\u2502", " ").split())
    found = json.loads(run("inspect", BUNNY, "--json", "--num-frames", 2).stdout)
    fields = {one.name for one in dataclasses.fields(VideoInspection)}
    assert fields - {"comparisons", "thumbnails", "limits"} <= set(found)
    assert set(found) - fields == {"patch_grid", "slow_frames", "token_counts", "explanations"}
    for name in ("VideoInspection", *found["token_counts"], "token_counts", "explanations"):
        assert name in words, name


def test_json_of_an_error():
    result = run("inspect", "none.mp4", "--json")
    assert result.exit_code == 1
    said = json.loads(result.stdout)
    assert (said["source"], said["error_type"]) == ("none.mp4", "MediaNotFoundError")
    assert "no such file" in said["error"]


def test_wrong_usage():
    for arguments in (
        ["-o", "report.pdf"],
        ["-o", ""],
        ["--num-frames", 0],
        ["--video-start", 3, "--video-end", 2],
        ["--num-frames", 100_000],
    ):
        result = run("inspect", BUNNY, *arguments)
        assert result.exit_code == 2, arguments
    Path("folder.html").mkdir()
    assert run("inspect", BUNNY, "-o", "folder.html").exit_code == 2
    assert files() == []


def test_a_report_that_cannot_be_written():
    Path("file").touch()
    result = run("inspect", BUNNY, "-o", "file/report.html", "--num-frames", 2)
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert files() == ["file"]


def test_names_are_printed_on_one_line():
    name = "a\nb\x1b[31m.mp4"
    Path(name).write_bytes(BUNNY.read_bytes())
    result = run("inspect", name, "--num-frames", 2, "-o", "r.html")
    assert result.exit_code == 0
    assert "a\\nb\\x1b[31m.mp4" in result.stdout.splitlines()[0]


@pytest.mark.parametrize("name", ["clip.mp4", "none.mp4"])
def test_a_terminal_shows_how_far_the_video_is(name, monkeypatch):
    Path("clip.mp4").write_bytes(BUNNY.read_bytes())
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, width=100)
    monkeypatch.setattr(inspecting, "Console", lambda **_: console)
    monkeypatch.setattr(bars, "_INTERVAL_S", 0.0)
    result = run("inspect", name, "-o", "report.html")
    assert result.exit_code == (0 if name == "clip.mp4" else 1)
    assert name in terminal.getvalue()
    # All of the video is done when the bar is removed, and the cursor is shown again.
    assert ("0:05 of 0:05" in terminal.getvalue()) == (name == "clip.mp4")
    assert "\x1b[?25h" in terminal.getvalue()


def test_no_bar_beside_json_or_in_a_pipe(monkeypatch):
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True)
    # Undone alone: the fixture's change of folder must last.
    with monkeypatch.context() as patched:
        patched.setattr(inspecting, "Console", lambda **_: console)
        assert run("inspect", BUNNY, "--json").exit_code == 0
    assert terminal.getvalue() == ""
    assert run("inspect", BUNNY, "--num-frames", 2, "-o", "r.html").stderr == ""


def test_the_demo_needs_no_video():
    result = run("demo")
    assert result.exit_code == 0, result.output
    assert str(Path("demo-out/report.html").resolve()) in result.stdout
    assert files() == ["report.html"]


def test_ctrl_c_while_the_report_is_written(monkeypatch):
    save = VideoInspection.save

    def interrupted(self, path):
        signal.raise_signal(signal.SIGINT)
        return save(self, path)

    monkeypatch.setattr(VideoInspection, "save", interrupted)
    result = run("inspect", BUNNY, "-o", "report.html", "--num-frames", 2)
    assert (result.exit_code, result.stdout) == (130, "")
