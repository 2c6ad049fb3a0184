"""Compute patches by the reference path, for what the Rust core does not support.

It runs the steps of the processor of transformers pull request 41040 with NumPy and transformers'
own functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers.image_transforms import normalize, rescale, resize
from transformers.image_utils import ChannelDimension

from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._slow_fast.sizes import CHANNELS, MERGE_SIZE, Size

__all__ = ["reference_patches", "why_reference"]


def why_reference(
    frames: Sequence[Image.Image | NDArray[Any]], size: Size, config: PixelConfig
) -> str | None:
    """Return why the Rust core cannot be used, or None.

    Args:
        frames: images that are or will become RGB, or arrays (H, W, C).
        size: (height, width) to resize to.
        config: how pixels become values.
    """
    reason = config.why_not_fused()
    unit = MERGE_SIZE * config.patch_size
    if reason is not None:
        return reason
    if any(side % unit for side in size):
        return f"the size {size[0]}x{size[1]} is not a multiple of {unit}"
    for frame in frames:
        if isinstance(frame, Image.Image):
            continue
        if frame.dtype != np.uint8:
            return f"pixels are {frame.dtype}, not uint8"
        if frame.shape[2] != CHANNELS:
            return f"there are {frame.shape[2]} channels"
    return None


def reference_patches(arrays: list[NDArray[Any]], size: Size, config: PixelConfig) -> torch.Tensor:
    """Return the patches of resized and normalised frames (H, W, C): (patches, C, patch, patch)."""
    last, done = {"input_data_format": ChannelDimension.LAST}, []
    for image in arrays:
        if config.do_resize:
            image = resize(image, size, resample=Image.Resampling(config.resample), **last)
        if config.do_rescale:
            image = rescale(image, config.rescale_factor, **last)
        if config.do_normalize:
            image = normalize(image, config.image_mean, config.image_std, **last)
        done.append(image)
    frames, patch = np.array(done), config.patch_size
    n, height, width, channels = frames.shape
    grid = frames.reshape(n, height // patch, patch, width // patch, patch, channels)
    patches = grid.transpose(0, 1, 3, 5, 2, 4).reshape(-1, channels, patch, patch)
    pixels = torch.from_numpy(patches)
    return pixels if config.dtype is None else pixels.to(torch.float32).to(config.dtype)
