"""Images into patches with the bytes of Pillow's resize: the only user of ``_core.ImageBands``.

The core resizes as Pillow does wherever that was found to hold (:func:`resizes_alike`); Pillow does
the rest. A decoded image of Pillow's may lie in several pieces of memory, and copying it whole
costs as much as resizing it: it is read in strips that stay in the cache.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import PIL
import torch
from numpy.typing import NDArray
from PIL import Image

from keye_vl_rs import _core
from keye_vl_rs._parallel import map_in_threads
from keye_vl_rs.accepted_inputs import is_rgb, rgb_pixels
from keye_vl_rs.errors import KeyeVLError, UnreadableMediaError
from keye_vl_rs.geometry import Size
from keye_vl_rs.recipe import Recipe
from keye_vl_rs.tensors import dtype_name

__all__ = ["Picture", "resizes_alike", "write_pictures"]

Pixels: TypeAlias = Image.Image | NDArray[np.uint8]
"""An image in mode RGB, or an array (H, W, 3)."""

_KERNELS: dict[int, str] = {
    Image.Resampling.BILINEAR: "pillow-bilinear",
    Image.Resampling.BICUBIC: "pillow-bicubic",
}
# The last version of Pillow whose order of passes is known.
_KNOWN_PILLOW = 13
# Bytes of source that one call reads: they fit in the cache, and in one of Pillow's pieces.
_STRIP_BYTES = 2 << 20
# Parts that each thread should find, so that a slow one does not hold up the others for long.
_PARTS_PER_THREAD = 4


@dataclass(frozen=True)
class Picture:
    """One image on its way.

    Attributes:
        name: what messages call it.
        pixels: an image of Pillow's, in mode RGB or one that is to become it, or uint8 (H, W, 3).
        size: (height, width) of ``pixels``.
        target: (height, width) of its patches, in whole tokens.
    """

    name: str
    pixels: Image.Image | NDArray[np.uint8]
    size: Size
    target: Size


def write_pictures(
    pictures: Sequence[Picture], recipe: Recipe, places: Sequence[torch.Tensor]
) -> None:
    """Fill ``places`` with the patches of ``pictures``, on the project's number of threads.

    Each place is contiguous, (patches, 3, patch, patch), of the dtype that the patches are to have.
    """
    kernel = _KERNELS.get(recipe.resample) if recipe.do_resize else None
    threads = _core.thread_count()
    wanted = 1 if threads == 1 else math.ceil(_PARTS_PER_THREAD * threads / len(pictures))
    # Of images that may read from one file only one is decoded at a time.
    locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
    tasks = []
    for picture, place in zip(pictures, places, strict=True):
        bits = place if place.dtype == torch.float32 else place.view(torch.uint16)
        out = bits.view(-1).numpy()
        in_core = picture.size == picture.target or (
            kernel is not None
            and _rows_before_columns(picture.size, picture.target)
            and resizes_alike(kernel)
        )
        bands = picture.target[0] // recipe.patch_size
        # What is converted or resized by Pillow is done so once.
        converted = isinstance(picture.pixels, Image.Image) and not is_rgb(picture.pixels)
        parts = 1 if converted or not in_core else min(wanted, bands)
        cuts = [bands * part // parts for part in range(parts + 1)]
        lock = locks[id(getattr(picture.pixels, "fp", None) or picture.pixels)]
        tasks += [(picture, in_core, lock, part, out) for part in pairwise(cuts)]
    made: dict[tuple[Size, Size], _core.ImageBands] = {}

    def write(
        task: tuple[Picture, bool, threading.Lock, tuple[int, int], NDArray[Any]],
    ) -> None:
        picture, in_core, lock, part, out = task
        pixels, size = _decoded(picture, lock), picture.size
        if not in_core:
            pixels, size = _pillow_resize(pixels, picture.target, recipe.resample), picture.target
        key = (size, picture.target)
        if key not in made:
            made[key] = _image_bands(*key, recipe.patch_size, kernel)
        _write_bands(made[key], pixels, part, out, recipe)

    map_in_threads(write, tasks)


def _decoded(picture: Picture, lock: threading.Lock) -> Pixels:
    pixels = picture.pixels
    if not isinstance(pixels, Image.Image):
        return pixels
    # Pillow's plug-ins raise what they like on damaged files: SyntaxError, struct.error, ...
    try:
        with lock:
            pixels.load()
        rgb: Pixels = rgb_pixels(pixels)
        return rgb
    except (KeyeVLError, MemoryError):
        raise
    except Exception as error:
        raise UnreadableMediaError(
            f"{picture.name}: is damaged: {type(error).__name__}: {error}"
        ) from error


def _image_bands(size: Size, target: Size, patch: int, kernel: str | None) -> _core.ImageBands:
    # Where the size stays, the kernel says nothing.
    return _core.ImageBands(size, target, patch_size=patch, kernel=kernel or "pillow-bilinear")


def _write_bands(
    bands: _core.ImageBands,
    pixels: Pixels,
    part: tuple[int, int],
    out: NDArray[Any],
    recipe: Recipe,
) -> None:
    """Bands ``part[0]`` to ``part[1]``, strip by strip, to their place in ``out``."""
    arguments = {**(recipe.fused() or {})}
    arguments["dtype"] = dtype_name(arguments["dtype"])
    del arguments["patch_size"]
    elements = out.size // len(bands)
    top, bottom = bands.source_rows(*part)
    width = pixels.width if isinstance(pixels, Image.Image) else pixels.shape[1]
    strips = max(1, (bottom - top) * width * 4 // _STRIP_BYTES)
    step = max(1, (part[1] - part[0]) // strips)
    for first in range(part[0], part[1], step):
        end = min(first + step, part[1])
        rows = _rows(pixels, *bands.source_rows(first, end))
        bands.write_patches(rows, first, end, out[first * elements : end * elements], **arguments)


def _rows(pixels: Pixels, top: int, bottom: int) -> Any:
    """Some rows, as the core reads them."""
    if isinstance(pixels, Image.Image):
        strip = pixels.crop((0, top, pixels.width, bottom))
        shown = _memory_of(strip) if _shows_its_memory() else None
        if shown is not None:
            return shown
        pixels, top, bottom = np.asarray(strip), 0, strip.height
    # Channels first: three rows cannot be taken for channels then.
    return pixels[top:bottom].transpose(2, 0, 1)


def _memory_of(strip: Image.Image) -> Any:
    """Where the pixels lie, four bytes each; None if Pillow does not say."""
    try:
        return strip.__arrow_c_array__()
    except (AttributeError, ValueError):
        # Pillow before 11.2; or the strip is so large that it lies in pieces.
        return None


def _pillow_resize(pixels: Pixels, size: Size, resample: int) -> NDArray[np.uint8]:
    if not isinstance(pixels, Image.Image):
        pixels = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(pixels.resize((size[1], size[0]), resample=Image.Resampling(resample)))


def _rows_before_columns(size: Size, target: Size) -> bool:
    """Whether every known Pillow resizes horizontally first, as the core does.

    Of images that lose much height, Pillow 12.3 and 13 resize some vertically first, which rounds
    differently.
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
    (resample,) = (Image.Resampling(n) for n, name in _KERNELS.items() if name == kernel)
    noise = np.random.default_rng(0).integers(0, 256, (120, 120, 3), np.uint8)
    # Few values between the extremes: much is clamped.
    noise[::2] = np.where(noise[::2] > 127, 255, 0)
    for size in [(120, 120), (119, 91), (75, 119), (64, 31), (20, 120)]:
        image = Image.fromarray(noise[: size[0], : size[1]])
        for target in [(28, 28), (56, 28), (56, 112), (140, 168), size]:
            if _rows_before_columns(size, target):
                ours = _core.resize(np.asarray(image)[None], *target, kernel=kernel)
                theirs = image.resize((target[1], target[0]), resample)
                if not np.array_equal(ours[0], np.asarray(theirs)):
                    return False
    return True


@cache
def _shows_its_memory() -> bool:
    """Whether an image's pixels are where Pillow says that they are; tried once.

    Rows may be aligned (``PILLOW_ALIGNMENT``), which its export of memory passes over.
    """
    pixels = np.random.default_rng(1).integers(0, 256, (28, 84, 3), np.uint8)
    bands = _image_bands((28, 84), (28, 84), 14, None)
    shown = _memory_of(Image.fromarray(pixels))
    if shown is None:
        return False
    found = []
    for rows in (shown, pixels.transpose(2, 0, 1)):
        found.append(np.empty(pixels.size, np.float32))
        zeros, ones = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        bands.write_patches(
            rows, 0, 2, found[-1], rescale_factor=1.0, image_mean=zeros, image_std=ones
        )
    return np.array_equal(found[0], found[1])
