"""Whether tensors that were made before are those that a processor would make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from keye_vl_rs._patches.pixel_config import VideoSettings

if TYPE_CHECKING:
    from keye_vl_rs._slow_fast.sizes import Size

__all__ = ["VideoSettings", "contradictions"]


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
    """Tell if numbers are equal; means and deviations in float32, as they are computed with."""
    if not isinstance(one, tuple):
        return bool(one == other)
    import numpy as np

    return np.array_equal(np.asarray(one, np.float32), np.asarray(other, np.float32))
