"""Test columns of thousands of rows against Pillow, at sizes where partial sums wrap."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from keye_vl_rs import _core
from support.core import noise

KERNELS = {"pillow-bilinear": Image.Resampling.BILINEAR, "pillow-bicubic": Image.Resampling.BICUBIC}


@pytest.mark.parametrize(
    ("length", "kernel"),
    [
        *itertools.product([4_000, 8_750, 17_500, 70_000, 400_000], KERNELS),
        (5_931_641, "pillow-bicubic"),  # has the largest total
    ],
)
def test_long_images_have_the_bytes_of_pillow(length, kernel):
    lines = {"noise": noise(length, 1, 3), "white": np.full((length, 1, 3), 255, np.uint8)}
    # Half of the rows, so that the cubic's negative lobes do not reduce the bright middle.
    lines["bar"] = lines["white"] * (
        abs(np.arange(length)[:, None, None] - length // 2) < length // 8
    )
    if length > 1_000_000:
        del lines["noise"]  # its sums are smaller, and each line takes seconds
    for name, tall in lines.items():
        for outputs in (1, 3, 5) if length < 100_000 else (1,):
            for pixels, size in (
                (tall, (outputs, 1)),
                (tall.transpose(1, 0, 2), (1, outputs)),
            ):
                image = Image.fromarray(np.ascontiguousarray(pixels))
                theirs = np.asarray(image.resize(size[::-1], KERNELS[kernel]))
                ours = _core.resize(pixels[None], *size, kernel=kernel)[0]
                assert np.array_equal(ours, theirs), (name, size)
