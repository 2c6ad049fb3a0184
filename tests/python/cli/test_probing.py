"""Test the command ``keye-vl-rs probe``."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from keye_vl_rs import preprocess_video, probe_video
from keye_vl_rs.cli import app, probing
from keye_vl_rs.errors import InvalidArgumentError
from support.cli import errors_of, lines, made

pytestmark = pytest.mark.one_level


def probe(*arguments):
    return CliRunner().invoke(app, ["probe", *map(str, arguments)])


def row_of(result, name):
    """Return the cells of a video's row."""
    (line,) = [line for line in result.stdout.splitlines() if line.split()[:1] == [name]]
    return line.split()


def test_table(videos):
    result = probe("a.mp4", "--fps", 4)
    assert result.exit_code == 0
    expected = probe_video("a.mp4", fps=4)
    cells = row_of(result, "a.mp4")
    for value in ("160x120", "h264", "30", expected.sampled_frames, expected.max_tokens):
        assert str(value) in cells
    assert made() == []


def test_json_has_the_fields_of_a_probe(videos):
    result = probe("deep", "a.mp4", "missing.mp4", "--json", "--fps", 4)
    assert result.exit_code == 1
    found = {Path(line["source"]).name: line for line in lines(result)}
    assert set(found) == {"a.mp4", "b.mp4", "c.MKV", "missing.mp4"}
    inputs = preprocess_video("a.mp4", fps=4)
    about = found["a.mp4"]
    assert about["size"] == list(inputs.size)
    assert about["total_frames"] == inputs.total_frames
    assert about["sampled_frames"] == len(inputs.frame_types)
    assert about["min_tokens"] <= inputs.tokens <= about["max_tokens"]
    assert about["tokens"] in (inputs.tokens, None)
    assert found["missing.mp4"]["error_type"] == "MediaNotFoundError"


def test_totals_of_folders(videos):
    result = probe("deep", "other", "a.mp4")
    one = probe_video("a.mp4")
    for title, count in (("total of deep", 2), ("total of other", 1), ("total", 4)):
        (line,) = [one for one in result.stdout.splitlines() if f" {title} (" in one]
        assert f"{title} ({count} video" in line
        assert f"{count * one.max_tokens:,}" in line.split()


def test_what_would_fail(videos):
    Path("empty.mp4").touch()
    Path("text.mp4").write_text("no video\n" * 99)
    data = Path("deep/er/c.MKV").read_bytes()
    Path("cut.mkv").write_bytes(data[: len(data) // 2])
    result = probe("empty.mp4", "missing.mp4", "a.mp4", "text.mp4", "cut.mkv")
    assert result.exit_code == 1
    errors = errors_of(result)
    assert len(errors) == 4
    for name in ("empty.mp4", "missing.mp4", "text.mp4", "cut.mkv"):
        assert sum(name in line for line in errors) == 1, name
    assert row_of(result, "a.mp4")
    assert "set on_error" not in result.stderr


def test_damaged_videos_that_preprocess_would_keep(videos):
    cut = Path("a.mp4").read_bytes()
    Path("whole.ts").write_bytes(cut)
    from support.clips import Clip

    data = Clip("long.mkv", count=60).write(Path()).read_bytes()
    Path("long.mkv").write_bytes(data[: len(data) * 2 // 3])
    assert probe("long.mkv").exit_code == 1
    result = probe("long.mkv", "--on-error", "partial")
    assert result.exit_code == 0
    assert "is truncated" in result.stderr
    assert "damaged" in row_of(result, "long.mkv")


@pytest.mark.parametrize(
    "arguments",
    [["--fps", 0], ["--num-frames", 0], ["--video-start", 2, "--video-end", 1], ["--dtype", "int"]],
    ids=str,
)
def test_wrong_usage(arguments, videos):
    result = probe("a.mp4", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_wrong_limit_is_reported_once_as_wrong_usage(videos, monkeypatch):
    """``main`` prints the error and exits with 2, as for the other commands."""
    monkeypatch.setenv("KEYE_VL_RS_MAX_FRAMES", "many")
    result = probe(videos, videos)
    assert isinstance(result.exception, InvalidArgumentError)
    assert result.output == ""


def test_options_reach_the_probe(videos):
    result = probe(
        *("a.mp4", "--json", "--num-frames", 20, "--max-pixels", 90_000, "--min-pixels", 50_000),
        *("--total-pixels", 10**6, "--video-start", 0.1, "--video-end", 1, "--dtype", "bfloat16"),
    )
    (line,) = lines(result)
    expected = probe_video(
        "a.mp4",
        num_frames=20,
        max_pixels=90_000,
        min_pixels=50_000,
        total_pixels=10**6,
        video_start=0.1,
        video_end=1,
        dtype="bfloat16",
    )
    assert line["indices"] == list(expected.indices)
    assert (line["min_bytes"], line["max_bytes"]) == (expected.min_bytes, expected.max_bytes)


def test_names_of_any_kind(videos):
    name = "[red]\n\x1b[31m.mp4"
    Path(name).write_bytes(Path("a.mp4").read_bytes())
    result = probe(name)
    assert result.exit_code == 0
    assert "[red]\\n\\x1b[31m.mp4" in result.stdout


def test_stopped_runs(videos, monkeypatch):
    def stop(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGINT)
        return probe_video(*args, **kwargs)

    monkeypatch.setattr(probing, "probe_video", stop)
    result = probe("a.mp4")
    assert result.exit_code == 130
    assert "error" not in result.stderr
