"""How the pixels of one call become the values that the model reads: complete and checked.

Processors, :func:`keye_vl_rs.preprocess_video` and the streaming path share one
:class:`PixelConfig`. The part of it that changes tensors, :class:`VideoSettings`, is recorded with
each preprocessed video.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._patches.dtypes import check_dtype
from keye_vl_rs._slow_fast.sizes import (
    CHANNELS,
    MERGE_SIZE,
    PATCH_SIZE,
    TOKEN_PIXELS,
    Size,
    smart_resize,
)

if TYPE_CHECKING:
    import torch

__all__ = ["MAX_PIXELS", "MIN_PIXELS", "PixelConfig", "VideoSettings"]

# Of one image: 4 to 1280 tokens.
MIN_PIXELS, MAX_PIXELS = 4 * TOKEN_PIXELS, 1280 * TOKEN_PIXELS
_HALVES = (0.5, 0.5, 0.5)
_BILINEAR = 2  # Pillow's number


@dataclass(frozen=True)
class VideoSettings:
    """The settings that the tensors of a :class:`keye_vl_rs.VideoInputs` were made with.

    Their defaults are those of :func:`keye_vl_rs.preprocess_video`. The dtype is not among them:
    the tensors have it.

    Attributes:
        rescale_factor: what bytes were multiplied by; 1 if they were not rescaled.
        image_mean: per channel; 0 if the values were not normalised.
        image_std: per channel; 1 if the values were not normalised.
        resample: the filter, by Pillow's number: 2 is bilinear, 3 bicubic.
        do_resize: whether frames were resized.
        patch_size: side of a patch in pixels.
        merge_size: side of a token in patches.
        min_pixels: the fewest pixels that a frame might have; None for those of keye_vl_utils.
        max_pixels: the most; None for those of keye_vl_utils.
        fixed_size: (height, width) of all frames, where a call set it.
    """

    rescale_factor: float = 1 / 255
    image_mean: tuple[float, ...] = _HALVES
    image_std: tuple[float, ...] = _HALVES
    resample: int = _BILINEAR
    do_resize: bool = True
    patch_size: int = PATCH_SIZE
    merge_size: int = MERGE_SIZE
    min_pixels: float | None = None
    max_pixels: float | None = None
    fixed_size: Size | None = None

    @classmethod
    def of(cls, recipe: PixelConfig) -> VideoSettings:
        """Return what a configuration does to pixels, without how it says so."""
        channels = len(recipe.image_mean)
        return cls(
            rescale_factor=recipe.rescale_factor if recipe.do_rescale else 1.0,
            image_mean=recipe.image_mean if recipe.do_normalize else (0.0,) * channels,
            image_std=recipe.image_std if recipe.do_normalize else (1.0,) * channels,
            resample=recipe.resample,
            do_resize=recipe.do_resize,
            patch_size=recipe.patch_size,
            merge_size=recipe.merge_size,
            min_pixels=recipe.min_pixels,
            max_pixels=recipe.max_pixels,
            fixed_size=recipe.fixed_size,
        )


@dataclass(frozen=True)
class PixelConfig(VideoSettings):
    """What one call does to pixels.

    Attributes:
        do_rescale: whether values are multiplied by ``rescale_factor``.
        do_normalize: whether ``image_mean`` and ``image_std`` are applied.
        do_convert_rgb: whether images of Pillow's become RGB.
        channels_first: where arrays have their channels; None looks for 1 or 3 of them.
        dtype: of the patches: float32 (also if None), bfloat16 or float16.
        exif: whether images of Pillow's are turned as their EXIF orientation says.
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
        """Return the (height, width) that an image of this size is resized to."""
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
            # A side under half a token rounds to nothing here, which makes the image too small and
            # has it grown; in the videos' rule it rounds to one token.
            grow = math.sqrt(low / (height * width))
            height, width = (math.ceil(side * grow / factor) * factor for side in sides)
            return height, width
        return size

    def fused(self) -> dict[str, Any] | None:
        """Return the core's arguments for all that follows the resize, or None if it cannot do it.

        They are those of :func:`keye_vl_rs._patches.tensors.video_patches`.
        """
        if self.why_not_fused() is not None:
            return None
        import torch

        return {
            "dtype": self.dtype or torch.float32,
            "patch_size": self.patch_size,
            "rescale_factor": self.rescale_factor if self.do_rescale else 1.0,
            "image_mean": self.image_mean if self.do_normalize else (0.0, 0.0, 0.0),
            "image_std": self.image_std if self.do_normalize else (1.0, 1.0, 1.0),
        }

    def why_not_fused(self) -> str | None:
        """Return why the core cannot do what follows the resize, or None."""
        if len(self.image_mean) != CHANNELS:
            return f"image_mean has {len(self.image_mean)} values"
        if not (self.do_rescale or self.do_normalize):
            return "neither do_rescale nor do_normalize is set"
        return None
