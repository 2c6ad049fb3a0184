"""Test that the fused operator gives the bits that the published processor computes itself."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from keye_vl_rs import BicubicVideoProcessor
from keye_vl_rs.errors import (
    FramesDtypeError,
    FramesShapeError,
    InvalidArgumentError,
    SizeError,
)
from oracle import published_processor as published
from support.processor import TOKENIZER, assert_bits, clip, joined, video_kwargs
from support.tensors import assert_bits as assert_same

TEXT = "<|vision_start|><|video_pad|><|vision_end|>What happens?"
SETTINGS = {
    "patch": 14,
    "factor": 28,
    "min_pixels": 3136,
    "max_pixels": 1003520,
    "scale": 255,
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
}
HALVES = {name: SETTINGS[name] for name in ("image_mean", "image_std")}
SIZES = [(112, 84), (28, 196), (60, 80), (13, 200), (131, 97)]
TYPES = [[0, 1, 1, 0, 1], [0, 0, 0], [0, 1], [0]]


def interp(frames, indices, height, width, operator=BicubicVideoProcessor, **kwargs):
    frames = torch.as_tensor(frames)
    first = frames.shape[1] == 3
    sides = frames.shape[2:] if first else frames.shape[1:3]
    about = (frames, len(frames), indices, *sides, height, width)
    return operator().interp(*about, **{**SETTINGS, **kwargs})


@pytest.mark.parametrize(("size", "types"), list(itertools.product(SIZES, TYPES)))
@pytest.mark.parametrize("given", [True, False], ids=["given", "chosen"])
def test_the_published_call_site(size, types, given):
    video, about = clip(len(types), *size), joined(video_kwargs(types))
    if not given:
        about = {name: about[name] for name in ("frame_types", "timestamps")}
    expected = published.published_call(TOKENIZER, TEXT, [video], **HALVES, **about)
    actual = published.published_call(
        TOKENIZER, TEXT, [video], operator=BicubicVideoProcessor(), **HALVES, **about
    )
    assert_bits(actual, expected)


def test_a_batch_with_other_settings():
    videos = [clip(5, 60, 80), clip(4, 97, 131, seed=1), clip(2, 56, 56, seed=2)]
    kinds = [[0, 1, 1, 0, 1], [0, 0, 1, 1], [0, 0]]
    about = joined(*(video_kwargs(types, slow=(84, 56 + 28 * i)) for i, types in enumerate(kinds)))
    about["height"] = about["width"] = [None, 56, 84]
    settings = {"image_mean": (0.4, 0.5, 0.6), "image_std": (0.2, 0.3, 0.4)}
    limits = {"min_pixels": 28 * 28 * 6, "max_pixels": 28 * 28 * 9}
    call = (TOKENIZER, TEXT * 3, videos)
    expected = published.published_call(*call, **settings, **limits, **about)
    actual = published.published_call(
        *call, operator=BicubicVideoProcessor(), **settings, **limits, **about
    )
    assert_bits(actual, expected)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2], [3, 1], [0, 2, 3], [1, 1]])
def test_any_indices_in_any_layout(order):
    """Slices of frames are views; the frames keep the order and the number of the indices."""
    video = clip(4, 60, 80)
    whole = interp(video, range(4), 56, 84)["pixel_values_videos"].chunk(4)
    expected = torch.cat([whole[index] for index in order])
    last = video.permute(0, 2, 3, 1)
    every_other = torch.zeros((4, 60, 160, 3), dtype=torch.uint8)[:, :, ::2].copy_(last)
    for frames in (video, video.contiguous(), last, every_other, last.numpy()):
        for indices in (order, torch.tensor(order), np.array(order)):
            made = interp(frames, indices, 56, 84)
            assert_same(made["pixel_values_videos"], expected)
            assert made["video_grid_thw"].tolist() == [[len(order), 4, 6]]
            assert made["video_grid_thw"].dtype == torch.int64


@pytest.mark.parametrize("given", [True, False], ids=["given", "chosen"])
def test_floats_take_the_plain_path(given):
    video, about = clip(3, 60, 80).float(), joined(video_kwargs([0, 1, 0]))
    if given:
        video += 0.25
    else:  # by Pillow, which takes no fractions
        about = {name: about[name] for name in ("frame_types", "timestamps")}
    expected = published.published_call(TOKENIZER, TEXT, [video], **HALVES, **about)
    actual = published.published_call(
        TOKENIZER, TEXT, [video], operator=BicubicVideoProcessor(), **HALVES, **about
    )
    assert_bits(actual, expected)
    assert actual["pixel_values_videos"].dtype == torch.float32


def test_no_indices():
    assert interp(clip(2, 56, 56), [], 56, 56) is None


def test_bicubic_on_request():
    video = clip(3, 97, 131)
    resized = functional.interpolate(video, (56, 84), mode="bicubic", antialias=True)
    expected = published.preprocess([resized.float()], "video", do_resize=False, **HALVES)

    def bicubic():
        return BicubicVideoProcessor("bicubic")

    made = interp(video, range(3), 56, 84, bicubic)
    assert_same(made["pixel_values_videos"], expected["pixel_values_videos"])
    chosen = published.preprocess([video], "video", resample=Image.Resampling.BICUBIC, **HALVES)
    made = interp(video, range(3), 0, 0, bicubic)
    assert_same(made["pixel_values_videos"], chosen["pixel_values_videos"])
    bilinear = interp(video, range(3), 56, 84)["pixel_values_videos"]
    assert not torch.equal(bilinear, expected["pixel_values_videos"])


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"indices": [0, 3]}, InvalidArgumentError, "indices holds 3: expected 0 to 2"),
        ({"indices": [-1]}, InvalidArgumentError, "indices holds -1"),
        ({"indices": [0.5]}, InvalidArgumentError, "indices is .*expected a list of whole numbers"),
        ({"height": 30}, SizeError, "height is 30: expected a multiple of 28"),
        ({"width": 0}, SizeError, "width is 0"),
        ({"height": -28}, SizeError, "height is -28"),
        ({"nframes": 4}, FramesShapeError, r"shape \(3, 3, 56, 84\): expected \(4, 3, 56, 84\)"),
        ({"ori_width": 85}, FramesShapeError, r"expected \(3, 3, 56, 85\)"),
        ({"frames": clip(3, 56, 84).int()}, FramesDtypeError, "frames has dtype int32"),
        ({"factor": 20}, InvalidArgumentError, "factor is 20 and patch 14"),
        ({"image_mean": [0.5]}, InvalidArgumentError, "image_mean is .*expected 3 numbers"),
        ({"scale": 0}, InvalidArgumentError, "scale is 0: expected a positive number"),
        ({"max_pixels": "x"}, InvalidArgumentError, "max_pixels is 'x': expected a positive"),
        ({"min_pixels": -1}, InvalidArgumentError, "min_pixels is -1: expected a non-negative"),
        ({"factor": "x"}, InvalidArgumentError, "factor is 'x': expected a number"),
        ({"patch": None}, InvalidArgumentError, "patch is None: expected a number"),
        ({"height": 28.5}, InvalidArgumentError, r"height is 28\.5: expected a whole number"),
        ({"ori_width": "84"}, InvalidArgumentError, "ori_width is '84': expected a number"),
        ({"nframes": math.inf}, InvalidArgumentError, "nframes is inf: expected a whole number"),
        ({"indices": 1}, InvalidArgumentError, "indices is 1: expected a list of whole numbers"),
    ],
)
def test_what_it_refuses(changed, error, message):
    call = {
        "frames": clip(3, 56, 84),
        "nframes": 3,
        "indices": [0],
        "ori_height": 56,
        "ori_width": 84,
        "height": 28,
        "width": 56,
        **SETTINGS,
    }
    assert BicubicVideoProcessor().interp(**call) is not None
    with pytest.raises(error, match=message):
        BicubicVideoProcessor().interp(**{**call, **changed})
    with pytest.raises(InvalidArgumentError, match="resample is 'area'"):
        BicubicVideoProcessor("area")
