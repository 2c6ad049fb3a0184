"""Test writing a video's patches into memory that the caller has allocated."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from keye_vl_rs._patches.tensors import (
    empty_patches,
    frame_types_list,
    grid_thw,
    to_numpy,
    video_patches,
)
from keye_vl_rs._slow_fast.sizes import count_patches, frames_grid
from keye_vl_rs.errors import FrameTypesError, InvalidArgumentError

TYPES = [0, 1, 1, 0, 1]
SIZES = ((84, 112), (28, 56))
PATCHES = 2 * 6 * 8 + 3 * 2 * 4


def frames(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (len(TYPES), 60, 80, 3), dtype=np.uint8)


@pytest.mark.parametrize("types", [TYPES, [0], [1, 1], []])
@pytest.mark.parametrize("patch_size", [14, 7])
def test_count_is_that_of_the_grid(types, patch_size):
    count = count_patches(types, *SIZES, patch_size)
    assert count == sum(rows * columns for rows, columns in frames_grid(types, *SIZES, patch_size))
    assert count == int(grid_thw(types, *SIZES, patch_size).prod(-1).sum())
    assert empty_patches(count, patch_size).shape == (count, 3, patch_size, patch_size)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_out_is_written_and_nothing_beside_it(dtype):
    assert count_patches(TYPES, *SIZES) == PATCHES
    room = torch.full((PATCHES + 7, 3, 14, 14), -77.0, dtype=dtype)
    place = room[3 : 3 + PATCHES]
    made = video_patches(frames(), TYPES, *SIZES, out=place)
    assert made is place
    assert torch.equal(place, video_patches(frames(), TYPES, *SIZES, dtype=dtype))
    assert (room[:3] == -77).all()
    assert (room[3 + PATCHES :] == -77).all()


def test_videos_side_by_side_are_those_made_alone():
    videos = [frames(seed) for seed in range(3)]
    room = empty_patches(3 * PATCHES)
    for video, place in zip(videos, room.split(PATCHES), strict=True):
        video_patches(video, TYPES, *SIZES, out=place)
    assert torch.equal(room, torch.cat([video_patches(v, TYPES, *SIZES) for v in videos]))


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (empty_patches(PATCHES - 1), rf"out has shape \({PATCHES - 1}, 3, 14, 14\): expected"),
        (empty_patches(PATCHES + 1), rf"expected \({PATCHES}, 3, 14, 14\)"),
        (empty_patches(PATCHES).reshape(-1), "out has shape"),
        (empty_patches(PATCHES, 7), "out has shape"),
        (empty_patches(2 * PATCHES)[::2], "contiguous"),
        (empty_patches(PATCHES).transpose(2, 3), "contiguous"),
        (empty_patches(PATCHES).double(), "float64"),
        (empty_patches(PATCHES).to("meta"), "meta"),
        (empty_patches(PATCHES).numpy(), "ndarray"),
    ],
)
def test_an_out_that_does_not_fit_is_refused(out, words):
    with pytest.raises(InvalidArgumentError, match=words):
        video_patches(frames(), TYPES, *SIZES, out=out, dtype=torch.float32)


def test_an_out_of_another_dtype_than_asked_for_is_refused():
    out = empty_patches(PATCHES, dtype=torch.float16)
    with pytest.raises(InvalidArgumentError, match=r"out has dtype torch\.float16: expected"):
        video_patches(frames(), TYPES, *SIZES, dtype=torch.bfloat16, out=out)
    with pytest.raises(InvalidArgumentError, match=r"dtype is torch\.float64"):
        video_patches(frames(), TYPES, *SIZES, out=out.double())


def test_frame_types_are_named_as_the_caller_calls_them():
    assert frame_types_list(None, 2) == [0, 0]
    assert frame_types_list(torch.tensor([0, 1], dtype=torch.int32), 2) == [0, 1]
    with pytest.raises(FrameTypesError, match="types of x has 1 entries for 2 frames"):
        frame_types_list([0], 2, "types of x")
    with pytest.raises(FrameTypesError, match=r"frame_types\[1\] is 2"):
        frame_types_list(np.array([0, 2]), 2)


def test_to_numpy_shares_memory():
    tensor = torch.zeros(3)
    assert to_numpy(tensor).__array_interface__["data"][0] == tensor.data_ptr()
    assert to_numpy([1]) == [1]
    with pytest.raises(InvalidArgumentError, match="bfloat16"):
        to_numpy(torch.zeros(3, dtype=torch.bfloat16))
