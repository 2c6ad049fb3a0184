"""Test which outputs the command line skips, and which it recomputes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from support.cli import copies, errors_of, lines, load, made, results, run, versions
from support.http_server import serve

pytestmark = pytest.mark.one_level


def test_what_is_done_is_skipped(done):
    before = versions()
    assert done() == []
    assert versions() == before
    table = done.result.stdout
    assert [line.split()[-1] for line in table.splitlines() if ".mp4 " in line] == ["skipped"] * 2
    assert "skipped 2 .safetensors files, up to date (--overwrite recomputes)" in table


def test_nothing_is_imported_to_skip(done, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    assert done() == []


def test_objects_of_what_was_skipped(videos):
    first, second = (lines(run("a.mp4", "--json"))[0] for _ in range(2))
    assert (first.pop("skipped"), second.pop("skipped")) == (False, True)
    assert first.pop("stage_seconds") != second.pop("stage_seconds")
    assert first == second


def test_what_is_missing_is_done(done):
    Path("out/a.safetensors").unlink()
    assert done() == ["a.mp4"]
    assert "wrote out/a.safetensors; skipped out/b.safetensors" in done.result.stdout
    shutil.copy("a.mp4", "new.mp4")
    assert done(videos=["new.mp4", "a.mp4"]) == ["new.mp4"]


def test_everything_is_done_again_if_it_is_asked_for(done):
    before = {name: Path("out", name).read_bytes() for name in versions()}
    versions_before = versions()
    assert done("--overwrite") == ["a.mp4", "b.mp4"]
    assert not versions().items() & versions_before.items()
    # Nothing in a file depends on when it was written.
    assert {name: Path("out", name).read_bytes() for name in versions()} == before
    assert "note:" not in done.result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--threads", "1"),
        ("--jobs", "2"),
        ("--timeout", "100"),
        ("--buffer-mib", "1"),
        ("--on-error", "partial"),
        ("--fps", "2"),
        ("--json",),
    ],
    ids=" ".join,
)
def test_options_that_change_no_result(options, done, monkeypatch):
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "2")
    assert done(*options) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fps", "3"), "fps 2.0, now 3.0"),
        (("--max-frames", "2"), "max_frames None, now 2"),
        (("--num-frames", "2"), "num_frames None, now 2"),
        (("--min-pixels", "40000"), "min_pixels None, now 40000"),
        (("--max-pixels", "40000"), "max_pixels None, now 40000"),
        (("--total-pixels", "400000"), "total_pixels None, now 400000"),
        (("--min-frame-similarity", "0.5"), "min_frame_similarity 0.9, now 0.5"),
        (("--video-start", "0"), "video_start None, now 0.0"),
        (("--video-end", "1"), "video_end None, now 1.0"),
        (("--dtype", "float16"), "dtype float32, now float16"),
        (("--fps", "3", "--dtype", "float16"), "dtype float32, now float16; fps 2.0, now 3.0"),
    ],
    ids=str,
)
def test_options_that_change_results(options, said, done):
    assert done(*options, "--json") == ["a.mp4", "b.mp4"]
    reason = f"the options have changed ({said})"
    assert errors_of(done.result, "note") == [
        f"note: out/a.safetensors and 1 more will be recomputed: {reason}"
    ]
    assert [line["replaces"] for line in lines(done.result)] == [reason] * 2
    assert done(*options) == []
    assert "note:" not in done.result.stderr


@pytest.mark.parametrize("change", ["time", "size", "content", "place"])
def test_another_source(change, done, short):
    reason = "the video has changed"
    if change == "time":
        os.utime("a.mp4", ns=(0, os.stat("a.mp4").st_mtime_ns + 1))
    elif change == "size":
        before = os.stat("a.mp4").st_mtime_ns
        with open("a.mp4", "ab") as file:
            file.write(b"\0\0\0\x08free")
        os.utime("a.mp4", ns=(0, before))
    elif change == "content":
        shutil.copy(short, "a.mp4")
    else:
        reason = "the video was moved or copied"
        shutil.copy2("a.mp4", "other/a.mp4")
    videos = ["other/a.mp4" if change == "place" else "a.mp4", "deep/b.mp4"]
    assert done("--json", videos=videos) == ["a.mp4"]
    assert results(done.result)["a.mp4"]["replaces"] == reason
    assert done(videos=videos) == []


def test_another_name_of_the_same_source(done):
    assert done(videos=["./deep/../a.mp4", os.path.abspath("deep/b.mp4")]) == []


def test_an_address(clip, tmp_path, monkeypatch):
    monkeypatch.setenv("KEYE_VL_RS_ALLOW_PRIVATE_ADDRESSES", "1")
    monkeypatch.chdir(tmp_path)
    with serve(clip.read_bytes()) as server:
        address = f"http://user:secret@127.0.0.1:{server.server_port}/clip.mp4?token=hidden"
        assert run(address).exit_code == 0
    assert made() == ["clip.safetensors"]
    data = Path("clip.safetensors").read_bytes()
    assert b"secret" not in data
    assert b"hidden" not in data
    assert load("clip.safetensors")[1]["source"].endswith(f"{server.server_port}/clip.mp4")
    # The server has stopped.
    assert lines(run(address, "--json"))[0]["skipped"]
    result = run(address.replace("hidden", "other"))
    assert result.exit_code == 1
    (error,) = errors_of(result)
    text = (
        "clip.mp4 (URLs that differ in their query are different videos): choose another --output"
    )
    assert text in error
    assert "other" not in error.replace("another", "")
    assert Path("clip.safetensors").read_bytes() == data


def test_progress_counts_what_is_skipped(videos, clip):
    copies(clip, 4)
    assert run("in/0.mp4", "in/1.mp4", "in/2.mp4").exit_code == 0
    result = run("in", FORCE_COLOR="1", TERM="xterm", COLUMNS="120")
    assert "4/4" in result.stderr
