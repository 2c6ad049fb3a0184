"""Compare the settings of preprocessed tensors with those of a processor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keye_vl_rs._patches.pixel_config import VideoSettings

if TYPE_CHECKING:
    from keye_vl_rs._slow_fast.sizes import Size

__all__ = ["VideoSettings", "contradictions"]


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
