"""Test what ``VideoInputs`` says about a video beside its tensors."""

from __future__ import annotations

from fractions import Fraction

import av
import pytest
import torch
from PIL import Image

from keye_vl_rs import preprocess_video
from support.clips import Clip, irregular

pytestmark = pytest.mark.one_level

SMALL = {"min_pixels": 28 * 28, "max_pixels": 28 * 28 * 4}


def presented(path):
    """Return the presentation times of all frames, as PyAV gives them, from the first one's."""
    with av.open(str(path)) as container:
        found = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    return [float(one - found[0]) for one in found]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("timestamps", ["published", "presentation"])
def test_presentation_times_of_a_variable_frame_rate(suffix, timestamps, folder):
    path = Clip(f"inputs_vfr.{suffix}", count=30, pts=irregular(30)).write(folder)
    inputs = preprocess_video(path, num_frames=12, timestamps=timestamps, **SMALL)
    assert inputs.pts_seconds.dtype == torch.float64
    every = presented(path)
    assert inputs.pts_seconds.tolist() == [every[index] for index in inputs.frame_indices.tolist()]
    is_presented = torch.equal(inputs.timestamps, inputs.pts_seconds.float())
    assert is_presented == (inputs.timestamp_kind == "presentation")
    assert timestamps == "published" or is_presented


def test_presentation_times_of_a_part(short):
    inputs = preprocess_video(short, fps=25, video_start=0.5, video_end=0.7, **SMALL)
    assert inputs.frame_indices.tolist() == list(range(13, 18))
    assert inputs.pts_seconds.tolist() == [float(Fraction(index, 25)) for index in range(13, 18)]


def test_lists_of_frames_have_no_presentation_times():
    frames = [Image.new("RGB", (60, 60), (9 * n, 0, 0)) for n in range(7)]
    inputs = preprocess_video(frames, fps=2.0, num_frames=3)
    assert inputs.pts_seconds is None
    assert inputs.frame_indices.tolist() == [0, 3, 6]
    assert inputs.timestamps.tolist() == [0.0, 1.5, 3.0]


def test_a_file_without_times_has_no_presentation_times(folder):
    """An elementary stream does not say when its pictures are presented."""
    path = Clip("inputs_raw.h264", count=10, format="h264").write(folder)
    assert preprocess_video(path, num_frames=4, **SMALL).pts_seconds is None
