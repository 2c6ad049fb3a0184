"""The settings that a preprocessed video was made with, for processors that take it later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._slow_fast.sizes import MERGE_SIZE, PATCH_SIZE, Size

if TYPE_CHECKING:
    from keye_vl_rs._patches.pixel_config import PixelConfig

__all__ = ["VideoSettings", "contradictions"]

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
        """Return the settings with which a processor makes videos."""
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


def contradictions(
    made: VideoSettings, wanted: VideoSettings, sizes: set[Size], own: Size
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name, the made and the wanted value of each setting that gives other tensors.

    Args:
        made: what the tensors were made with.
        wanted: what a processor would make them with.
        sizes: (height, width) of the frames in the tensors.
        own: (height, width) of the video's frames before they were resized.
    """
    for name in ("rescale_factor", "image_mean", "image_std", "resample"):
        if not _same(getattr(made, name), getattr(wanted, name)):
            yield name, getattr(made, name), getattr(wanted, name)
    for name in ("patch_size", "merge_size"):
        if getattr(made, name) != getattr(wanted, name):
            yield name, getattr(made, name), getattr(wanted, name)
    if made.do_resize != wanted.do_resize and sizes != {own}:
        yield "do_resize", made.do_resize, wanted.do_resize
    if wanted.fixed_size not in (None, made.fixed_size) and sizes != {wanted.fixed_size}:
        yield "size", " and ".join(f"{h}x{w}" for h, w in sorted(sizes)), wanted.fixed_size
    pixels = [height * width for height, width in sizes]
    # A call and a processor have other limits by default, and a message may have its own: what the
    # processor demands is that the sizes are within its limits, whatever they were chosen under.
    low, high = wanted.min_pixels, wanted.max_pixels
    if low is not None and low != made.min_pixels and min(pixels) < low:
        yield "min_pixels", f"{made.min_pixels} ({min(pixels)} pixels a frame)", low
    if high is not None and high != made.max_pixels and max(pixels) > high:
        yield "max_pixels", f"{made.max_pixels} ({max(pixels)} pixels a frame)", high


def _same(one: Any, other: Any) -> bool:
    """Whether numbers are equal; means and deviations in float32, as they are computed with."""
    if not isinstance(one, tuple):
        return bool(one == other)
    import numpy as np

    return np.array_equal(np.asarray(one, np.float32), np.asarray(other, np.float32))
