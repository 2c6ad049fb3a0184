"""Test that frames come one by one: the right ones, marked or an error, and nothing left open."""

from __future__ import annotations

import gc
import os
import threading
import weakref

import numpy as np
import pytest
from PIL import Image

from keye_vl_rs import Limits, SampledFrame, iter_frames, preprocess_video
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    CancelledError,
    ConcealedDamageWarning,
    DecodeError,
    InvalidArgumentError,
    LimitError,
    MediaNotFoundError,
    MediaTimeoutError,
    PartialVideoWarning,
)
from support.clips import Clip, decode_all_as_rgb, every, irregular, pixels
from support.damaged_clips import H264, spoil

pytestmark = pytest.mark.one_level


@pytest.fixture(scope="module")
def damaged(folder):
    """Return a clip that is damaged in the third of four groups, since when, and intact frames."""
    good = H264.write(folder)
    target = good.with_name("frames_damaged.mp4")
    spoil(good, target)
    with pytest.raises(DecodeError) as caught:
        sample_video(target, every)
    return target, caught.value.since, decode_all_as_rgb(good)


def still_open():
    """Return the numbers of this process's decoder threads and open files."""
    names = [thread.name for thread in threading.enumerate()]
    return names.count("keye-vl-rs decoder"), len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fps": 5},
        {"num_frames": 7},
        {"num_frames": 7, "max_frames": 3},
        {"fps": 25, "video_start": 0.5, "video_end": 1.0},
        {"timestamps": "presentation", "threads": 1},
    ],
    ids=str,
)
def test_frames_are_those_that_preprocess_video_samples(options, short):
    inputs = preprocess_video(short, **options)
    found = list(iter_frames(short, **options))
    assert [frame.time for frame in found] == inputs.timestamps.tolist()
    expected = decode_all_as_rgb(short)
    for frame in found:
        np.testing.assert_array_equal(frame.pixels, expected[frame.index])
        assert frame.pixels.flags.owndata
        assert frame.pixels.flags.c_contiguous
        assert not frame.damaged


def test_every_frame_and_chosen_frames(short):
    expected = decode_all_as_rgb(short)
    found = list(iter_frames(short, fps=None))
    assert [frame.index for frame in found] == list(range(50))
    np.testing.assert_array_equal(np.stack([frame.pixels for frame in found]), expected)
    some = [frame.index for frame in iter_frames(short, fps=None, max_frames=3)]
    assert some == [0, 24, 49]
    wanted = np.array([3, 3, 40])
    chosen = list(iter_frames(short, indices=wanted))
    assert [frame.index for frame in chosen] == [3, 3, 40]
    chosen[0].pixels[:] = 0
    np.testing.assert_array_equal(chosen[1].pixels, expected[3])
    np.testing.assert_array_equal(chosen[2].pixels, expected[40])


def test_variable_frame_rate(folder):
    path = Clip("frames_vfr.mkv", count=30, pts=irregular(30)).write(folder)
    inputs = preprocess_video(path, fps=25, timestamps="presentation")
    found = iter_frames(path, fps=25, timestamps="presentation")
    assert [frame.time for frame in found] == inputs.timestamps.tolist()


def test_lists_of_frames(png):
    frames = [Image.new("RGB", (60, 40), (n, 0, 0)) for n in range(5)]
    found = list(iter_frames([*frames, {"image": str(png)}], fps=2, num_frames=3))
    assert [frame.index for frame in found] == [0, 2, 5]
    assert [frame.time for frame in found] == [0.0, 1.0, 2.5]
    assert [frame.pixels.shape for frame in found] == [(40, 60, 3), (40, 60, 3), (50, 60, 3)]
    assert found[1].pixels[0, 0].tolist() == [2, 0, 0]
    assert [one.index for one in iter_frames(frames, indices=[1, 4])] == [1, 4]
    with pytest.raises(InvalidArgumentError, match="fps is None"):
        iter_frames(frames, fps=None)
    with pytest.raises(MediaNotFoundError, match="frame 1: "):
        list(iter_frames([frames[0], "/no/such.png"]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fps": 0}, "fps is 0"),
        ({"num_frames": 51}, "num_frames is 51: expected at most 50"),
        ({"num_frames": 1.5}, "num_frames is 1.5"),
        ({"fps": None, "max_frames": 0}, "max_frames is 0"),
        ({"threads": -1}, "threads is -1"),
        ({"on_error": "skip"}, "on_error is 'skip'"),
        ({"timestamps": "real"}, "timestamps is 'real'"),
        ({"indices": []}, "indices are empty"),
        ({"indices": 5}, "indices are 5: expected a sorted list of ints"),
        ({"indices": {1, 2}}, "indices are {1, 2}: expected a sorted list of ints"),
        ({"indices": [2, 1]}, r"indices\[1\] is 1, after 2"),
        ({"indices": [-1]}, r"indices\[0\] is -1"),
        ({"indices": [50]}, "indices end with 50: expected at most 49"),
        ({"indices": [1], "num_frames": 2}, "indices are given, and num_frames is 2"),
        ({"video_start": 9}, "video_start is 9"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message, short):
    with pytest.raises(InvalidArgumentError, match=message):
        list(iter_frames(short, **options))


def test_limits_hold_for_frames_only(short):
    limits = Limits(sampled_pixels=160 * 120 * 4)
    with pytest.raises(LimitError, match="sampled_pixels"):
        next(iter_frames(short, num_frames=5, limits=limits))
    with iter_frames(short, num_frames=4, limits=limits) as frames:
        next(frames)
        # The code between two frames runs under its own limits.
        assert preprocess_video(short, num_frames=5).num_frames.tolist() == [5]


def fail_in_a_block(path):
    with iter_frames(path, fps=None) as frames:
        for frame in frames:
            assert 1 / frame.index


def fail_in_a_loop(path):
    """Raise in the loop's body: the end of the loop's iterator is the end of the iteration."""
    for frame in iter_frames(path, fps=None):
        assert 1 / frame.index


def test_an_iteration_that_ends_early_leaves_nothing_open(short):
    list(iter_frames(short, fps=None))
    gc.collect()
    gc.disable()
    try:
        before = still_open()
        frames = iter_frames(short, fps=None)
        next(frames)
        assert still_open() > before
        frames.close()
        assert still_open() == before
        assert list(frames) == []
        with pytest.raises(ZeroDivisionError):
            fail_in_a_block(short)
        assert still_open() == before
        with pytest.raises(ZeroDivisionError):
            fail_in_a_loop(short)
        assert still_open() == before
        for frame in iter_frames(short, fps=None):
            if frame.index == 3:
                break
        assert still_open() == before
        frames = iter_frames(short, fps=None)
        kept = weakref.ref(next(frames))
        del frames
        assert still_open() == before
        assert kept() is None
    finally:
        gc.enable()


def test_nothing_is_opened_before_the_first_frame(tmp_path):
    frames = iter_frames(tmp_path / "missing.mp4")
    with pytest.raises(MediaNotFoundError):
        next(frames)
    assert list(frames) == []


def test_cancelling_and_timeouts(short):
    flag, before = threading.Event(), still_open()
    frames = iter_frames(short, fps=None, cancel=flag)
    next(frames)
    flag.set()
    with pytest.raises(CancelledError):
        list(frames)
    with pytest.raises(MediaTimeoutError):
        list(iter_frames(short, timeout=1e-6))
    assert still_open() == before


def test_damage_is_an_error_when_it_is_reached(damaged):
    path, _, expected = damaged
    found = []
    with pytest.raises(DecodeError, match="is damaged from") as caught:
        found.extend(iter_frames(path, fps=None))
    right = [np.array_equal(frame.pixels, expected[frame.index]) for frame in found]
    # Threads may return wrong frames before they report the damage, but then the error says so.
    assert all(right) or "already returned are wrong" in str(caught.value)
    assert len(found) >= 20


def test_partial_ends_before_damage(damaged):
    path, since, intact = damaged
    with pytest.warns(PartialVideoWarning, match="using only the frames up to"):
        found = list(iter_frames(path, fps=None, on_error="partial"))
    assert [frame.index for frame in found] == list(range(since))
    np.testing.assert_array_equal(np.stack([one.pixels for one in found]), intact[:since])


def test_conceal_marks_frames(damaged):
    path, since, _ = damaged
    with pytest.warns(ConcealedDamageWarning):
        expected = sample_video(path, every, on_error="conceal")
    with pytest.warns(ConcealedDamageWarning, match="sampled frames are damaged"):
        found = list(iter_frames(path, fps=None, on_error="conceal"))
    np.testing.assert_array_equal(np.stack([one.pixels for one in found]), pixels(expected))
    assert tuple(one.index for one in found if one.damaged) == expected.damage.frames
    assert expected.damage.frames[0] >= since


def test_frames_are_a_plain_record():
    frame = SampledFrame(1, 0.5, np.zeros((2, 2, 3), np.uint8))
    assert (frame.index, frame.time, frame.damaged) == (1, 0.5, False)
