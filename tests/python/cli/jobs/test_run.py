"""Test that the command line processes several videos at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import warnings
import weakref
from pathlib import Path

import pytest

from keye_vl_rs import _core, preprocess_video
from keye_vl_rs._decoding.rgb import RgbConverter
from keye_vl_rs.cli.jobs import run as batch_run
from keye_vl_rs.errors import PartialVideoWarning
from support.cli import call_before, copies, errors_of, lines, load, made, results, run
from support.clips import Clip
from support.tensors import assert_bits

pytestmark = pytest.mark.one_level

# A test that waits longer has failed; nothing here takes that long.
PATIENCE_S = 20
VARIABLE = "KEYE_VL_UTILS_PARALLEL_NUM"


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    """Set two threads, as on two cores, and restore what a run with --threads sets."""
    monkeypatch.setenv(VARIABLE, "2")


@pytest.fixture
def six(videos, clip):
    return copies(clip, 6)


@pytest.fixture(scope="session")
def cut(folder):
    """Return half of a video whose index is at the front."""
    clip = Clip(
        "front.mp4",
        options={"x264-params": "keyint=15"},
        format_options={"movflags": "faststart"},
    )
    whole = clip.write(folder).read_bytes()
    path = folder / "half.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    return path


def test_two_are_in_flight_at_once(six, monkeypatch):
    """Each job waits until another one is in flight."""
    both = threading.Barrier(2)
    call_before(monkeypatch, lambda name, options: both.wait(PATIENCE_S))
    result = run("in", "--json")
    assert (result.exit_code, len(lines(result))) == (0, 6), result.output


def test_results_are_those_of_one_after_the_other(six):
    assert run("in", "-o", "many", "--jobs", 3, "--threads", 3).exit_code == 0
    assert run("in", "-o", "one", "--jobs", 1).exit_code == 0
    assert made("many") == made("one") == [f"{number}.safetensors" for number in range(6)]
    for name in made("one"):
        assert Path("many", name).read_bytes() == Path("one", name).read_bytes()


def test_no_more_are_in_flight_than_jobs(six, monkeypatch):
    """Tensors that are being written, or were not freed, count too."""
    lock, alive, most = threading.Lock(), weakref.WeakSet(), []

    def preprocess(source, **options):
        inputs = preprocess_video(source, **options)
        with lock:
            alive.add(inputs.pixel_values_videos)
            most.append(len(alive))
        return inputs

    monkeypatch.setattr(batch_run, "preprocess_video", preprocess)
    assert run("in", "--jobs", 2).exit_code == 0
    assert len(most) == 6
    assert max(most) <= 2


def test_an_error_frees_what_it_was_about(six, monkeypatch):
    alive, most = weakref.WeakSet(), []

    def preprocess(source, **options):
        inputs = preprocess_video(source, **options)
        most.append(len(alive))
        alive.add(inputs.pixel_values_videos)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(batch_run, "preprocess_video", preprocess)
    result = run("in", "--jobs", 1)
    assert (result.exit_code, len(errors_of(result))) == (1, 6)
    # The last one may still be in the event being reported.
    assert max(most) <= 1


@pytest.mark.parametrize(
    ("options", "count", "expected"),
    [([], 6, (1, 2)), ([], 1, (None, 2)), (["--threads", 6, "--jobs", 3], 6, (2, 6))],
)
def test_the_core_and_the_decoders_get_their_threads(options, count, expected, six, monkeypatch):
    seen = set()
    call_before(monkeypatch, lambda name, given: seen.add((given["threads"], _core.thread_count())))
    assert run(*six[:count], *options).exit_code == 0
    assert seen == {expected}


def test_json_comes_as_videos_are_done(six, monkeypatch):
    """The first video waits until another one has been written."""

    def wait(name, options):
        if name == "0.mp4":
            for _ in range(PATIENCE_S * 100):
                if made("in"):
                    return
                threading.Event().wait(0.01)

    call_before(monkeypatch, wait)
    names = [Path(line["source"]).name for line in lines(run("in", "--json"))]
    assert sorted(names) == [f"{number}.mp4" for number in range(6)]
    assert names[0] == "1.mp4"
    result = run("in", "--overwrite")
    rows = [Path(line.split()[0]).name for line in result.stdout.splitlines() if ".mp4 " in line]
    assert rows == sorted(names)


def test_the_largest_are_begun_first(six, monkeypatch):
    begun = []
    call_before(monkeypatch, lambda name, options: begun.append(name))
    shutil.copy(six[0], "in/9.mp4")
    assert run(*six[::-1], "in/9.mp4", "--jobs", 2).exit_code == 0
    assert set(begun[:2]) == {"0.mp4", "9.mp4"}
    del begun[:]
    assert run(*six[::-1], "--jobs", 1, "--overwrite").exit_code == 0
    assert begun == [Path(name).name for name in six[::-1]]


def test_bad_ones_cost_the_others_nothing(six, cut):
    shutil.copy(cut, "in/cut.mp4")
    Path("in/text.mp4").write_text("no video")
    result = run("in", "missing.mp4", "--json")
    assert result.exit_code == 1
    assert {name for name, line in results(result).items() if "error" in line} == {
        "cut.mp4",
        "text.mp4",
        "missing.mp4",
    }
    assert len(made("in")) == 6


def test_partial_results_are_marked(six, cut, monkeypatch):
    """Each of two jobs collects its own warnings; other warnings are still shown."""
    both = threading.Barrier(2)

    def act(name, options):
        if options["on_error"] == "partial":
            both.wait(PATIENCE_S)
            warnings.warn(f"{name} is fine", UserWarning, stacklevel=1)
        if name == "0.mp4":
            warnings.warn("of something else", PartialVideoWarning, stacklevel=1)

    for name in ("x.mp4", "y.mp4"):
        shutil.copy(cut, f"in/{name}")
    call_before(monkeypatch, act)
    with pytest.warns(UserWarning, match="is fine"):
        result = run("in", "--on-error", "partial", "--json")
    assert result.exit_code == 0, result.output
    partial = {name: line["partial"] for name, line in results(result).items()}
    assert partial.pop("0.mp4") == "of something else"
    for name in ("x.mp4", "y.mp4"):
        text = partial.pop(name)
        assert text.startswith(f"in/{name} is truncated")
        assert load(f"in/{name[0]}.safetensors")[1]["partial"] == text
        assert f"warning: {text}" in result.stderr
    assert set(partial.values()) == {None}
    assert "partial" not in load("in/1.safetensors")[1]
    # All finished videos are skipped.
    table = run("in", "--on-error", "partial").stdout
    assert sum("skipped, partial" in line for line in table.splitlines()) == 3
    # With --on-error raise, partial outputs are outdated: the videos run again, and fail.
    result = run("in", "--json")
    assert {name for name, line in results(result).items() if "error" in line} == {"x.mp4", "y.mp4"}


def test_a_time_limit_is_of_each_video(six, monkeypatch):
    convert = RgbConverter.convert

    def slowly(self, frame):
        threading.Event().wait(0.2)
        return convert(self, frame)

    monkeypatch.setattr(RgbConverter, "convert", slowly)
    result = run(*six[:2], "--timeout", 0.1, "--jobs", 1)
    assert result.exit_code == 1
    assert [line.count("timed out after 0.1 s") for line in errors_of(result)] == [1, 1]


def test_further_options_arrive(videos, short):
    options = ["--video-start", 0.5, "--video-end", 1.5, "--buffer-mib", 0]
    assert run(short, *options, "-o", "x.safetensors").exit_code == 0
    inputs = preprocess_video(short, video_start=0.5, video_end=1.5)
    for name, tensor in load("x.safetensors")[0].items():
        assert_bits(tensor, getattr(inputs, name))


def test_progress_shows_names_and_numbers(six, monkeypatch):
    # The progress bars are redrawn ten times a second; wait for that.
    call_before(monkeypatch, lambda name, options: threading.Event().wait(0.15))
    result = run("in", "[x].mp4", FORCE_COLOR="1", TERM="xterm", COLUMNS="120")
    assert "6/6" in result.stderr
    # Two videos in flight have their bars below each other.
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", result.stderr)
    assert re.search(r" 0\.mp4 *\n[^\n]* 1\.mp4", plain)
    assert result.stderr.count("[x].mp4") == 1
    assert run("in", "--json", FORCE_COLOR="1", TERM="xterm").stderr == ""


def test_objects_have_one_shape(six):
    """Processed and skipped videos have the same fields."""
    first, second = results(run("in", "--json")), results(run("in", "--json"))
    for name, line in first.items():
        other = second[name]
        assert list(line) == list(other)
        assert json.dumps(line["stage_seconds"]).count(".") == 4
        assert set(other["stage_seconds"].values()) == {0.0}
    assert os.environ[VARIABLE] == "2"
