"""Test how many frames are chosen, and which."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs import preprocess_video
from keye_vl_rs.errors import (
    InvalidArgumentError,
)
from support.clips import Clip
from support.preprocess import published_inputs
from support.tensors import assert_bits
from support.vision_process import reference

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")


def fetched(path, indices):
    """Return what the published code would return if it had chosen these frames."""
    every, kwargs = reference.fetch_video({"video": str(path), "fps": 1000.0})
    indices = torch.tensor(indices)
    frames = every[indices]
    types = reference.extract_slow_fast_frames(frames)
    listed = {"video": [Image.new("RGB", (56, 56))] * len(indices)}
    # Sizes depend on the numbers of slow and fast frames: let the published code plan them.
    original, reference._read_video_decord = (
        reference._read_video_decord,
        lambda ele: (frames, kwargs["timestamps"][indices], types),
    )
    try:
        return reference.fetch_video({**listed, "video": "any"})
    finally:
        reference._read_video_decord = original


@pytest.mark.parametrize(
    ("num_frames", "indices"),
    [(1, [0]), (2, [0, 49]), (5, [0, 12, 24, 37, 49]), (50, list(range(50)))],
    ids=lambda value: str(value)[:12],
)
def test_num_frames_is_how_many_frames_there_are(num_frames, indices, short):
    assert torch.linspace(0, 49, num_frames).round().long().tolist() == indices
    expected = published_inputs(*fetched(short, indices))
    for options in ({}, {"fps": 0.1}, {"fps": 1000}, {"max_frames": 77}):
        inputs = preprocess_video(short, num_frames=num_frames, **options)
        assert_bits(inputs.pixel_values_videos, expected[0])
        assert torch.equal(inputs.video_grid_thw, expected[1])
        assert inputs.prompt() == expected[2]


def test_max_frames_limits_num_frames(short):
    assert preprocess_video(short, num_frames=9, max_frames=4).num_frames.tolist() == [4]


@pytest.mark.parametrize("kind", [np.int64(5), torch.tensor(5)])
def test_num_frames_of_other_types(kind, short):
    assert preprocess_video(short, num_frames=kind).num_frames.tolist() == [5]


@pytest.mark.parametrize("num_frames", [51, 10**9, 10**10])
def test_more_num_frames_than_the_video_has(num_frames, short):
    with pytest.raises(
        InvalidArgumentError, match=rf"num_frames is {num_frames}.*at most 50.*short\.mp4"
    ):
        preprocess_video(short, num_frames=num_frames)
    with pytest.raises(InvalidArgumentError, match=rf"num_frames is {num_frames}.*at most 2"):
        preprocess_video([Image.new("RGB", (60, 60))] * 2, num_frames=num_frames)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_very_short_videos_give_their_first_frame(count, folder):
    """The published code samples none and fails; 5 frames are 0.2 s."""
    path = Clip(f"very_short{count}.mp4", count=count).write(folder)
    expected = published_inputs(*fetched(path, [0]))
    inputs = preprocess_video(path)
    assert_bits(inputs.pixel_values_videos, expected[0])
    assert inputs.timestamps.tolist() == [0.0]
    assert inputs.prompt() == expected[2]
    assert inputs.total_frames == count
    assert inputs.duration == pytest.approx(count / 25)
