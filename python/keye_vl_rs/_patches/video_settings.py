"""Define the settings that preprocessed tensors were computed with, and compare them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._util.model import MERGE_SIZE, NORMALIZATION, PATCH_SIZE, Size
from keye_vl_rs._util.renamed_argument import renamed_argument

if TYPE_CHECKING:
    from keye_vl_rs._patches.pixel_config import PixelConfig

__all__ = ["VideoSettings", "contradictions"]

_BILINEAR = 2  # Pillow's number


@dataclass(frozen=True)
class VideoSettings:
    """Record the settings that a :class:`keye_vl_rs.VideoInputs` was computed with.

    Their defaults are those of :func:`keye_vl_rs.preprocess_video`. The dtype is not included,
    since the tensors have it.

    Attributes:
        rescale_factor: factor that bytes were multiplied by; 1 if they were not rescaled.
        image_mean: mean per channel; 0 if the values were not normalised.
        image_std: standard deviation per channel; 1 if the values were not normalised.
        resample: the filter, as Pillow's number: 2 for bilinear, 3 for bicubic.
        do_resize: whether frames were resized.
        patch_size: side of a patch in pixels.
        merge_size: side of a token in patches.
        min_pixels: minimum number of pixels of a frame; None for that of keye_vl_utils.
        max_pixels: maximum number of pixels of a frame; None for that of keye_vl_utils.
        fixed_size: (height, width) of all frames, if a call set it.
    """

    rescale_factor: float = 1 / 255
    image_mean: tuple[float, ...] = NORMALIZATION
    image_std: tuple[float, ...] = NORMALIZATION
    resample: int = _BILINEAR
    do_resize: bool = True
    patch_size: int = PATCH_SIZE
    merge_size: int = MERGE_SIZE
    min_pixels: float | None = None
    max_pixels: float | None = None
    fixed_size: Size | None = None

    @classmethod
    @renamed_argument("recipe", "config")
    def of(cls, config: PixelConfig) -> VideoSettings:
        """Return the settings of ``config``, normalised: equal effects give equal settings."""
        channels = len(config.image_mean)
        return cls(
            rescale_factor=config.rescale_factor if config.do_rescale else 1.0,
            image_mean=config.image_mean if config.do_normalize else (0.0,) * channels,
            image_std=config.image_std if config.do_normalize else (1.0,) * channels,
            resample=config.resample,
            do_resize=config.do_resize,
            patch_size=config.patch_size,
            merge_size=config.merge_size,
            min_pixels=config.min_pixels,
            max_pixels=config.max_pixels,
            fixed_size=config.fixed_size,
        )


def contradictions(
    used: VideoSettings, wanted: VideoSettings, sizes: set[Size], original_size: Size
) -> Iterator[tuple[str, Any, Any]]:
    """Compare settings; yield (name, used, wanted) for each that would give other tensors.

    Args:
        used: the settings that the tensors were computed with.
        wanted: the settings of the processor.
        sizes: (height, width) of the frames in the tensors.
        original_size: (height, width) of the video's frames before they were resized.
    """
    for name in ("rescale_factor", "image_mean", "image_std", "resample"):
        if not _same(getattr(used, name), getattr(wanted, name)):
            yield name, getattr(used, name), getattr(wanted, name)
    for name in ("patch_size", "merge_size"):
        if getattr(used, name) != getattr(wanted, name):
            yield name, getattr(used, name), getattr(wanted, name)
    if used.do_resize != wanted.do_resize and sizes != {original_size}:
        yield "do_resize", used.do_resize, wanted.do_resize
    if wanted.fixed_size not in (None, used.fixed_size) and sizes != {wanted.fixed_size}:
        yield "size", " and ".join(f"{h}x{w}" for h, w in sorted(sizes)), wanted.fixed_size
    pixels = [height * width for height, width in sizes]
    # Calls and processors have different limits by default, and messages may set their own. Sizes
    # are therefore only checked against the processor's limits.
    low, high = wanted.min_pixels, wanted.max_pixels
    if low is not None and low != used.min_pixels and min(pixels) < low:
        yield "min_pixels", f"{used.min_pixels} ({min(pixels)} pixels a frame)", low
    if high is not None and high != used.max_pixels and max(pixels) > high:
        yield "max_pixels", f"{used.max_pixels} ({max(pixels)} pixels a frame)", high


def _same(one: Any, other: Any) -> bool:
    """Return whether settings are equal; means and deviations are compared in float32."""
    if not isinstance(one, tuple):
        return bool(one == other)
    import numpy as np

    return np.array_equal(np.asarray(one, np.float32), np.asarray(other, np.float32))
