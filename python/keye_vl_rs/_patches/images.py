"""Compute patches of images with the bytes of Pillow's resize: in the Rust core, in parallel.

The core resizes an image where its results are known to equal Pillow's (see ``pillow_compat``), and
Pillow resizes all others. Pillow may keep a decoded image in several blocks of memory, and copying
it as a whole would take as long as resizing it. It is therefore read in strips that fit in the
cache.
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
from keye_vl_rs._media.images import pillow_errors
from keye_vl_rs._patches.accepted_inputs import is_rgb, rgb_pixels
from keye_vl_rs._patches.dtypes import dtype_name
from keye_vl_rs._patches.pillow_compat import (
    KERNELS,
    exports_raw_memory,
    memory_of,
    resize_matches,
    resizes_horizontally_first,
)
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._slow_fast.sizes import Size
from keye_vl_rs._util.threads import map_in_threads
from keye_vl_rs.errors import naming

__all__ = ["SourceImage", "write_image_patches"]

Pixels: TypeAlias = Image.Image | NDArray[np.uint8]
"""An image in mode RGB, or an array (H, W, 3)."""

# Bytes of the image that one call reads: they fit in the cache, and in one of Pillow's blocks.
_STRIP_BYTES = 2 << 20
# Tasks per thread, so that the threads finish at about the same time.
_TASKS_PER_THREAD = 4


@dataclass(frozen=True)
class SourceImage:
    """Hold an image to be turned into patches.

    Attributes:
        name: its name in error messages.
        pixels: a ``PIL.Image`` that is or will become RGB, or uint8 (H, W, 3).
        size: (height, width) of ``pixels``.
        target: (height, width) to resize to, in whole tokens.
    """

    name: str
    pixels: Image.Image | NDArray[np.uint8]
    size: Size
    target: Size


@dataclass(frozen=True)
class _Task:
    """Hold a thread's unit of work: some bands (rows of patches) of an image."""

    image: SourceImage
    in_core: bool  # whether the Rust core resizes it, or Pillow
    bands: tuple[int, int]
    out: NDArray[Any]  # the patches of the whole image
    lock: threading.Lock  # for the file that the image may read from


def write_image_patches(
    images: Sequence[SourceImage], config: PixelConfig, outs: Sequence[torch.Tensor]
) -> None:
    """Write the patches of images, with as many threads as the Rust core uses.

    Args:
        images: the images.
        config: how pixels become values; the core must support it.
        outs: for each image a contiguous tensor (patches, 3, patch, patch), whose dtype is that of
            the patches.

    Raises:
        KeyeVLError: the error of the first image that failed.
    """
    kernel = KERNELS.get(config.resample) if config.do_resize else None
    cached: dict[tuple[Size, Size], _core.ImageBands] = {}
    arguments = config.fused()
    assert arguments is not None, "the Rust core supports the configuration"
    arguments["dtype"] = dtype_name(arguments["dtype"])
    # The bands know it.
    del arguments["patch_size"]

    def write(task: _Task) -> None:
        pixels, size = _load(task.image, task.lock), task.image.size
        target = task.image.target
        if not task.in_core:
            pixels, size = _pillow_resize(pixels, target, config.resample), target
        if (size, target) not in cached:
            cached[size, target] = _image_bands(size, target, config.patch_size, kernel)
        _write_bands(cached[size, target], pixels, task.bands, task.out, arguments)

    map_in_threads(write, list(_split_into_tasks(images, config, kernel, outs)))


def _split_into_tasks(
    images: Sequence[SourceImage],
    config: PixelConfig,
    kernel: str | None,
    outs: Sequence[torch.Tensor],
) -> Iterator[_Task]:
    """Yield the tasks in order: one per image, or several if there are few images."""
    threads = _core.thread_count()
    wanted = 1 if threads == 1 else math.ceil(_TASKS_PER_THREAD * threads / len(images))
    locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
    for image, out in zip(images, outs, strict=True):
        bits = out if out.dtype == torch.float32 else out.view(torch.uint16)
        in_core = image.size == image.target or (
            kernel is not None
            and resizes_horizontally_first(image.size, image.target)
            and resize_matches(kernel)
        )
        # Conversion to RGB, and Pillow's resize, process an image as a whole.
        converted = isinstance(image.pixels, Image.Image) and not is_rgb(image.pixels)
        bands = image.target[0] // config.patch_size
        tasks = 1 if converted or not in_core else min(wanted, bands)
        lock = locks[id(getattr(image.pixels, "fp", None) or image.pixels)]
        for some in pairwise(bands * task // tasks for task in range(tasks + 1)):
            yield _Task(image, in_core, some, bits.view(-1).numpy(), lock)


def _load(image: SourceImage, lock: threading.Lock) -> Pixels:
    """Return an image's pixels, decoded and converted to RGB.

    Raises:
        UnreadableMediaError: the image is closed or damaged.
    """
    pixels = image.pixels
    if not isinstance(pixels, Image.Image):
        return pixels
    with naming(image.name), pillow_errors():
        with lock:
            pixels.load()
        rgb: Pixels = rgb_pixels(pixels)
    return rgb


def _image_bands(size: Size, target: Size, patch: int, kernel: str | None) -> _core.ImageBands:
    # If the size does not change, the kernel has no effect.
    return _core.ImageBands(size, target, patch_size=patch, kernel=kernel or "pillow-bilinear")


def _write_bands(
    bands: _core.ImageBands,
    pixels: Pixels,
    part: tuple[int, int],
    out: NDArray[Any],
    arguments: dict[str, Any],
) -> None:
    """Write bands ``part[0]`` to ``part[1]`` of ``out``, strip by strip.

    ``arguments`` are those of the core that say how pixels become values.
    """
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
    """Return some rows of an image in a form that the Rust core reads without a copy."""
    if isinstance(pixels, Image.Image):
        strip = pixels.crop((0, top, pixels.width, bottom))
        exported = memory_of(strip) if exports_raw_memory() else None
        if exported is not None:
            return exported
        pixels, top, bottom = np.asarray(strip), 0, strip.height
    # Channels first, so that three rows cannot be mistaken for channels.
    return pixels[top:bottom].transpose(2, 0, 1)


def _pillow_resize(pixels: Pixels, size: Size, resample: int) -> NDArray[np.uint8]:
    if not isinstance(pixels, Image.Image):
        pixels = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(pixels.resize((size[1], size[0]), resample=Image.Resampling(resample)))
