"""Plan the sizes of a video's slow and fast frames, by its options and within limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keye_vl_rs._slow_fast.sizes import plan_sizes
from keye_vl_rs.limits import check_resized_frames

if TYPE_CHECKING:
    from keye_vl_rs._sampling.rules import VideoRules
    from keye_vl_rs._sampling.video_options import VideoOptions
    from keye_vl_rs._util.model import Size

__all__ = ["plan_checked_sizes", "plan_frame_sizes"]


def plan_frame_sizes(
    options: VideoOptions, size: Size, slow_frames: int, fast_frames: int, rules: VideoRules
) -> tuple[Size, Size]:
    """Return the sizes of slow and of fast frames under the token budget.

    Args:
        options: ``min_pixels``, ``max_pixels`` and ``total_pixels`` are read.
        size: (height, width) of the video.
        slow_frames: number of slow frames.
        fast_frames: number of fast frames.
        rules: the defaults for ``options``.

    Raises:
        AspectRatioError, SizeError, InvalidArgumentError: there is no such size.
    """
    return plan_sizes(
        *size,
        slow_frames,
        fast_frames,
        factor=rules.factor,
        min_pixels=options.positive("min_pixels", rules.min_pixels),
        max_pixels=options.positive("max_pixels", rules.max_pixels),
        total_pixels=options.positive("total_pixels", rules.total_pixels),
        video_min_pixels=rules.min_pixels,
        fast_token_ratio=rules.fast_token_ratio,
        max_ratio=rules.max_ratio,
    )


def plan_checked_sizes(
    options: VideoOptions,
    size: Size,
    slow_frames: int,
    fast_frames: int,
    rules: VideoRules,
    name: str,
) -> tuple[Size, Size]:
    """Return :func:`plan_frame_sizes`, if limits allow these sizes.

    ``name`` is the name of the video in messages.

    Raises:
        LimitError: the frames would exceed ``resized_pixels`` or ``resized_video_pixels``.
    """
    sizes = plan_frame_sizes(options, size, slow_frames, fast_frames, rules)
    slow, fast = (height * width for height, width in sizes)
    kinds = [size for size, count in zip(sizes, (slow_frames, fast_frames), strict=True) if count]
    check_resized_frames(kinds, slow_frames * slow + fast_frames * fast, name)
    return sizes
