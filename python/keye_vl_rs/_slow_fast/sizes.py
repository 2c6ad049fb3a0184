"""Sizes of frames in pixels, patches and tokens: the only caller of the core's rules for sizes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from keye_vl_rs import _core
from keye_vl_rs._util.model import (
    CHANNELS,
    FACTOR,
    FAST,
    MERGE_SIZE,
    PATCH_SIZE,
    SLOW,
    TOKEN_PIXELS,
    Size,
)
from keye_vl_rs._util.shorten import short_number
from keye_vl_rs.errors import InvalidArgumentError, SizeError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CHANNELS",
    "FACTOR",
    "FAST",
    "MAX_RATIO",
    "MERGE_SIZE",
    "PATCH_SIZE",
    "SLOW",
    "TOKEN_PIXELS",
    "Size",
    "ceil_by_factor",
    "count_patches",
    "floor_by_factor",
    "frames_grid",
    "plan_sizes",
    "round_by_factor",
    "smart_resize",
]

# Up to here a float holds every whole number.
_MOST_PIXELS = 2**53
# The longest side over the shortest, at most.
MAX_RATIO = 200.0


def round_by_factor(number: float, factor: int) -> int:
    """The multiple of ``factor`` nearest to ``number``; halves go to the even one."""
    return round(number / factor) * factor


def ceil_by_factor(number: float, factor: int) -> int:
    """The least multiple of ``factor`` that is not below ``number``."""
    return math.ceil(number / factor) * factor


def floor_by_factor(number: float, factor: int) -> int:
    """The largest multiple of ``factor`` that is not above ``number``."""
    return math.floor(number / factor) * factor


def smart_resize(
    height: int,
    width: int,
    factor: int,
    min_pixels: float,
    max_pixels: float,
    max_ratio: float = MAX_RATIO,
) -> Size:
    """The size nearest to (height, width) in multiples of ``factor`` between two numbers of pixels.

    Raises:
        AspectRatioError: the longer side is more than ``max_ratio`` times the shorter one.
        SizeError: a side is zero, or beyond any number of pixels.
        InvalidArgumentError: a limit is negative or not a number.
    """
    _check_limits(min_pixels=min_pixels, max_pixels=max_pixels)
    try:
        return _core.smart_resize(height, width, factor, min_pixels, max_pixels, max_ratio)
    except OverflowError as error:
        raise SizeError(
            f"height {short_number(height)} and width {short_number(width)} in multiples of "
            f"{factor}: expected less than 2**63"
        ) from error


def plan_sizes(
    height: int,
    width: int,
    slow_frames: int,
    fast_frames: int,
    *,
    factor: int,
    min_pixels: float,
    max_pixels: float,
    total_pixels: float,
    video_min_pixels: float,
    fast_token_ratio: float,
    max_ratio: float = MAX_RATIO,
) -> tuple[Size, Size]:
    """The sizes of a video's slow and of its fast frames, whose pixels share ``total_pixels``.

    Args:
        height: of the video.
        width: of the video.
        slow_frames: how many there are.
        fast_frames: how many there are.
        factor: both sides become multiples of it.
        min_pixels: the fewest of a slow frame.
        max_pixels: the most of a slow frame.
        total_pixels: the most of all frames together.
        video_min_pixels: what no frame goes below, whatever ``total_pixels`` leaves it.
        fast_token_ratio: tokens of a fast frame for each token of a slow one.
        max_ratio: the longest side of the video over its shortest, at most.

    Raises:
        AspectRatioError, SizeError, InvalidArgumentError: as for :func:`smart_resize`.
    """
    _check_limits(min_pixels=min_pixels, max_pixels=max_pixels, total_pixels=total_pixels)
    return _core.plan_sizes(
        height,
        width,
        slow_frames,
        fast_frames,
        factor=factor,
        min_pixels=min_pixels,
        max_pixels=max_pixels,
        total_pixels=total_pixels,
        video_min_pixels=video_min_pixels,
        fast_token_ratio=fast_token_ratio,
        max_ratio=max_ratio,
    )


def _check_limits(**limits: float) -> None:
    """Refuse numbers of pixels that the core refuses too, which would write all of their digits."""
    for name, value in limits.items():
        if value > _MOST_PIXELS:
            least = "number from 0" if name == "min_pixels" else "positive number up"
            raise InvalidArgumentError(
                f"{name} is {short_number(value)}: expected a {least} to 2**53"
            )


def frames_grid(
    frame_types: Sequence[int], slow_size: Size, fast_size: Size, patch_size: int = PATCH_SIZE
) -> list[tuple[int, int]]:
    """(rows, columns) of patches of each frame."""
    grids = [
        (height // patch_size, width // patch_size) for height, width in (slow_size, fast_size)
    ]
    return [grids[kind] for kind in frame_types]


def count_patches(
    frame_types: Sequence[int], slow_size: Size, fast_size: Size, patch_size: int = PATCH_SIZE
) -> int:
    """How many patches the frames of a video are cut into, all together."""
    grids = frames_grid(frame_types, slow_size, fast_size, patch_size)
    return sum(rows * columns for rows, columns in grids)
