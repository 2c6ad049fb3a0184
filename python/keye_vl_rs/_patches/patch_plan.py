"""Plan the patches of images, or of frames of one size, and write them.

The Rust core writes them if it can. Otherwise the plan holds the patches already, computed by the
reference path.
"""

from __future__ import annotations

import logging
import math
from typing import Any, TypeAlias

import torch
from numpy.typing import NDArray
from PIL import Image
from transformers.image_utils import ChannelDimension, infer_channel_dimension_format

from keye_vl_rs._patches.accepted_inputs import frame_pixels, image_array, shape_of
from keye_vl_rs._patches.images import SourceImage, write_image_patches
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._patches.reference import reference_patches, why_reference
from keye_vl_rs._patches.tensors import empty_patches
from keye_vl_rs._slow_fast.sizes import frame_grid
from keye_vl_rs._util.shorten import short_number
from keye_vl_rs._util.warn_once import warn_once
from keye_vl_rs.errors import FramesShapeError, SizeError, naming
from keye_vl_rs.limits import check_resized

__all__ = ["PatchPlan", "plan_patches", "write_planned"]

logger = logging.getLogger(__name__)

Grid: TypeAlias = tuple[int, int, int]
"""(frames, rows, columns) of patches."""

PatchPlan: TypeAlias = tuple[list[SourceImage] | torch.Tensor, Grid]
"""Frames for the Rust core, or patches of the reference path; and their grid."""


def plan_patches(
    frames: list[Any] | NDArray[Any] | torch.Tensor, config: PixelConfig, name: str
) -> PatchPlan:
    """Check an image, or frames of one size, and choose how their patches are computed.

    Args:
        frames: images, or an array or a tensor of them.
        config: how pixels become values.
        name: the prefix of error messages.

    Raises:
        FramesShapeError: there are no frames, or their shapes differ or do not fit ``config``.
        SizeError: the resized frames cannot be cut into patches.
        LimitError: the resized frames exceed the limits.
    """
    with naming(name):
        return _plan(frames, config, name)


def _plan(
    frames: list[Any] | NDArray[Any] | torch.Tensor, config: PixelConfig, name: str
) -> PatchPlan:
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
    for index, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise FramesShapeError(
                f"frame {index} has {_describe(shape)}, frame 0 has {_describe(shapes[0])}: "
                "expected frames of one size"
            )
    if any(side % config.patch_size or side == 0 for side in size):
        raise SizeError(
            f"size {short_number(size[0])}x{short_number(size[1])} is not a multiple of "
            f"patch_size, {config.patch_size}"
        )
    if config.do_resize:
        check_resized(size, "the pixels", frames=len(pixels))
    grid = (len(pixels), *frame_grid(size, config.patch_size))
    reason = why_reference(pixels, size, config)
    if reason is not None:
        warn_once(logger, f"images and frames take the reference path, which is slower: {reason}")
        return reference_patches([image_array(one) for one in pixels], size, config), grid
    sources = zip(pixels, shapes, strict=True)
    return [SourceImage(name, one, (shape[0], shape[1]), size) for one, shape in sources], grid


def write_planned(plans: list[PatchPlan], config: PixelConfig) -> torch.Tensor:
    """Write the patches of all images or videos into one tensor, (patches, C, patch, patch)."""
    if config.fused() is None or any(isinstance(source, torch.Tensor) for source, _ in plans):
        parts = [
            plan[0] if isinstance(plan[0], torch.Tensor) else write_planned([plan], config)
            for plan in plans
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)
    counts = [math.prod(grid) for _, grid in plans]
    patches = empty_patches(sum(counts), config.patch_size, config.dtype)
    images = [(one, rows * columns) for source, (_, rows, columns) in plans for one in source]
    outs = patches.split([count for _, count in images])
    write_image_patches([one for one, _ in images], config, outs)
    return patches


def _describe(shape: tuple[int, int, int]) -> str:
    height, width, channels = shape
    return f"{width}x{height} pixels with {channels} channels"


def _has_channels_first(image: Any) -> bool:
    """Return whether an array with 1 or 3 channels is (C, H, W) rather than (H, W, C).

    Raises:
        FramesShapeError: it has another number of channels.
    """
    try:
        found = infer_channel_dimension_format(image)
    except ValueError:
        raise FramesShapeError(
            f"an image has shape {tuple(image.shape)}: expected 1 or 3 channels, first or last"
        ) from None
    return bool(found == ChannelDimension.FIRST)
