"""Test preprocessing many videos: order, failures, memory, cancellation and arguments."""

from __future__ import annotations

import gc
import threading
import warnings
import weakref

import pytest

from keye_vl_rs import Progress, preprocess_video, preprocess_videos
from keye_vl_rs._decoding.rgb import RgbConverter
from keye_vl_rs._preprocess import VideoCall
from keye_vl_rs.errors import (
    CancelledError,
    MediaNotFoundError,
    PartialVideoWarning,
    UnreadableMediaError,
)
from support.clips import Clip
from support.tensors import assert_bits

pytestmark = pytest.mark.one_level

PATIENCE_S = 20


def job_threads():
    return [one for one in threading.enumerate() if one.name.startswith("keye-vl-rs job")]


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "2")
    yield
    assert job_threads() == []


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("batch")
    return [Clip(f"{n}.mp4", count=10 + 10 * n).write(folder) for n in range(4)]


RUN = VideoCall.run


def assert_same(inputs, expected):
    assert_bits(inputs.pixel_values_videos, expected.pixel_values_videos)
    assert_bits(inputs.timestamps, expected.timestamps)
    assert inputs.frame_types.tolist() == expected.frame_types.tolist()
    assert inputs.video_grid_thw.tolist() == expected.video_grid_thw.tolist()


@pytest.mark.parametrize("workers", [None, 1, 3])
@pytest.mark.parametrize("ordered", [True, False])
def test_results_are_those_of_single_calls(workers, ordered, paths):
    results = list(preprocess_videos(paths, workers=workers, ordered=ordered, fps=5))
    if ordered:
        assert [one.index for one in results] == [0, 1, 2, 3]
    assert sorted(one.index for one in results) == [0, 1, 2, 3]
    for one in results:
        assert one.error is None
        assert one.source is paths[one.index]
        assert_same(one.inputs, preprocess_video(one.source, fps=5))


def test_sources_may_be_an_endless_iterator(paths):
    taken = []

    def endless():
        while True:
            taken.append(None)
            yield paths[len(taken) % 2]

    results = preprocess_videos(endless(), workers=2)
    assert [next(results).index for _ in range(5)] == [0, 1, 2, 3, 4]
    assert len(taken) <= 5 + 3
    results.close()
    assert job_threads() == []


def test_nothing_is_begun_before_it_is_asked_for(paths):
    taken = []
    results = preprocess_videos(taken.append(one) or one for one in paths)
    assert (taken, job_threads()) == ([], [])
    results.close()


def test_a_failure_does_not_end_the_others(paths):
    sources = [paths[0], "missing.mp4", b"no video", paths[1]]
    results = list(preprocess_videos(sources))
    assert [type(one.error) for one in results] == [
        type(None),
        MediaNotFoundError,
        UnreadableMediaError,
        type(None),
    ]
    assert [one.inputs is None for one in results] == [False, True, True, False]
    assert "missing.mp4" in str(results[1].error)


def test_a_failure_may_end_the_batch(paths):
    results = preprocess_videos([paths[0], "missing.mp4", *paths], errors="raise")
    assert next(results).index == 0
    with pytest.raises(MediaNotFoundError, match=r"missing\.mp4: no such file"):
        next(results)
    assert job_threads() == []
    assert list(results) == []


def test_errors_that_are_kept_hold_no_tensors(paths, monkeypatch):
    alive = weakref.WeakSet()

    def preprocess(self, source, **options):
        inputs = RUN(self, source, **options)
        alive.add(inputs.pixel_values_videos)
        try:
            raise LookupError("inner")
        except LookupError as error:
            raise ValueError("outer") from error

    monkeypatch.setattr(VideoCall, "run", preprocess)
    results = list(preprocess_videos(paths, workers=1))
    gc.collect()
    assert [str(one.error) for one in results] == ["outer"] * 4
    assert results[0].error.__traceback__ is not None
    assert len(alive) == 0


@pytest.mark.parametrize("ordered", [True, False])
def test_memory_is_bounded_for_a_slow_caller(ordered, paths, monkeypatch):
    alive, most = weakref.WeakSet(), []

    def preprocess(self, source, **options):
        inputs = RUN(self, source, **options)
        alive.add(inputs.pixel_values_videos)
        most.append(len(alive))
        return inputs

    monkeypatch.setattr(VideoCall, "run", preprocess)
    for one in preprocess_videos(paths * 3, workers=1, ordered=ordered):
        assert one.inputs is not None
        threading.Event().wait(0.05)
        del one
    assert len(most) == 12
    assert max(most) <= 2


def slow_down(monkeypatch, entered):
    """Make each frame take a while, and tell when a video is being decoded."""
    convert = RgbConverter.convert

    def slowly(self, frame):
        entered.release()
        threading.Event().wait(0.05)
        return convert(self, frame)

    monkeypatch.setattr(RgbConverter, "convert", slowly)


@pytest.mark.parametrize("end", ["close", "break", "interrupt"])
def test_ending_early_cancels_what_is_in_flight(end, paths, monkeypatch, clock):
    """The videos that are left would take 20 s."""
    results = preprocess_videos([paths[0], *[paths[3]] * 10], fps=25, workers=2)
    assert next(results).index == 0
    entered = threading.Semaphore(0)
    slow_down(monkeypatch, entered)
    began = clock()
    if end == "break":
        for _ in results:
            break
        results.close()
    elif end == "interrupt":
        with pytest.raises(KeyboardInterrupt):
            results.throw(KeyboardInterrupt())
    else:
        results.close()
    assert clock() - began < 10
    assert job_threads() == []


def test_the_callers_flag_cancels_the_batch(paths, monkeypatch):
    flag, entered = threading.Event(), threading.Semaphore(0)
    slow_down(monkeypatch, entered)

    def cancel():
        assert entered.acquire(timeout=PATIENCE_S)
        flag.set()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(CancelledError, match="the batch of videos: cancelled"):
        list(preprocess_videos([paths[3]] * 10, fps=25, cancel=flag))
    thread.join()


def test_an_error_of_the_sources_ends_the_batch(paths):
    def sources():
        yield paths[0]
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        list(preprocess_videos(sources()))


def test_progress_names_the_video(paths):
    seen, lock = {}, threading.Lock()

    def progress(index, one):
        with lock:
            seen.setdefault(index, []).append(one)

    list(preprocess_videos(paths, fps=5, progress=progress))
    assert sorted(seen) == [0, 1, 2, 3]
    for index, reports in seen.items():
        assert {type(one) for one in reports} == {Progress}
        assert reports[-1].frames_done == reports[-1].frames_total == 2 + 2 * index


def test_an_error_of_progress_is_a_failure_of_its_video(paths):
    def progress(index, one):
        if index == 1:
            raise LookupError("not this one")

    results = list(preprocess_videos(paths, progress=progress))
    assert [str(one.error) for one in results if one.error] == ["not this one"]
    assert results[1].inputs is None


@pytest.mark.parametrize(
    ("given", "count", "expected"),
    [({}, 4, 1), ({}, 1, None), ({"workers": 1}, 4, None), ({"threads": 3}, 4, 3)],
)
def test_decoders_share_the_cores(given, count, expected, paths, monkeypatch):
    seen = set()

    def preprocess(self, source, **options):
        seen.add(self.threads)
        return RUN(self, source, **options)

    monkeypatch.setattr(VideoCall, "run", preprocess)
    list(preprocess_videos(paths[:count], **given))
    assert seen == {expected}


def test_warnings_are_issued(folder):
    clip = Clip("cut.mp4", options={"x264-params": "keyint=15"})
    whole = Clip(clip.name, options=clip.options, format_options={"movflags": "faststart"}).write(
        folder
    )
    half = whole.read_bytes()[: whole.stat().st_size // 2]
    with pytest.warns(PartialVideoWarning, match="is truncated"):
        (result,) = preprocess_videos([half], on_error="partial")
    assert result.inputs.damage is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error", PartialVideoWarning)
        (result,) = preprocess_videos([half], on_error="partial")
    assert type(result.error) is PartialVideoWarning
