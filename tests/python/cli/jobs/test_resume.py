"""What the command line does not do again, and what it does."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import safetensors.torch
import torch

import keye_vl_rs
from keye_vl_rs.cli.jobs import resume as batch_made
from keye_vl_rs.cli.jobs.tensors_file import write_tensors
from support.cli import (
    call_before,
    copies,
    errors_of,
    leftovers,
    lines,
    load,
    made,
    results,
    run,
)
from support.http_server import serve

pytestmark = pytest.mark.one_level


@pytest.fixture
def done(videos, monkeypatch):
    """Two videos that were done, and a function that does them again and tells which it did."""
    assert run("a.mp4", "deep/b.mp4", "-o", "out").exit_code == 0

    def again(*options, videos=("a.mp4", "deep/b.mp4")):
        names = []
        with monkeypatch.context() as patch:
            call_before(patch, lambda name, given: names.append(name))
            result = run(*videos, "-o", "out", *options)
        assert result.exit_code == 0, result.output
        assert leftovers() == []
        again.result = result
        return sorted(names)

    return again


def versions(folder="out"):
    """What changes of files when they are replaced: a number alone may be another file's next."""
    found = {path.name: path.stat() for path in Path(folder).iterdir()}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


def test_what_is_done_is_skipped(done):
    before = versions()
    assert done() == []
    assert versions() == before
    table = done.result.stdout
    assert [line.split()[-1] for line in table.splitlines() if ".mp4 " in line] == ["skipped"] * 2
    assert "skipped 2 .safetensors files, made before: --overwrite makes it again" in table


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
    # Nothing in a file tells when it was made.
    assert {name: Path("out", name).read_bytes() for name in versions()} == before
    assert "note:" not in done.result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--threads", "1"),
        ("--jobs", "2"),
        ("--timeout", "100"),
        ("--buffer-mb", "1"),
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
        (("--nframes", "2"), "nframes None, now 2"),
        (("--min-pixels", "40000"), "min_pixels None, now 40000"),
        (("--max-pixels", "40000"), "max_pixels None, now 40000"),
        (("--total-pixels", "400000"), "video_total_pixels None, now 400000"),
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
    reason = f"it was made with other options ({said})"
    assert errors_of(done.result, "note") == [
        f"note: out/a.safetensors and 1 more: to be made again, for {reason}"
    ]
    assert [line["replaces"] for line in lines(done.result)] == [reason] * 2
    assert done(*options) == []
    assert "note:" not in done.result.stderr


@pytest.mark.parametrize("change", ["time", "size", "content", "place"])
def test_another_source(change, done, short):
    reason = "its video has changed since"
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
        reason = "its video was moved or copied since"
        shutil.copy2("a.mp4", "other/a.mp4")
    videos = ["other/a.mp4" if change == "place" else "a.mp4", "deep/b.mp4"]
    assert done("--json", videos=videos) == ["a.mp4"]
    assert results(done.result)["a.mp4"]["replaces"] == reason
    assert done(videos=videos) == []


def test_another_name_of_the_same_source(done):
    assert done(videos=["./deep/../a.mp4", os.path.abspath("deep/b.mp4")]) == []


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path):
    with open(path, "ab") as file:
        file.write(b"\0")


def without_names(path):
    """A file of another program."""
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
    assert results(done.result)["a.mp4"]["replaces"] == "it was not whole"
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
        "a.mp4: its result out/a.safetensors would replace a file that is no result of "
        "keye-vl-rs: choose another --output, or give --overwrite to replace it"
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
        "error: other/a.mp4: its result out/a.safetensors would replace the result of another "
        "video, a.mp4: choose another --output, or give --overwrite to replace it"
    ]
    assert versions() == before
    assert run("other/a.mp4", "-o", "out", "--overwrite").exit_code == 0
    assert load("out/a.safetensors")[1]["source"] == "other/a.mp4"


def test_an_output_of_another_version(done, monkeypatch):
    monkeypatch.setattr(batch_made, "__version__", "99.0")
    assert done() == ["a.mp4", "b.mp4"]
    assert f"it was made by version {keye_vl_rs.__version__}" in done.result.stderr


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
    assert error == f"error: {failure['error']}; out/a.safetensors is still the old result"
    assert Path("out/a.safetensors").read_bytes() == before
    assert run("a.mp4", "-o", "out").exit_code == 1


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
    # The server is gone.
    assert lines(run(address, "--json"))[0]["skipped"]
    result = run(address.replace("hidden", "other"))
    assert result.exit_code == 1
    (error,) = errors_of(result)
    assert "clip.mp4 (another query is another video): choose another --output" in error
    assert "other" not in error.replace("another", "")
    assert Path("clip.safetensors").read_bytes() == data


def test_progress_counts_what_is_skipped(videos, clip):
    copies(clip, 4)
    assert run("in/0.mp4", "in/1.mp4", "in/2.mp4").exit_code == 0
    result = run("in", FORCE_COLOR="1", TERM="xterm", COLUMNS="120")
    assert "4/4" in result.stderr


def test_the_library_reads_what_is_written(tmp_path):
    tensors = {
        "b": torch.arange(6).reshape(2, 3),
        "a": torch.rand(5, 7),
        "half": torch.rand(3).to(torch.bfloat16),
        "c": torch.rand(3).to(torch.float16),
        "empty": torch.zeros(0, 3),
        "d": torch.arange(9, dtype=torch.int32).reshape(3, 3).T,
    }
    path = tmp_path / "ours"
    with open(path, "wb") as file:
        write_tensors(file, tensors, {"format": "pt"})
    found, metadata = load(path)
    assert metadata == {"format": "pt"}
    assert set(found) == set(tensors)
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)
    header = path.read_bytes()[8:].partition(b"}}")[0] + b"}}"
    for name, one in json.loads(header).items():
        if name in tensors:
            assert one["data_offsets"][0] % tensors[name].element_size() == 0
