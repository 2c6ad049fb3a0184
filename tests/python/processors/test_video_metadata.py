"""Test that transformers' ``VideoMetadata`` of videos are read, and returned."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from transformers.video_utils import VideoMetadata

from keye_vl_rs import KeyeVL1_5VideoProcessor, preprocess_video, process_vision_info
from keye_vl_rs.errors import InvalidArgumentError
from support.processor import PROCESSOR, TEXT, assert_bits, clip, joined, video_kwargs

pytestmark = pytest.mark.one_level

FIELDS = {one.name for one in dataclasses.fields(VideoMetadata)}
VIDEO = clip(5, 56, 84)
ABOUT = joined(video_kwargs([0, 1, 1, 0, 1]))
UNTIMED = {name: value for name, value in ABOUT.items() if name != "timestamps"}
INDICES = [0, 12, 25, 37, 49]
KNOWN = {"total_num_frames": 50, "fps": 24.0, "frames_indices": INDICES}
# Older releases of transformers do not define the indices.
has_indices = pytest.mark.skipif("frames_indices" not in FIELDS, reason="not in this release")


def call(**about):
    return PROCESSOR(text=TEXT, videos=[VIDEO], return_tensors="pt", **about)


def timed(seconds):
    return call(**UNTIMED, timestamps=[torch.tensor(seconds, dtype=torch.float32)])


@pytest.mark.parametrize(
    "wrap",
    [
        lambda known: known,
        lambda known: [known],
        lambda known: [[known]],
        pytest.param(lambda known: VideoMetadata(**known), marks=has_indices),
        pytest.param(lambda known: [VideoMetadata(**known)], marks=has_indices),
    ],
    ids=["dictionary", "list", "nested", "object", "objects"],
)
def test_times_come_from_metadata(wrap):
    expected = timed([(1 / 24.0) * index for index in INDICES])
    assert_bits(call(**UNTIMED, video_metadata=wrap(KNOWN)), expected)


def test_times_equal_those_of_process_vision_info(short):
    message = [{"role": "user", "content": [{"type": "video", "video": str(short)}]}]
    _, videos, about = process_vision_info(message)
    metadata = preprocess_video(short).video_metadata()
    known = {"frames_indices": preprocess_video(short).frame_indices.tolist(), "fps": metadata.fps}
    expected = PROCESSOR(text=TEXT, videos=videos, return_tensors="pt", **about)
    del about["timestamps"]
    found = PROCESSOR(text=TEXT, videos=videos, video_metadata=known, return_tensors="pt", **about)
    assert_bits(found, expected)


def test_every_frame_of_a_video_needs_no_indices():
    expected = timed([index / 2 for index in range(5)])
    assert_bits(call(**UNTIMED, video_metadata={"total_num_frames": 5, "fps": 2}), expected)


def test_timestamps_win_and_metadata_without_a_rate_give_none():
    assert_bits(call(**ABOUT, video_metadata=KNOWN), call(**ABOUT))
    for known in ({"total_num_frames": 50, "frames_indices": INDICES}, {"total_num_frames": 50}):
        assert_bits(call(**UNTIMED, video_metadata=known), call(**UNTIMED))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({**KNOWN, "frames_indices": [0, 1]}, "has 2 frames_indices for 5 frames"),
        ({"total_num_frames": 50, "fps": 24.0}, "total_num_frames is 50 for 5 frames"),
        ({"fps": 24.0}, "total_num_frames is None for 5 frames"),
        (
            {**KNOWN, "frames_indices": [0, 1, 2, 3, -1]},
            "frames_indices of video_metadata .* is -1",
        ),
        ({**KNOWN, "fps": 0}, "fps of video_metadata of video 0 is 0"),
        ([KNOWN, KNOWN], "video_metadata has 2 entries for 1 videos"),
        ([], "video_metadata has 0 entries for 1 videos"),
    ],
    ids=str,
)
def test_metadata_that_do_not_fit(metadata, message):
    with pytest.raises(InvalidArgumentError, match=message):
        KeyeVL1_5VideoProcessor()(VIDEO, video_metadata=metadata, **UNTIMED)


def test_counts_are_compared_beside_timestamps_too(short):
    wrong = {**KNOWN, "frames_indices": [0, 1]}
    with pytest.raises(InvalidArgumentError, match="2 frames_indices for 5 frames"):
        call(**ABOUT, video_metadata=wrong)
    inputs = preprocess_video(short, num_frames=3)
    with pytest.raises(InvalidArgumentError, match="2 frames_indices for 3 frames"):
        PROCESSOR(text=TEXT, videos=[inputs], video_metadata=wrong)
    with pytest.raises(InvalidArgumentError, match="is of type str"):
        KeyeVL1_5VideoProcessor()(VIDEO, video_metadata="24 fps", **UNTIMED)


def expected_fields(known):
    return {name: value for name, value in known.items() if name in FIELDS}


def fields_of(metadata):
    assert isinstance(metadata, VideoMetadata)
    return {name: getattr(metadata, name) for name in FIELDS}


def test_metadata_of_a_preprocessed_video(short):
    settings = PROCESSOR.image_processor
    inputs = preprocess_video(
        short, num_frames=3, image_mean=settings.image_mean, image_std=settings.image_std
    )
    known = {
        "total_num_frames": 50,
        "fps": 25.0,
        "width": 160,
        "height": 120,
        "duration": 2.0,
        "video_backend": "keye_vl_rs",
        "frames_indices": [0, 24, 49],
    }
    assert fields_of(inputs.video_metadata()) == expected_fields(known)
    made = PROCESSOR(text=TEXT, videos=[inputs], return_metadata=True, return_tensors="pt")
    assert [fields_of(one) for one in made["video_metadata"]] == [expected_fields(known)]
    assert "video_metadata" not in PROCESSOR(text=TEXT, videos=[inputs], return_tensors="pt")
    message = [
        {
            "role": "user",
            "content": [{"type": "video", "video": str(short), "num_frames": 3}],
        }
    ]
    out = PROCESSOR.apply_chat_template(
        message, tokenize=True, return_dict=True, return_metadata=True, return_tensors="pt"
    )
    assert [fields_of(one) for one in out["video_metadata"]] == [expected_fields(known)]


def test_metadata_of_frames():
    frames = [Image.new("RGB", (84, 56))] * 5
    for video in (VIDEO, VIDEO.permute(0, 2, 3, 1).numpy(), frames, [np.asarray(frames[0])] * 5):
        made = KeyeVL1_5VideoProcessor()([video], return_metadata=True)
        (metadata,) = made["video_metadata"]
        known = {
            "total_num_frames": 5,
            "height": 56,
            "width": 84,
            "frames_indices": [0, 1, 2, 3, 4],
        }
        names = known.keys() & FIELDS
        assert {name: getattr(metadata, name) for name in names} == expected_fields(known)
        assert metadata.fps is None
    given = {"total_num_frames": 50, "fps": 24.0}
    made = KeyeVL1_5VideoProcessor()(
        VIDEO, return_metadata=True, video_metadata=given, timestamps=[0, 1, 2, 3, 4]
    )
    assert (made["video_metadata"][0].fps, made["video_metadata"][0].total_num_frames) == (24.0, 50)
