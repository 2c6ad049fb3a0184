"""Images into patches with the bytes of Pillow's resize: in the core, in parallel.

The core resizes as Pillow does wherever that was found to hold (see ``known_pillow``); Pillow does
the rest. A decoded image of Pillow's may lie in several pieces of memory, and copying
it whole costs as much as resizing it: it is read in strips that stay in the cache.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from keye_vl_rs import _core
from keye_vl_rs._patches.accepted_inputs import is_rgb, rgb_pixels
from keye_vl_rs._patches.dtypes import dtype_name
from keye_vl_rs._patches.known_pillow import (
    KERNELS,
    memory_of,
    resizes_alike,
    rows_before_columns,
    shows_its_memory,
)
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._slow_fast.sizes import Size
from keye_vl_rs._util.threads import map_in_threads
from keye_vl_rs.errors import KeyeVLError, UnreadableMediaError

__all__ = ["Picture", "write_pictures"]

Pixels: TypeAlias = Image.Image | NDArray[np.uint8]
"""An image in mode RGB, or an array (H, W, 3)."""

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


@dataclass(frozen=True)
class _Part:
    """What one thread does at a time: some bands (rows of patches) of a picture."""

    picture: Picture
    in_core: bool  # whether the core resizes it; else Pillow does
    bands: tuple[int, int]
    out: NDArray[Any]  # of the whole picture
    lock: threading.Lock  # of the file that the picture may read from


def write_pictures(
    pictures: Sequence[Picture], config: PixelConfig, places: Sequence[torch.Tensor]
) -> None:
    """Fill ``places`` with the patches of ``pictures``, on the project's number of threads.

    Each place is contiguous, (patches, 3, patch, patch), of the dtype that the patches are to have.
    The first error in order is raised.
    """
    kernel = KERNELS.get(config.resample) if config.do_resize else None
    made: dict[tuple[Size, Size], _core.ImageBands] = {}

    def write(part: _Part) -> None:
        pixels, size = _decoded(part.picture, part.lock), part.picture.size
        target = part.picture.target
        if not part.in_core:
            pixels, size = _pillow_resize(pixels, target, config.resample), target
        if (size, target) not in made:
            made[size, target] = _image_bands(size, target, config.patch_size, kernel)
        _write_bands(made[size, target], pixels, part.bands, part.out, config)

    map_in_threads(write, list(_parts(pictures, config, kernel, places)))


def _parts(
    pictures: Sequence[Picture],
    config: PixelConfig,
    kernel: str | None,
    places: Sequence[torch.Tensor],
) -> Iterator[_Part]:
    """The pictures in order: each as a whole, or in parts where there are so few."""
    threads = _core.thread_count()
    wanted = 1 if threads == 1 else math.ceil(_PARTS_PER_THREAD * threads / len(pictures))
    locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
    for picture, place in zip(pictures, places, strict=True):
        bits = place if place.dtype == torch.float32 else place.view(torch.uint16)
        in_core = picture.size == picture.target or (
            kernel is not None
            and rows_before_columns(picture.size, picture.target)
            and resizes_alike(kernel)
        )
        # What is converted, or resized by Pillow, is done so once.
        converted = isinstance(picture.pixels, Image.Image) and not is_rgb(picture.pixels)
        bands = picture.target[0] // config.patch_size
        parts = 1 if converted or not in_core else min(wanted, bands)
        lock = locks[id(getattr(picture.pixels, "fp", None) or picture.pixels)]
        for some in pairwise(bands * part // parts for part in range(parts + 1)):
            yield _Part(picture, in_core, some, bits.view(-1).numpy(), lock)


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
            f"{picture.name}: the PIL.Image is closed or damaged: {type(error).__name__}: {error}: "
            "give one that is open"
        ) from error


def _image_bands(size: Size, target: Size, patch: int, kernel: str | None) -> _core.ImageBands:
    # Where the size stays, the kernel says nothing.
    return _core.ImageBands(size, target, patch_size=patch, kernel=kernel or "pillow-bilinear")


def _write_bands(
    bands: _core.ImageBands,
    pixels: Pixels,
    part: tuple[int, int],
    out: NDArray[Any],
    config: PixelConfig,
) -> None:
    """Bands ``part[0]`` to ``part[1]``, strip by strip, to their place in ``out``."""
    arguments = {**(config.fused() or {})}
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
        shown = memory_of(strip) if shows_its_memory() else None
        if shown is not None:
            return shown
        pixels, top, bottom = np.asarray(strip), 0, strip.height
    # Channels first: three rows cannot be taken for channels then.
    return pixels[top:bottom].transpose(2, 0, 1)


def _pillow_resize(pixels: Pixels, size: Size, resample: int) -> NDArray[np.uint8]:
    if not isinstance(pixels, Image.Image):
        pixels = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(pixels.resize((size[1], size[0]), resample=Image.Resampling(resample)))
