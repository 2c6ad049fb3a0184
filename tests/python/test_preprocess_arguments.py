"""Test that wrong arguments raise an exception that names them."""

from __future__ import annotations

import itertools
import math
import threading
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs import preprocess_video
from keye_vl_rs.errors import CancelledError, InvalidArgumentError

pytestmark = [pytest.mark.one_level, pytest.mark.usefixtures("one_thread_of_torch")]


@pytest.mark.parametrize("name", ["fps", "max_frames", "num_frames", "min_pixels", "max_pixels"])
@pytest.mark.parametrize("value", [0, -1, -0.5, math.nan, math.inf, 10**400, "2", [], True])
def test_impossible_numbers_are_named(name, value, short):
    frames = [Image.new("RGB", (60, 60))] * 3
    for source in (short, frames):
        with pytest.raises(InvalidArgumentError, match=name):
            preprocess_video(source, **{name: value})


@pytest.mark.parametrize("value", [0, -1, math.nan, "2"])
def test_impossible_totals_are_named(value, short):
    with pytest.raises(InvalidArgumentError, match="total_pixels"):
        preprocess_video(short, total_pixels=value)


OLD_NAMES = [("nframes", "num_frames", 3), ("video_total_pixels", "total_pixels", 200_000)]


@pytest.mark.parametrize(("old", "new", "value"), OLD_NAMES)
def test_old_names_warn(old, new, value, short):
    expected = preprocess_video(short, **{new: value})
    text = rf"argument '{old}' of preprocess_video\(\) is now called '{new}'"
    with pytest.warns(DeprecationWarning, match=text) as caught:
        inputs = preprocess_video(short, **{old: value})
    assert [one.filename for one in caught] == [__file__]
    assert inputs.pixel_values_videos.equal(expected.pixel_values_videos)
    assert inputs.timestamps.equal(expected.timestamps)
    with pytest.raises(TypeError, match=f"both '{new}' and its old name '{old}'"):
        preprocess_video(short, **{old: value, new: value})


@pytest.mark.parametrize("name", ["num_frames", "max_frames"])
def test_numbers_of_frames_are_whole(name, short):
    with pytest.raises(InvalidArgumentError, match=name):
        preprocess_video(short, **{name: 2.5})
    frames = [Image.new("RGB", (60, 60))] * 3
    for source, value in itertools.product((short, frames), (2.0, Fraction(2))):
        with pytest.raises(InvalidArgumentError, match=f"{name} is .*: expected .* as an int"):
            preprocess_video(source, **{name: value})


def test_impossible_numbers_are_found_before_the_file_is_opened():
    with pytest.raises(InvalidArgumentError, match="fps"):
        preprocess_video("/no/such/file.mp4", fps=0)
    with pytest.raises(InvalidArgumentError, match="num_frames"):
        preprocess_video("/no/such/file.mp4", num_frames=0)


@pytest.mark.parametrize("value", [math.nan, "much", None, True, np.ones(2)])
def test_a_similarity_that_is_no_number(value, short):
    with pytest.raises(InvalidArgumentError, match="min_frame_similarity"):
        preprocess_video(short, min_frame_similarity=value)


@pytest.mark.parametrize("name", ["dtype", "on_error", "threads"])
def test_arrays_are_no_settings(name, short):
    """Comparing arrays gives arrays, which have no truth value."""
    for value in (np.ones(2), np.ones(0), torch.ones(2)):
        with pytest.raises(InvalidArgumentError, match=f"^{name} is "):
            preprocess_video(short, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_std", (0.5, 0, 0.5)),
        ("image_std", (0.5, math.nan, 0.5)),
        ("image_std", (0.5, 0.5)),
        ("image_mean", (0.5,) * 4),
        ("image_mean", (math.inf, 0.5, 0.5)),
        ("image_mean", "abc"),
        ("image_mean", None),
        ("image_std", (0.5, None, 0.5)),
    ],
)
def test_impossible_means_are_named(name, value, short):
    with pytest.raises((InvalidArgumentError, TypeError), match=name):
        preprocess_video(short, **{name: value})


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.uint8, "float64", "Tensor", float, np.float32]
)
def test_other_dtypes_are_refused(dtype, short):
    with pytest.raises(InvalidArgumentError, match="dtype"):
        preprocess_video(short, dtype=dtype)


@pytest.mark.parametrize("options", [{}, {"num_frames": 2}])
@pytest.mark.parametrize("value", [2.0, 2.5, -3, np.float32(2), "2"])
def test_the_most_frames_are_a_whole_number_for_every_source(value, options, short):
    frames = [Image.new("RGB", (60, 60))] * 3
    for source in (short, frames):
        with pytest.raises(InvalidArgumentError, match=r"^max_frames is "):
            preprocess_video(source, max_frames=value, **options)
        inputs = preprocess_video(source, max_frames=np.int64(2), num_frames=3)
        assert inputs.num_frames.tolist() == [2]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("fps", None), ("timeout", 0), ("timeout", "1"), ("cancel", 1), ("on_error", "ignore")),
        *(("threads", -1), ("threads", "2"), ("threads", 1.5)),
    ],
)
def test_arguments_are_checked_for_lists_too(name, value):
    with pytest.raises(InvalidArgumentError, match=f"^{name} is "):
        preprocess_video([Image.new("RGB", (60, 60))] * 3, **{name: value})


def test_a_list_of_frames_is_cancelled():
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(CancelledError, match="3 frames: cancelled"):
        preprocess_video([Image.new("RGB", (60, 60))] * 3, cancel=cancel)


def test_a_dtype_by_its_name(short):
    frames = [Image.new("RGB", (60, 60), "red")] * 3
    for source in (short, frames):
        expected = preprocess_video(source, dtype=torch.bfloat16).pixel_values_videos
        for name in ("bfloat16", "torch.bfloat16"):
            assert torch.equal(preprocess_video(source, dtype=name).pixel_values_videos, expected)


@pytest.mark.parametrize("value", [-1, math.nan, "2"])
def test_impossible_buffers_are_named(value, short):
    for source in (short, [Image.new("RGB", (60, 60))]):
        with pytest.raises(InvalidArgumentError, match="buffer_bytes"):
            preprocess_video(source, buffer_bytes=value)
