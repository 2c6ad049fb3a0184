"""What is known of the Pillow that is installed: where the core may work in its place."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import PIL
from PIL import Image

from keye_vl_rs import _core
from keye_vl_rs._slow_fast.sizes import Size

__all__ = ["KERNELS", "memory_of", "resizes_alike", "rows_before_columns", "shows_its_memory"]

KERNELS: dict[int, str] = {
    Image.Resampling.BILINEAR: "pillow-bilinear",
    Image.Resampling.BICUBIC: "pillow-bicubic",
}
# The last version of Pillow whose order of passes is known.
_KNOWN_PILLOW = 13


def rows_before_columns(size: Size, target: Size) -> bool:
    """Whether every known Pillow resizes horizontally first, as the core does.

    Vertically first rounds differently. Pillow 13 does so where more than twice as many rows as
    columns are lost; the versions before it that do so, for images 100 times as tall as wide.
    """
    (height, width), (to_height, to_width) = size, target
    if height <= to_height or width == to_width:
        return True
    tall = height > 100 * width
    return not tall and height - to_height <= 2 * (width - to_width)


@cache
def resizes_alike(kernel: str) -> bool:
    """Whether the core's resize has the bytes of the Pillow that is installed; tried once.

    Forks of Pillow round weights in other ways, and compilers may.
    """
    if int(PIL.__version__.split(".")[0]) > _KNOWN_PILLOW:
        return False
    (resample,) = (Image.Resampling(n) for n, name in KERNELS.items() if name == kernel)
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3), np.uint8)
    # Few values between the extremes: much is clamped.
    noise[::2] = np.where(noise[::2] > 127, 255, 0)
    for size in [(120, 120), (119, 91), (75, 119), (64, 31), (20, 120)]:
        image = Image.fromarray(noise[: size[0], : size[1]])
        for target in [(28, 28), (56, 28), (56, 112), (140, 168), size]:
            if rows_before_columns(size, target):
                ours = _core.resize(np.asarray(image)[None], *target, kernel=kernel)
                theirs = image.resize((target[1], target[0]), resample)
                if not np.array_equal(ours[0], np.asarray(theirs)):
                    return False
    return True


def memory_of(strip: Image.Image) -> Any:
    """Where the pixels lie, four bytes each; None if Pillow does not say."""
    try:
        return strip.__arrow_c_array__()
    except (AttributeError, ValueError):
        # Pillow before 11.2; or the strip is so large that it lies in pieces.
        return None


@cache
def shows_its_memory() -> bool:
    """Whether an image's pixels are where Pillow says that they are; tried once.

    Rows may be aligned (``PILLOW_ALIGNMENT``), which its export of memory passes over.
    """
    # A width with which rows of every other alignment would have padding.
    pixels = np.random.default_rng(1).integers(0, 256, (28, 83, 3), np.uint8)
    bands = _core.ImageBands((28, 83), (28, 84), patch_size=14, kernel="pillow-bilinear")
    shown = memory_of(Image.fromarray(pixels))
    if shown is None:
        return False
    found = []
    for rows in (shown, pixels.transpose(2, 0, 1)):
        found.append(np.empty(28 * 84 * 3, np.float32))
        zeros, ones = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        bands.write_patches(
            rows, 0, 2, found[-1], rescale_factor=1.0, image_mean=zeros, image_std=ones
        )
    return np.array_equal(found[0], found[1])
