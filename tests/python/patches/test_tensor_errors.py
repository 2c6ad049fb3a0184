"""Test that wrong frames, types and sizes raise an exception that names them."""

from __future__ import annotations

import pytest
import torch

from keye_vl_rs._patches.tensors import video_patches
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    FrameTypesError,
    InvalidArgumentError,
    SizeError,
)
from keye_vl_rs.vision_process import extract_slow_fast_frames

pytestmark = [pytest.mark.one_level, pytest.mark.usefixtures("one_thread_of_torch")]


FRAMES = torch.zeros(2, 3, 56, 84, dtype=torch.uint8)
SIZES = ((56, 84), (28, 56))


@pytest.mark.parametrize(
    "shape", [(3, 56, 84), (56, 84), (), (2, 56, 84), (2, 4, 56, 84), (2, 56, 3, 84), (1,) * 5]
)
def test_frames_of_other_shapes(shape):
    frames = torch.zeros(shape, dtype=torch.uint8)
    for call in (
        lambda: video_patches(frames, None, *SIZES),
        lambda: extract_slow_fast_frames(frames),
    ):
        with pytest.raises(FramesShapeError, match=r"frames has shape"):
            call()


@pytest.mark.parametrize("dtype", [torch.float32, torch.int8, torch.bool, torch.int64])
def test_frames_of_other_dtypes(dtype):
    for frames in (FRAMES.to(dtype), FRAMES.to(dtype).numpy()):
        with pytest.raises(FramesDtypeError, match=r"frames has dtype .*uint8"):
            video_patches(frames, None, *SIZES)


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ([0], "1 entries for 2 frames"),
        ([0, 1, 1], "3 entries for 2 frames"),
        (torch.zeros(0), "0 entries"),
        ([0, 2], r"frame_types\[1\] is 2"),
        ([-1, 0], r"frame_types\[0\] is -1"),
        ([0, 0.5], r"frame_types\[1\] is 0\.5"),
        (["slow", 0], r"frame_types\[0\] is 'slow'"),
        (torch.tensor(0), "frame_types"),
    ],
    ids=str,
)
def test_frame_types_that_do_not_fit(types, message):
    with pytest.raises(FrameTypesError, match=message):
        video_patches(FRAMES, types, *SIZES)


@pytest.mark.parametrize("size", [(57, 84), (42, 84), (0, 28), (14, 14)])
def test_sizes_that_are_no_multiples_of_28(size):
    with pytest.raises(InvalidArgumentError, match=rf"slow_size is {size[0]}x{size[1]}") as caught:
        video_patches(FRAMES, [0, 1], size, (28, 28))
    assert isinstance(caught.value, SizeError)
    with pytest.raises(SizeError, match=rf"fast_size is {size[0]}x{size[1]}"):
        video_patches(FRAMES, [0, 1], (28, 28), size)


def test_sizes_below_zero():
    for sizes in (((28, -28), (28, 28)), ((28, 28), (28, -28))):
        with pytest.raises(InvalidArgumentError, match="28x-28"):
            video_patches(FRAMES, [0, 1], *sizes)
