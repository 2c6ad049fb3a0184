"""Test the one way to open a video file with its options."""

from __future__ import annotations

import threading

import pytest

from keye_vl_rs._sampling.open_video import open_video, spaced_frames
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.timestamps import TimestampRule
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs.errors import (
    CancelledError,
    InvalidArgumentError,
    MediaNotFoundError,
    MediaTimeoutError,
)
from support.clips import every

pytestmark = pytest.mark.one_level
MISSING = "/no/such/file.mp4"


def selected(options, choose):
    """Return the indices that are selected, and what else is known of the open video."""
    with open_video(options, choose) as video:
        return video.reader.read(video.select, lambda timeline, indices, read: indices), video


def test_what_an_open_video_has(h264):
    options = VideoOptions(source=h264, video_start=0.4, timestamps="presentation", timeout=60)
    indices, video = selected(options, every)
    assert indices == list(range(10, 40))
    assert video.options is options
    assert video.name == video.deadline.name == video.reader.file.name == str(h264)
    assert video.deadline.timeout == 60
    assert video.times == TimestampRule("presentation", is_cut=True)


def test_evenly_spaced_frames(h264):
    options = VideoOptions(source=h264, num_frames=4)
    assert selected(options, spaced_frames(options, VideoRules()))[0] == [0, 13, 26, 39]
    told = []
    counted = spaced_frames(options, VideoRules(), lambda *args: told.append(args) or 2)
    assert selected(options, counted)[0] == [0, 39]
    assert told == [(40, 25.0)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timestamps", "exact"),
        ("timestamps", None),
        ("timeout", 0),
        ("on_error", "ignore"),
        ("on_error", None),
        ("video_start", -1),
        ("video_end", "late"),
    ],
)
def test_options_are_checked_before_the_file_is_opened(name, value):
    with (
        pytest.raises(InvalidArgumentError, match=f"^{name} is "),
        open_video(VideoOptions(source=MISSING, **{name: value}), every),
    ):
        pytest.fail("the video was opened")


@pytest.mark.parametrize(
    "options", [{"fps": 0}, {"num_frames": 1.5}, {"max_frames": -1}, {"total_pixels": 0}]
)
def test_numbers_are_checked_before_the_file_is_opened(options):
    with pytest.raises(InvalidArgumentError, match=f"^{next(iter(options))} is "):
        spaced_frames(VideoOptions(source=MISSING, **options), VideoRules())


def test_a_file_that_does_not_exist():
    with pytest.raises(MediaNotFoundError), open_video(VideoOptions(source=MISSING), every):
        pytest.fail("the video was opened")


def test_a_source_of_an_unsupported_type():
    options = VideoOptions(source=object())
    with pytest.raises(InvalidArgumentError), open_video(options, every):
        pytest.fail("the video was opened")
    with pytest.raises(InvalidArgumentError):
        spaced_frames(options, VideoRules())


def test_the_deadline_and_the_flag_hold_inside_the_block(h264):
    flag = threading.Event()
    with open_video(VideoOptions(source=h264), every, cancel=flag) as video:
        flag.set()
        with pytest.raises(CancelledError):
            video.reader.read(video.select, lambda timeline, indices, read: list(read(indices)))
    with (
        pytest.raises(MediaTimeoutError),
        open_video(VideoOptions(source=h264, timeout=1e-9), every) as video,
    ):
        video.reader.read(video.select, lambda timeline, indices, read: list(read(indices)))
