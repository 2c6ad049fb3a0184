"""Provide inputs for the published vision_process and for ours, and compare the results."""

from __future__ import annotations

import base64
import collections
import io
import math

import numpy as np
import torch
from keye_vl_utils import vision_process as reference
from PIL import Image

from keye_vl_rs import vision_process as ours
from support import clips

clips.decord()

TOKEN = 28 * 28


def assert_same(actual, expected, where="result"):
    """Assert equal types, dtypes, shapes, strides and bits in nested values."""
    assert type(actual) is type(expected), where
    if isinstance(expected, torch.Tensor):
        assert actual.dtype == expected.dtype, where
        assert actual.shape == expected.shape, where
        assert actual.stride() == expected.stride(), where
        assert torch.equal(actual, expected), where
    elif isinstance(expected, Image.Image):
        assert (actual.mode, actual.size) == (expected.mode, expected.size), where
        assert actual.tobytes() == expected.tobytes(), where
    elif isinstance(expected, dict):
        assert list(actual) == list(expected), where
        for key, value in expected.items():
            assert_same(actual[key], value, f"{where}[{key!r}]")
        if isinstance(expected, collections.defaultdict):
            assert actual.default_factory is expected.default_factory
    elif isinstance(expected, (list, tuple)):
        assert len(actual) == len(expected), where
        for index, (a, b) in enumerate(zip(actual, expected, strict=True)):
            assert_same(a, b, f"{where}[{index}]")
    elif isinstance(expected, float) and math.isnan(expected):
        assert math.isnan(actual), where
    else:
        assert actual == expected, where


def assert_fetches_alike(ele, **kwargs):
    expected = reference.fetch_video(dict(ele), **kwargs)
    actual = ours.fetch_video(dict(ele), **kwargs)
    assert_same(actual, expected)
    return actual


def noise(count, height, width, seed=0, low=0, high=256):
    """Return noise (T, 3, H, W), a view of channels-last memory."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(low, high, (count, height, width, 3), dtype=np.uint8)
    return torch.from_numpy(frames).permute(0, 3, 1, 2)


def scenes(lengths, height, width, seed=0):
    """Return a still picture for each of ``lengths`` frames, with little noise and cuts between.

    Blocks are white or dark red, whose hue, saturation and value have a cosine far below 0.7.
    """
    rng = np.random.default_rng(seed)
    colours = np.array([[240, 240, 240], [60, 0, 0]], np.uint8)
    blocks = colours[rng.integers(0, 2, (len(lengths), 6, 6))].repeat(lengths, axis=0)
    rows, columns = np.arange(height) * 6 // height, np.arange(width) * 6 // width
    frames = blocks[:, rows][:, :, columns]
    return torch.from_numpy(frames).permute(0, 3, 1, 2) + noise(
        len(frames), height, width, seed + 1, high=9
    )


def pictures(count, width=90, height=70, **kwargs):
    return [Image.fromarray(clips.picture(width, height, 9 * i), **kwargs) for i in range(count)]


def data_url(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


CUTS = scenes([4, 1, 5, 2, 8], 180, 320)
