"""Test that each form of the published processor gets its own bits from the fused operator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from keye_vl_rs import BicubicVideoFusionOpProcessor, BicubicVideoProcessor
from oracle import published_processor as published
from oracle.keye_oracle import normalize_lut
from oracle.later_form import LaterForm, later_lut
from support.processor import TEXT, TOKENIZER, assert_bits, clip, joined, video_kwargs

HALVES = ((0.5,) * 3, (0.5,) * 3)
CLIP = (published.CLIP_MEAN, published.CLIP_STD)
SETTINGS = [HALVES, CLIP, ((0.1, 0.7, 0.3), (1 / 3, 0.9, 2.0)), ((0.0,) * 3, (1.0,) * 3)]
FACTORS = [1 / 255, 1 / 127.5, 1.0, 1 / 256]


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize(("mean", "std"), SETTINGS)
def test_the_oracle_computes_as_transformers(mean, std, factor):
    if int(transformers.__version__.split(".")[0]) >= 5:
        backends = pytest.importorskip("transformers.image_processing_backends")
        processor = backends.TorchvisionBackend()
    else:
        from transformers.image_processing_utils_fast import BaseImageProcessorFast

        processor = BaseImageProcessorFast()
    bytes_ = torch.arange(256, dtype=torch.uint8).expand(1, 3, 1, 256)
    made = processor.rescale_and_normalize(bytes_, True, factor, True, mean, std)
    assert np.array_equal(made[0, :, 0].numpy(), later_lut(mean, std, factor))


@pytest.mark.parametrize("scale", [255, 127.5, 1, 256])
@pytest.mark.parametrize(("mean", "std"), SETTINGS)
def test_every_byte_of_every_channel(mean, std, scale):
    """The size is unchanged, so that every byte reaches the output."""
    bytes_ = np.arange(256, dtype=np.uint8).repeat(49).reshape(1, 112, 112)
    frames = torch.from_numpy(np.stack([bytes_] * 3, 1))
    about = (frames, 1, [0], 112, 112, 112, 112)
    settings = {"scale": scale, "image_mean": mean, "image_std": std}
    patches = BicubicVideoFusionOpProcessor().interp(*about, **settings)["pixel_values_videos"]
    grid = patches.reshape(8, 8, 3, 14, 14).permute(2, 0, 3, 1, 4).reshape(3, 112, 112)
    assert grid.dtype == torch.float32
    lut = later_lut(mean, std, 1 / scale)
    assert np.array_equal(grid.numpy(), lut[:, bytes_[0]])


@pytest.mark.parametrize("size", [(112, 84), (28, 196), (60, 80), (13, 200), (131, 97)])
@pytest.mark.parametrize("types", [[0, 1, 1, 0, 1], [0, 0], [0]])
@pytest.mark.parametrize("given", [True, False], ids=["given", "chosen"])
@pytest.mark.parametrize(("mean", "std"), SETTINGS[:2])
def test_the_later_form(size, types, given, mean, std):
    video, about = clip(len(types), *size), joined(video_kwargs(types))
    if not given:
        about = {name: about[name] for name in ("frame_types", "timestamps")}
    call = (TOKENIZER, TEXT, [video])
    settings = {"image_mean": mean, "image_std": std, **about}
    expected = published.published_call(*call, operator=LaterForm(), **settings)
    operator = BicubicVideoFusionOpProcessor()
    actual = published.published_call(*call, operator=operator, **settings)
    assert_bits(actual, expected)


def test_the_forms_differ_by_less_than_a_rounding():
    difference = np.abs(later_lut(*HALVES) - normalize_lut(*HALVES))
    assert 0 < difference.max() <= 6e-8


@pytest.mark.parametrize("operator", [BicubicVideoProcessor, BicubicVideoFusionOpProcessor])
def test_floats_of_the_later_form(operator):
    """Floats are resampled without rounding, also to a size chosen by the processor."""
    frames = clip(2, 60, 80).float() + 0.25
    made = operator().interp(frames, 2, [0, 1], 60, 80, 56, 84, scale=255)
    resized = torch.nn.functional.interpolate(frames, (56, 84), mode="bilinear", antialias=True)
    if operator is BicubicVideoProcessor:
        expected = (resized * np.float32(1 / 255) - 0.5) / 0.5
        tolerance = 2e-7  # it rescales in float64
    else:
        expected, tolerance = (resized - 127.5) / 127.5, 0
    patches = expected.reshape(2, 3, 4, 14, 6, 14).permute(0, 2, 4, 1, 3, 5).reshape(-1, 3, 14, 14)
    assert (made["pixel_values_videos"] - patches).abs().max() <= tolerance


@pytest.mark.parametrize("operator", [BicubicVideoProcessor, BicubicVideoFusionOpProcessor])
@pytest.mark.parametrize("array", [True, False], ids=["array", "tensor"])
def test_channels_last_that_the_processor_takes_for_first(operator, array):
    """The processor passes W and 3 as sides of (T, H, W, 3); its own path detects the layout."""
    video = clip(3, 60, 80)
    last = video.permute(0, 2, 3, 1).contiguous()
    frames = last.numpy() if array else last
    expected = operator().interp(video, 3, [0, 2], 60, 80, 0, 0)
    made = operator().interp(frames, 3, [0, 2], 80, 3, 0, 0)
    assert_bits(made, expected)
