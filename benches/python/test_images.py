"""Time the way from decoded images to patches, for the published image processor and ours.

Each case first asserts that all outputs are equal, bit for bit.
"""

from __future__ import annotations

import av
import numpy as np
import pytest
import torch
from PIL import Image

import bench_clips
from keye_vl_rs import KeyeVL1_5ImageProcessor
from oracle.published_processor import preprocess

# Number of images, their (height, width), and how often each side runs.
CASES = {
    "8 of 12 MP": (8, (3000, 4000), 7),
    "8 of 12 MP, upright": (8, (4000, 3000), 7),
    "1 of 12 MP": (1, (3000, 4000), 15),
    "32 of 1080p": (32, (1080, 1920), 7),
    "8 of 1080x2400, by Pillow": (8, (2400, 1080), 7),
}


def photos(count, height, width):
    """Return frames of a clip, enlarged, with the noise of a sensor."""
    rng = np.random.default_rng(0)
    noise = rng.integers(-8, 9, (height, width, 3), np.int16)
    images = []
    with av.open(str(bench_clips.source("bigbuckbunny"))) as container:
        for frame, _ in zip(container.decode(video=0), range(count), strict=False):
            enlarged = frame.to_image().resize((width, height), Image.Resampling.BICUBIC)
            noisy = np.asarray(enlarged) + np.roll(noise, len(images), axis=1)
            images.append(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
    return images


@pytest.mark.parametrize("name", CASES)
def test_images(name, versus):
    count, size, rounds = CASES[name]
    images = photos(count, *size)
    processor = KeyeVL1_5ImageProcessor()

    def ours():
        return processor(images, return_tensors="pt")

    def published():
        return preprocess(images, "image")

    actual, expected = ours(), published()
    assert set(actual) == set(expected)
    for key, value in expected.items():
        assert actual[key].dtype == value.dtype
        assert torch.equal(actual[key], value)
    del actual, expected
    versus(ours, published, rounds)
