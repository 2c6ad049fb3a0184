"""Check in which cases the Rust core can replace the installed Pillow."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import PIL
from PIL import Image

from keye_vl_rs import _core
from keye_vl_rs._slow_fast.sizes import Size

__all__ = [
    "KERNELS",
    "exports_raw_memory",
    "memory_of",
    "resize_matches",
    "resizes_horizontally_first",
]

KERNELS: dict[int, str] = {
    Image.Resampling.BILINEAR: "pillow-bilinear",
    Image.Resampling.BICUBIC: "pillow-bicubic",
}
# The latest major version of Pillow whose order of passes is known.
_LATEST_KNOWN_PILLOW = 13


def resizes_horizontally_first(size: Size, target: Size) -> bool:
    """Return whether every known Pillow resizes horizontally first, as the Rust core does.

    The other order rounds differently. Pillow 13 resizes vertically first if the height shrinks by
    more than twice as many pixels as the width; some earlier versions, if an image is more than
    100 times as tall as wide.
    """
    (height, width), (to_height, to_width) = size, target
    if height <= to_height or width == to_width:
        return True
    tall = height > 100 * width
    return not tall and height - to_height <= 2 * (width - to_width)


@cache
def resize_matches(kernel: str) -> bool:
    """Return whether the Rust core's resize has the bytes of the installed Pillow; checked once.

    Forks of Pillow round weights differently, and so may compilers.
    """
    if int(PIL.__version__.split(".")[0]) > _LATEST_KNOWN_PILLOW:
        return False
    (resample,) = (Image.Resampling(n) for n, name in KERNELS.items() if name == kernel)
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3), np.uint8)
    # Half of the rows have extreme values only, so that many results are clamped.
    noise[::2] = np.where(noise[::2] > 127, 255, 0)
    for size in [(120, 120), (119, 91), (75, 119), (64, 31), (20, 120)]:
        image = Image.fromarray(noise[: size[0], : size[1]])
        for target in [(28, 28), (56, 28), (56, 112), (140, 168), size]:
            if resizes_horizontally_first(size, target):
                ours = _core.resize(np.asarray(image)[None], *target, kernel=kernel)
                theirs = image.resize((target[1], target[0]), resample)
                if not np.array_equal(ours[0], np.asarray(theirs)):
                    return False
    return True


def memory_of(strip: Image.Image) -> Any:
    """Return an image's memory, four bytes a pixel, as an Arrow array; None if it has none."""
    try:
        return strip.__arrow_c_array__()
    except (AttributeError, ValueError):
        # Pillow before 11.2, or a strip so large that it is stored in several blocks.
        return None


@cache
def exports_raw_memory() -> bool:
    """Return whether the memory that Pillow exports holds the right pixels; checked once.

    Pillow's export ignores the padding of rows that are aligned (``PILLOW_ALIGNMENT``).
    """
    # With this width, rows of any alignment above that of a pixel have padding.
    pixels = np.random.default_rng(1).integers(0, 256, (28, 83, 3), np.uint8)
    bands = _core.ImageBands((28, 83), (28, 84), patch_size=14, kernel="pillow-bilinear")
    exported = memory_of(Image.fromarray(pixels))
    if exported is None:
        return False
    found = []
    for rows in (exported, pixels.transpose(2, 0, 1)):
        found.append(np.empty(28 * 84 * 3, np.float32))
        zeros, ones = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        bands.write_patches(
            rows, 0, 2, found[-1], rescale_factor=1.0, image_mean=zeros, image_std=ones
        )
    return np.array_equal(found[0], found[1])
