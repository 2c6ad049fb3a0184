"""Compare which frames are similar, slow and fast with keye_vl_utils 1.5.2."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch

from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import (
    AspectRatioError,
    FramesDtypeError,
    FramesShapeError,
    InvalidArgumentError,
    KeyeVLError,
)
from support.vision_process import (
    CUTS,
    TOKEN,
    assert_same,
    noise,
    reference,
    scenes,
)

pytestmark = pytest.mark.usefixtures("one_thread_of_torch")


def patches_changed(changed, rows=10, columns=10):
    """Return two frames that differ in so many 28x28 patches, by the largest colour distance."""
    a = torch.full((3, 28 * rows, 28 * columns), 0, dtype=torch.uint8)
    a[0] = 255
    b = a.clone()
    for index in range(changed):
        y, x = divmod(index, columns)
        b[:, 28 * y : 28 * y + 28, 28 * x : 28 * x + 28] = 0
    return a, b


def test_every_share_of_changed_patches():
    for changed in (*range(0, 101, 9), 1, 2, 97, 98):
        a, b = patches_changed(changed)
        assert_same(ours.get_frame_sim(a, b), reference.get_frame_sim(a, b))


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_a_share_equal_to_the_threshold_counts_as_float32(threshold):
    """0.9 in float32 is less than 0.9, and 0.6 in float32 is more than 0.6."""
    a, b = patches_changed(round(100 * (1 - threshold)))
    frames = torch.stack([a, b])
    expected = reference.extract_slow_fast_frames(frames, threshold)
    assert_same(ours.extract_slow_fast_frames(frames, threshold), expected)


@pytest.mark.parametrize("seed", range(3))
def test_similarity_of_noisy_frames(seed):
    rng = np.random.default_rng(seed)
    a = noise(1, 28 * int(rng.integers(2, 9)), 28 * int(rng.integers(2, 9)), seed)[0]
    b = a // 2 + noise(1, *a.shape[1:], seed + 100)[0] // 2
    for threshold in (0.5, 0.7, 0.93, -0.5, 2.0):
        expected = reference.get_frame_sim(a, b, threshold=threshold)
        assert_same(ours.get_frame_sim(a, b, threshold=threshold), expected)


def test_similarity_with_other_patches():
    a, b = noise(2, 140, 140)
    for patch in (7, 14, 35, 70):
        expected = reference.get_frame_sim(a, a // 2 + b // 2, patch, 0.9)
        assert_same(ours.get_frame_sim(a, a // 2 + b // 2, patch, 0.9), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_similarity_of_floats_cuts_the_fraction_off(dtype):
    a, b = (frame.to(dtype) * 0.73 + 0.999 for frame in noise(2, 84, 112))
    for threshold in (0.7, 0.9):
        expected = reference.get_frame_sim(a, b, threshold=threshold)
        assert_same(ours.get_frame_sim(a, b, threshold=threshold), expected)


def test_black_patches_are_left_out():
    a, b = noise(2, 84, 84)
    black = torch.zeros_like(a)
    half = a.clone()
    half[:, :28] = 0
    for first, second in [(black, black), (black, a), (a, black), (half, half), (half, black)]:
        assert_same(ours.get_frame_sim(first, second), reference.get_frame_sim(first, second))
    assert math.isnan(ours.get_frame_sim(black, black))
    half_changed = b.clone()
    half_changed[:, :28] = 0
    assert_same(ours.get_frame_sim(half, half_changed), reference.get_frame_sim(half, half_changed))


def test_one_row_of_patches_which_the_published_code_cannot_index():
    a, b = noise(2, 28, 112)
    b[:, :, :56] = 0
    a[:, :, :28] = 0
    with pytest.raises(IndexError):
        reference.get_frame_sim(a, b)
    # The first patch is black in both, the second in one; noise is similar to noise in the others.
    assert ours.get_frame_sim(a, b) == torch.tensor(2 / 3).item()


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        (torch.zeros(3, 28, 28, dtype=torch.int16), FramesDtypeError),
        (torch.zeros(28, 28, dtype=torch.uint8), FramesShapeError),
        (torch.zeros(1, 3, 28, 28, dtype=torch.uint8), FramesShapeError),
        (torch.zeros(4, 28, 28, dtype=torch.uint8), FramesShapeError),
        (np.zeros((3, 28, 28), np.uint8), FramesShapeError),
        (None, FramesShapeError),
    ],
)
def test_what_are_no_frames_to_compare(frames, error):
    right = torch.zeros(3, 28, 28, dtype=torch.uint8)
    with pytest.raises(error, match="frame1"):
        ours.get_frame_sim(frames, right)
    with pytest.raises(error, match="frame2"):
        ours.get_frame_sim(right, frames)


def test_frames_to_compare_of_two_sizes():
    with pytest.raises(KeyeVLError):
        ours.get_frame_sim(noise(1, 28, 56)[0], noise(1, 56, 28)[0])


@pytest.mark.parametrize("patch_size", [0, 27, 56])
def test_patches_that_do_not_fit_a_frame(patch_size):
    frame = noise(1, 28, 28)[0]
    with pytest.raises(InvalidArgumentError):
        ours.get_frame_sim(frame, frame, patch_size)


def test_hsv_is_what_the_published_code_compares():
    """Compare OpenCV's conversion of every 17th colour, through the similarity of one patch."""
    axis = np.arange(0, 256, 17, dtype=np.uint8)
    colours = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 1, 1, 3)
    hsv = cv2.cvtColor(colours.reshape(1, -1, 3), cv2.COLOR_RGB2HSV)[0].astype(np.int64)
    grey = torch.full((3, 28, 28), 128, dtype=torch.uint8)
    target = np.array([0, 0, 128])
    for colour, (h, s, v) in zip(colours[::37], hsv[::37], strict=True):
        frame = torch.from_numpy(np.broadcast_to(colour[0], (28, 28, 3)).copy()).permute(2, 0, 1)
        length = math.sqrt(h * h + s * s + v * v)
        like = length > 0 and (target @ [h, s, v]) / (128 * length) > 0.7
        assert ours.get_frame_sim(grey, frame) == float(like)


FRAMES = {
    "noise": noise(6, 90, 160),
    "cuts": CUTS,
    "portrait": scenes([3, 3, 2], 300, 170),
    "odd": scenes([2, 3], 101, 57),
    "tiny": scenes([2, 2], 3, 5),
    "one": noise(1, 100, 100),
    "large": scenes([1, 2], 700, 900),
    "black": torch.zeros(4, 3, 64, 64, dtype=torch.uint8),
    "white": torch.full((4, 3, 64, 64), 255, dtype=torch.uint8),
    "one colour": torch.tensor([200, 20, 90], dtype=torch.uint8)[None, :, None, None].expand(
        3, 3, 60, 80
    ),
    "black between": torch.cat([scenes([2], 60, 80), torch.zeros(2, 3, 60, 80).byte()] * 2),
    "black first": torch.cat([torch.zeros(2, 3, 60, 80).byte(), scenes([3], 60, 80)]),
    "tall": scenes([2, 2], 1200, 31),
    "contiguous": scenes([2, 3], 60, 80).contiguous(),
    "every other": scenes([4, 4], 60, 80)[::2],
    "cropped": scenes([2, 3], 120, 130)[:, :, 7:99, 3:120],
    "flipped": scenes([2, 3], 60, 80).flip(0),
    "transposed": scenes([2, 3], 60, 80).transpose(2, 3),
    "exact": scenes([2, 3], 280, 280),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("threshold", [0.0, 0.9, 1.5])
def test_slow_and_fast_frames(name, threshold):
    expected = reference.extract_slow_fast_frames(FRAMES[name], threshold)
    assert_same(ours.extract_slow_fast_frames(FRAMES[name], threshold), expected)


def test_a_cut_is_slow_and_what_follows_it_is_fast():
    types = ours.extract_slow_fast_frames(FRAMES["cuts"])
    assert types.tolist() == [0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1]


def test_frames_of_one_row_of_patches_which_the_published_code_cannot_compare():
    frames = torch.cat([noise(1, 20, 1400), noise(1, 20, 1400), torch.zeros(2, 3, 20, 1400).byte()])
    assert ours.smart_resize(20, 1400, min_pixels=48 * TOKEN, max_pixels=256 * TOKEN)[0] == 28
    with pytest.raises(IndexError):
        reference.extract_slow_fast_frames(frames)
    assert ours.extract_slow_fast_frames(frames).tolist() == [0, 1, 0, 1]


def test_a_drift_is_compared_with_the_last_slow_frame():
    """Each frame is similar to its neighbour, but not to one much earlier."""
    base = scenes([1], 120, 160)[0]
    frames = torch.stack([base.roll(2 * i, dims=2) for i in range(30)])
    expected = reference.extract_slow_fast_frames(frames)
    assert 1 < int((expected == 0).sum()) < 30
    assert_same(ours.extract_slow_fast_frames(frames), expected)


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        (torch.zeros(0, 3, 28, 28, dtype=torch.uint8), FramesShapeError),
        (torch.zeros(2, 3, 0, 28, dtype=torch.uint8), FramesShapeError),
        (torch.zeros(2, 4, 28, 28, dtype=torch.uint8), FramesShapeError),
        (torch.zeros(3, 28, 28, dtype=torch.uint8), FramesShapeError),
        (torch.zeros(2, 3, 28, 28), FramesDtypeError),
        ([1, 2], FramesDtypeError),
        (None, FramesDtypeError),
        (torch.zeros(2, 3, 1, 300, dtype=torch.uint8), AspectRatioError),
    ],
)
def test_what_are_no_frames_to_split(frames, error):
    with pytest.raises(error):
        ours.extract_slow_fast_frames(frames)


def test_a_threshold_that_is_no_number_is_named():
    with pytest.raises(InvalidArgumentError, match=r"^threshold is nan"):
        ours.extract_slow_fast_frames(noise(2, 60, 60), math.nan)
