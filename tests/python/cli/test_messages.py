"""Test the messages of the command line, and what counts as wrong usage."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

import keye_vl_rs
from keye_vl_rs import preprocess_video
from keye_vl_rs.cli import app
from keye_vl_rs.cli.outputs import VIDEO_SUFFIXES
from support.cli import errors_of, leftovers, lines, made, run
from support.clips import Clip

pytestmark = pytest.mark.one_level


def test_json_has_one_object_a_video(videos):
    result = run("deep", "a.mp4", "missing.mp4", "--json", "--fps", 4)
    assert result.exit_code == 1
    done = {Path(line["source"]).name: line for line in lines(result)}
    assert set(done) == {"a.mp4", "b.mp4", "c.MKV", "missing.mp4"}
    inputs = preprocess_video("a.mp4", fps=4)
    about = done["a.mp4"]
    assert about["output"] == "a.safetensors"
    assert about["duration"] == 1.2
    assert about["fps"] == 25.0
    assert about["size"] == [120, 160]
    assert about["total_frames"] == 30
    assert about["sampled_frames"] == 4
    assert about["slow_frames"] + about["fast_frames"] == 4
    assert about["slow_frames"] == inputs.slow_frames
    assert (tuple(about["slow_size"]), tuple(about["fast_size"])) == (
        inputs.slow_size,
        inputs.fast_size,
    )
    assert about["tokens"] == inputs.tokens
    assert about["dtype"] == "float32"
    assert set(about["stage_seconds"]) == {"decode", "slow_fast", "patches", "write"}
    assert "no such file" in done["missing.mp4"]["error"]
    assert done["missing.mp4"]["error_type"] == "MediaNotFoundError"


def test_the_error_of_a_damaged_video_is_one_that_programs_know(videos):
    data = bytearray(Path("a.mp4").read_bytes())
    at = data.index(b"mdat")
    data[at + 2000 : at + 2400] = bytes(400)
    Path("damaged.mp4").write_bytes(data)
    result = run("damaged.mp4", "--fps", 25, "--json")
    (line,) = lines(result)
    assert line["error_type"] == "DecodeError"
    assert line["error"].endswith("use --on-error conceal")
    assert "on_error=" not in line["error"]


def test_the_source_of_an_error_is_what_was_given(videos):
    Path("empty: one.mp4").touch()
    result = run("no: such.mp4", "empty: one.mp4", "--json")
    assert [line["source"] for line in lines(result)] == ["no: such.mp4", "empty: one.mp4"]


def test_bad_files_are_one_line_each_and_the_others_are_done(videos):
    Path("empty.mp4").touch()
    Path("text.mp4").write_text("no video\n" * 99)
    Path("hollow").mkdir()
    result = run("empty.mp4", "missing.mp4", "a.mp4", "text.mp4", "hollow", "deep")
    assert result.exit_code == 1
    errors = errors_of(result)
    assert len(errors) == 4 == len(result.stderr.splitlines())
    for name in ("empty.mp4", "missing.mp4", "text.mp4", "hollow"):
        assert sum(name in line for line in errors) == 1, name
    assert made() == ["a.safetensors", "deep/b.safetensors", "deep/er/c.MKV.safetensors"]
    assert leftovers() == []


def test_all_failed(videos):
    result = run("missing.mp4")
    assert (result.exit_code, result.stdout) == (1, "")
    assert errors_of(result) == ["error: missing.mp4: no such file or folder"]


def test_an_option_that_fits_one_video_alone(videos, tmp_path):
    Clip("long.mp4", count=60).write(tmp_path)
    result = run("a.mp4", "long.mp4", "--num-frames", 40)
    assert result.exit_code == 1
    assert len(errors_of(result)) == 1
    assert "num_frames is 40" in errors_of(result)[0]
    assert made() == ["long.safetensors"]


def test_the_table_has_a_row_a_video(videos):
    result = run("a.mp4", "deep")
    assert result.exit_code == 0
    for name in ("a.mp4", "deep/b.mp4", "deep/er/c.MKV"):
        assert sum(f" {name} " in line for line in result.stdout.splitlines()) == 1
    assert "160x120" in result.stdout
    assert "1.20 s" in result.stdout


@pytest.mark.parametrize(
    "name", ["[x].mp4", "[bold]b[/bold].mp4".replace("/", "_"), "[red]é ü.mp4"]
)
def test_the_table_shows_names_with_brackets(name, videos):
    shutil.copy("a.mp4", name)
    result = run(name)
    assert result.exit_code == 0
    assert name in result.stdout


def test_the_table_tells_videos_of_one_name_apart(videos):
    result = run("a.mp4", "other/a.mp4")
    rows = [line.split()[0] for line in result.stdout.splitlines() if ".mp4 " in line]
    assert rows == ["a.mp4", "other/a.mp4"]


def test_names_of_more_than_one_line(videos):
    names = ["two\nlines.mp4", "red\x1b[31m.mp4", "wide 視頻.mp4"]
    for name in names:
        shutil.copy("a.mp4", name)
    Path("no\nvideo.mp4").write_text("none")
    result = run(*names, "no\nvideo.mp4")
    assert result.exit_code == 1
    assert len(errors_of(result)) == 1 == len(result.stderr.splitlines())
    assert errors_of(result)[0].startswith(r"error: no\nvideo.mp4 is ")
    rows = [line for line in result.stdout.splitlines() if ".mp4 " in line]
    assert [line.split("  ")[1].strip() for line in rows] == [
        r"two\nlines.mp4",
        r"red\x1b[31m.mp4",
        "wide 視頻.mp4",
    ]
    assert len({cell_len(line.rstrip()) for line in rows}) == 1


def test_warnings_of_the_log_say_that_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    times = [round(1000 * n / 60) + (18_000 if n >= 60 else 0) for n in range(120)]
    Clip("hollow.mkv", count=120, pts=times, rate=Fraction(60)).write(tmp_path)
    result = run("hollow.mkv")
    assert result.exit_code == 0
    (warning,) = result.stderr.splitlines()
    assert warning.startswith(
        "warning: hollow.mkv states 60 frames per second, but its 120 frames are presented at "
    )
    assert warning.endswith(" per second; using the latter")


def test_an_error_shows_names_with_brackets(videos):
    assert "error: [x] [red].mp4: " in errors_of(run("[x] [red].mp4"))[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ["preprocess"],
        ["preprocess", "a.mp4", "--fps", "0"],
        ["preprocess", "a.mp4", "--fps", "-1"],
        ["preprocess", "a.mp4", "--fps", "nan"],
        ["preprocess", "a.mp4", "--fps", "inf"],
        ["preprocess", "a.mp4", "--fps", "two"],
        ["preprocess", "a.mp4", "--num-frames", "0"],
        ["preprocess", "a.mp4", "--num-frames", "1.5"],
        ["preprocess", "a.mp4", "--max-frames", "0"],
        ["preprocess", "a.mp4", "--min-pixels", "0"],
        ["preprocess", "a.mp4", "--max-pixels", "-3"],
        ["preprocess", "a.mp4", "--total-pixels", "0"],
        ["preprocess", "a.mp4", "--min-frame-similarity", "nan"],
        ["preprocess", "a.mp4", "--min-pixels", "50000", "--max-pixels", "40000"],
        ["probe", "a.mp4", "--min-pixels", "50000", "--max-pixels", "40000"],
        ["inspect", "a.mp4", "--min-pixels", "50000", "--max-pixels", "40000"],
        ["preprocess", "a.mp4", "--dtype", "float64"],
        ["preprocess", "a.mp4", "--unknown"],
        ["preprocess", "a.mp4", "-o"],
        ["nonsense"],
        ["--nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(arguments, videos):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert made() == []


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["preprocess", "--help"]])
def test_help(arguments):
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "preprocess" in result.stdout
    if arguments[0] == "preprocess":
        for option in ("--output", "--fps", "--num-frames", "--max-frames", "--dtype", "--json"):
            assert option in result.stdout
        # Without the lines of its boxes and columns.
        words = " ".join(result.stdout.replace("\u2502", " ").split())
        for text in (*VIDEO_SUFFIXES, "[height, width]", "error_type", "not written by keye-vl-rs"):
            assert text in words, text


@pytest.mark.parametrize(
    ("name", "value"), [("KEYE_VL_RS_MAX_FRAMES", "many"), ("KEYE_VL_RS_SIMD", "sse9")]
)
def test_a_wrong_environment_variable_is_reported_once(name, value, videos):
    """In a process of its own, since the second one is read once per process."""
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from keye_vl_rs.cli import main; main()"),
            *("preprocess", "a.mp4", "deep"),
        ],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {name} is ")
    assert value in line
    assert not Path("a.safetensors").exists()


def test_version():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"keye-vl-rs {keye_vl_rs.__version__} (")


@pytest.mark.parametrize(
    ("similarity", "message"),
    [
        ("90", "is 90, not a share from 0 to 1, so every frame is slow; for 90% give 0.9"),
        ("1.1", "is 1.1, not a share from 0 to 1, so every frame is slow"),
        ("-1", "is -1, not a share from 0 to 1, so only the first frame is slow"),
    ],
)
def test_a_similarity_that_is_no_share_gives_a_warning(videos, similarity, message):
    result = run("a.mp4", "--min-frame-similarity", similarity, "--json")
    assert result.exit_code == 0
    assert f"warning: --min-frame-similarity {message}" in result.stderr.splitlines()
    (line,) = lines(result)
    assert line["slow_frames"] == (1 if similarity == "-1" else line["sampled_frames"])


@pytest.mark.parametrize("similarity", ["0", "0.5", "1"])
def test_a_similarity_that_is_a_share_gives_none(videos, similarity):
    result = run("a.mp4", "--min-frame-similarity", similarity, "--json")
    assert "warning" not in result.stderr
