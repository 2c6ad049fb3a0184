"""Test the options of one video: where they come from, and how errors name them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest

from keye_vl_rs import preprocess_video, smart_nframes
from keye_vl_rs._chat.message_options import READ_BY
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video_options import (
    READING_OPTIONS,
    VIDEO_OPTIONS,
    VideoOptions,
    video_name,
)
from keye_vl_rs.errors import InvalidArgumentError

pytestmark = pytest.mark.one_level

MESSAGE = {
    "type": "video",
    "video": "a.mp4",
    "fps": 3.0,
    "num_frames": 4,
    "max_frames": 5,
    "min_pixels": 6,
    "max_pixels": 7,
    "video_total_pixels": 8,
    "min_frame_similarity": 0.9,
    "video_start": 1.0,
    "video_end": 2.0,
    "timeout": 10.0,
    "on_error": "partial",
    "timestamps": "presentation",
}


def test_the_options_of_a_message():
    options = VideoOptions.from_message({**MESSAGE, "unknown": 1})
    assert options == VideoOptions(
        source="a.mp4",
        fps=3.0,
        num_frames=4,
        max_frames=5,
        min_pixels=6,
        max_pixels=7,
        total_pixels=8,
        min_frame_similarity=0.9,
        video_start=1.0,
        video_end=2.0,
        timeout=10.0,
        on_error="partial",
        timestamps="presentation",
    )


def test_an_option_that_is_none_is_not_set():
    part = {**dict.fromkeys(MESSAGE), "video": "a.mp4"}
    assert VideoOptions.from_message(part) == VideoOptions(source="a.mp4")
    assert VideoOptions.from_message({"fps": 2.0}) == VideoOptions(source=None, fps=2.0)


def test_each_option_of_a_video_file_is_a_field():
    assert [*VIDEO_OPTIONS, *READING_OPTIONS] == [*READ_BY["a video file"]]
    nothing = VideoOptions(source=None)
    for name in READ_BY["a video file"]:
        # The message has one of the two names of the limit of pixels.
        alone = VideoOptions.from_message({name: MESSAGE.get(name, 8)})
        (changed,) = (
            one.name
            for one in fields(VideoOptions)
            if one.compare and getattr(alone, one.name) != getattr(nothing, one.name)
        )
        assert alone.argument_name(changed) == name


def test_options_do_not_change():
    options = VideoOptions(source="a.mp4")
    with pytest.raises(FrozenInstanceError):
        options.fps = 1.0


def test_a_source_of_any_size_is_not_shown():
    assert "source" not in repr(VideoOptions(source=bytes(1000)))


@pytest.mark.parametrize(
    ("options", "is_cut"),
    [({}, False), ({"video_start": 0.0}, True), ({"video_end": 1.0}, True)],
)
def test_a_part_of_a_video(options, is_cut):
    assert VideoOptions(source=None, **options).is_cut is is_cut


@pytest.mark.parametrize(
    ("field", "in_a_message", "in_a_call"),
    [
        ("num_frames", "num_frames", "num_frames"),
        ("total_pixels", "video_total_pixels", "total_pixels"),
        ("max_frames", "max_frames", "max_frames"),
        ("fps", "fps", "fps"),
    ],
)
def test_errors_name_an_argument_as_the_caller_wrote_it(field, in_a_message, in_a_call, short):
    with pytest.raises(InvalidArgumentError, match=f"^{field} is 0: "):
        VideoRules().count_frames(VideoOptions(source=None, **{field: 0}), 10, 25.0)
    with pytest.raises(InvalidArgumentError, match=f"^{in_a_message} is 0: "):
        smart_nframes({in_a_message: 0}, 10, 25.0)
    with pytest.raises(InvalidArgumentError, match=f"^{in_a_call} is 0: "):
        preprocess_video(short, **{in_a_call: 0})


def test_errors_name_the_number_of_frames_of_a_video(short):
    with pytest.raises(
        InvalidArgumentError, match=r"^num_frames is 100000: .* the frames of .*mp4"
    ):
        preprocess_video(short, num_frames=100_000)


def test_the_threshold_of_the_video_wins():
    rules, options = VideoRules(min_frame_similarity=0.5), VideoOptions(source=None)
    assert rules.threshold(options) == 0.5
    assert rules.threshold(replace(options, min_frame_similarity=0.0)) == 0.0


def test_names_of_sources():
    assert video_name(["a.png", "b.png"]) == "2 frames"
    assert video_name("/clips/a.mp4") == "/clips/a.mp4"
    assert video_name(object()) == "the video"
