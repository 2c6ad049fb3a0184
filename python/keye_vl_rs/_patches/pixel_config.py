"""Define the configuration by which a call's pixels become the values that the model reads.

Processors, :func:`keye_vl_rs.preprocess_video` and the streaming path share one
:class:`PixelConfig`. Its settings that affect tensors, ``VideoSettings``, are recorded with each
preprocessed video.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._patches.dtypes import check_dtype, pixel_dtype
from keye_vl_rs._patches.video_settings import VideoSettings
from keye_vl_rs._slow_fast.sizes import (
    CHANNELS,
    TOKEN_PIXELS,
    Size,
    smart_resize,
)

if TYPE_CHECKING:
    import torch

__all__ = ["MAX_PIXELS", "MIN_PIXELS", "PixelConfig"]

# Limits for an image: 4 to 1280 tokens.
MIN_PIXELS, MAX_PIXELS = 4 * TOKEN_PIXELS, 1280 * TOKEN_PIXELS


@dataclass(frozen=True)
class PixelConfig(VideoSettings):
    """Hold the complete configuration of one call.

    Attributes:
        do_rescale: whether values are multiplied by ``rescale_factor``.
        do_normalize: whether ``image_mean`` and ``image_std`` are applied.
        do_convert_rgb: whether each ``PIL.Image`` is converted to RGB.
        channels_first: whether arrays have their channels first; None to infer it, from the
            dimension that has 1 or 3 elements.
        dtype: dtype of the patches: float32 (also if None), bfloat16 or float16.
        exif: whether the EXIF orientation of each ``PIL.Image`` is applied.
    """

    do_rescale: bool = True
    do_normalize: bool = True
    do_convert_rgb: bool = True
    channels_first: bool | None = None
    dtype: torch.dtype | None = None
    exif: bool = False

    def __post_init__(self) -> None:
        """Raise :class:`InvalidArgumentError` for a dtype that patches cannot have."""
        if self.dtype is not None:
            check_dtype(self.dtype)

    def target_size(self, height: int, width: int) -> Size:
        """Return the (height, width) to which an image of this size is resized."""
        if not self.do_resize:
            return height, width
        if self.fixed_size is not None:
            return self.fixed_size
        factor = self.patch_size * self.merge_size
        low = MIN_PIXELS if self.min_pixels is None else self.min_pixels
        high = MAX_PIXELS if self.max_pixels is None else self.max_pixels
        sides = (height, width)
        size = smart_resize(height, width, factor, low, high)
        if min(round(side / factor) for side in sides) == 0:
            # A side below half a token rounds to zero here, so that the image counts as too small
            # and is enlarged. In the rule for videos, the side rounds to one token.
            grow = math.sqrt(low / (height * width))
            height, width = (math.ceil(side * grow / factor) * factor for side in sides)
            return height, width
        return size

    def fused(self) -> dict[str, Any] | None:
        """Return the Rust core's arguments for the steps after the resize.

        They are those of :func:`keye_vl_rs._patches.tensors.video_patches`; None if the core cannot
        do these steps.
        """
        if self.why_not_fused() is not None:
            return None

        return {
            "dtype": pixel_dtype(self.dtype),
            "patch_size": self.patch_size,
            "rescale_factor": self.rescale_factor if self.do_rescale else 1.0,
            "image_mean": self.image_mean if self.do_normalize else (0.0, 0.0, 0.0),
            "image_std": self.image_std if self.do_normalize else (1.0, 1.0, 1.0),
        }

    def why_not_fused(self) -> str | None:
        """Return why the Rust core cannot do the steps after the resize, or None."""
        if len(self.image_mean) != CHANNELS:
            return f"image_mean has {len(self.image_mean)} values"
        if not (self.do_rescale or self.do_normalize):
            return "neither do_rescale nor do_normalize is set"
        return None
