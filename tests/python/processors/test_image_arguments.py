"""Test invalid settings and inputs of image processors, and numbers of other types."""

from __future__ import annotations

import numpy as np
import pytest

from keye_vl_rs.errors import FramesShapeError, InvalidArgumentError, LimitError
from keye_vl_rs.preview import SiglipImageProcessor
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from oracle import published_processor as published
from support.images import picture
from support.processor import PROCESSOR, assert_bits

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("min_pixels", "x", "'x': expected a non-negative number"),
        ("min_pixels", -1.0, r"-1\.0: expected a non-negative number"),
        ("max_pixels", "x", "'x': expected a positive number"),
        ("patch_size", "x", "'x': expected a positive number"),
        ("merge_size", 1.5, r"1\.5: expected a whole number"),
        ("exif", 1, "1: expected True or False"),
        ("resample", 77, r"77: expected one of Pillow's filters, .*2 \(bilinear\)"),
        ("size", {"width": 28}, r"\{'width': 28\}: expected min_pixels and max_pixels"),
    ],
)
def test_settings_that_cannot_be(name, value, message):
    for call in (
        lambda: KeyeVL1_5ImageProcessor(**{name: value}),
        lambda: KeyeVL1_5ImageProcessor()(picture(56, 56), **{name: value}),
        lambda: PROCESSOR(text="<|image_pad|>", images=[picture(56, 56)], **{name: value}),
    ):
        with pytest.raises(InvalidArgumentError, match=f"^{name} is {message}"):
            call()


def test_limits_may_be_floats():
    image, limits = picture(90, 70), {"min_pixels": 1e5, "max_pixels": 2e5}
    expected = published.preprocess([image], "image", **limits)
    call = PROCESSOR(text="<|image_pad|>", images=[image], return_tensors="pt", **limits)
    assert_bits({name: call[name] for name in expected}, expected)
    with pytest.raises(LimitError, match=r"image 0: .*exceeds resized_pixels"):
        PROCESSOR(text="<|image_pad|>", images=[image], min_pixels=3e8)


@pytest.mark.parametrize("kind", [KeyeVL1_5ImageProcessor, SiglipImageProcessor])
def test_frames_of_one_video_have_one_size(kind):
    """The published processors give all of them the size of the first, distorted."""
    frames = [picture(64, 64), picture(64, 300)]
    arrays = [np.asarray(frame).transpose(2, 0, 1) for frame in frames]
    message = r"video 1: frame 1 has 300x64 pixels .*, frame 0 has 64x64 .*: expected"
    for video in (frames, arrays):
        with pytest.raises(FramesShapeError, match=message):
            kind()(videos=[[picture(64, 64)], video])
    # As images they are two.
    assert len(kind()(frames)["image_grid_thw"]) == 2
