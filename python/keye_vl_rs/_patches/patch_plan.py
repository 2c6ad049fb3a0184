"""Images, or frames of one size, checked and made into patches: by the core wherever it can."""

from __future__ import annotations

import logging
import math
from typing import Any, TypeAlias

import torch
from numpy.typing import NDArray
from PIL import Image
from transformers.image_utils import ChannelDimension, infer_channel_dimension_format

from keye_vl_rs._patches.accepted_inputs import frame_pixels, image_array, shape_of
from keye_vl_rs._patches.images import Picture, write_pictures
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.reference import plain_patches, why_plain
from keye_vl_rs._patches.tensors import empty_patches
from keye_vl_rs._util.shorten import short_number
from keye_vl_rs._util.warn_once import warn_once
from keye_vl_rs.errors import FramesShapeError, SizeError, naming
from keye_vl_rs.limits import check_resized

__all__ = ["Prepared", "prepare", "write_prepared"]

logger = logging.getLogger(__name__)

Grid: TypeAlias = tuple[int, int, int]
"""(frames, rows, columns) of patches."""

Prepared: TypeAlias = tuple[list[Picture] | torch.Tensor, Grid]
"""Frames of one grid for the core, or patches that it cannot make; and their grid."""


def prepare(
    frames: list[Any] | NDArray[Any] | torch.Tensor, config: PixelConfig, name: str
) -> Prepared:
    """Check frames of one size, and what is to become of them; errors begin with ``name``."""
    with naming(name):
        return _checked(frames, config, name)


def _checked(
    frames: list[Any] | NDArray[Any] | torch.Tensor, config: PixelConfig, name: str
) -> Prepared:
    if len(frames) == 0:
        raise FramesShapeError("a video or image list is empty")
    pixels = [frame_pixels(frame, config.do_convert_rgb, config.exif) for frame in frames]
    channels_first = config.channels_first
    if isinstance(frames[0], Image.Image):
        channels_first = False
    elif channels_first is None:
        channels_first = _has_channels_first(pixels[0])
    if channels_first:
        pixels = [image_array(one).transpose(1, 2, 0) for one in pixels]
    shapes = [shape_of(one) for one in pixels]
    height, width, channels = shapes[0]
    if config.do_normalize and channels != len(config.image_mean):
        raise FramesShapeError(
            f"an image has {channels} channels, image_mean {len(config.image_mean)} values"
        )
    size = config.target_size(height, width)
    for place, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise FramesShapeError(
                f"frame {place} is of {_shown(shape)}, frame 0 of {_shown(shapes[0])}: "
                "expected frames of one size"
            )
    if any(side % config.patch_size or side == 0 for side in size):
        raise SizeError(
            f"size {short_number(size[0])}x{short_number(size[1])} is not a multiple of "
            f"patch_size, {config.patch_size}"
        )
    if config.do_resize:
        check_resized(size, "the pixels", frames=len(pixels))
    grid = (len(pixels), size[0] // config.patch_size, size[1] // config.patch_size)
    reason = why_plain(pixels, size, config)
    if reason is not None:
        warn_once(logger, f"images and frames take the plain path, which is slower: {reason}")
        return plain_patches([image_array(one) for one in pixels], size, config), grid
    pictures = zip(pixels, shapes, strict=True)
    return [Picture(name, one, (shape[0], shape[1]), size) for one, shape in pictures], grid


def write_prepared(ready: list[Prepared], config: PixelConfig) -> torch.Tensor:
    """Write the patches of all images or videos, each to its place in one tensor."""
    if config.fused() is None or any(isinstance(made, torch.Tensor) for made, _ in ready):
        parts = [
            r[0] if isinstance(r[0], torch.Tensor) else write_prepared([r], config) for r in ready
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)
    counts = [math.prod(grid) for _, grid in ready]
    patches = empty_patches(sum(counts), config.patch_size, config.dtype)
    pictures = [(one, rows * columns) for made, (_, rows, columns) in ready for one in made]
    places = patches.split([count for _, count in pictures])
    write_pictures([one for one, _ in pictures], config, places)
    return patches


def _shown(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{width}x{height} pixels with {channels} channels"


def _has_channels_first(image: Any) -> bool:
    """Tell if an array is (C, H, W), with 1 or 3 channels, and not (H, W, C).

    Raises:
        FramesShapeError: it has neither one nor three of them.
    """
    try:
        found = infer_channel_dimension_format(image)
    except ValueError:
        raise FramesShapeError(
            f"an image has shape {tuple(image.shape)}: expected 1 or 3 channels, first or last"
        ) from None
    return bool(found == ChannelDimension.FIRST)
