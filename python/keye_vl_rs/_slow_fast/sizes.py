"""Compute sizes in pixels, patches and tokens; only this module calls the core's size rules."""

from __future__ import annotations

import math
from operator import index
from typing import TYPE_CHECKING, Any

from keye_vl_rs import _core
from keye_vl_rs._util.model import (
    CHANNELS,
    FACTOR,
    FAST,
    MAX_RATIO,
    MERGE_SIZE,
    PATCH_SIZE,
    SLOW,
    TOKEN_PIXELS,
    Size,
)
from keye_vl_rs._util.shorten import short_number, short_repr
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
    "count_tokens",
    "floor_by_factor",
    "frame_grid",
    "frames_grid",
    "patches_per_frame",
    "plan_sizes",
    "round_by_factor",
    "smart_resize",
    "tokens_of_patches",
    "tokens_per_frame",
]

# Floats represent every integer up to here.
_MAX_PIXELS = 2**53


def round_by_factor(number: float, factor: int) -> int:
    """Return the multiple of ``factor`` nearest to ``number``; ties go to the even multiple."""
    return round(number / factor) * factor


def ceil_by_factor(number: float, factor: int) -> int:
    """Return the smallest multiple of ``factor`` that is at least ``number``."""
    return math.ceil(number / factor) * factor


def floor_by_factor(number: float, factor: int) -> int:
    """Return the largest multiple of ``factor`` that is at most ``number``."""
    return math.floor(number / factor) * factor


def smart_resize(
    height: int,
    width: int,
    factor: int,
    min_pixels: float,
    max_pixels: float,
    max_ratio: float = MAX_RATIO,
) -> Size:
    """Return the size nearest to (height, width) in multiples of ``factor`` within pixel limits.

    Raises:
        AspectRatioError: the longer side is more than ``max_ratio`` times the shorter one.
        SizeError: a side is zero, or too large to count its pixels.
        InvalidArgumentError: a side or ``factor`` is not an int, or a limit is negative or not a
            number.
    """
    _check_whole(height=height, width=width, factor=factor)
    for name, side in (("height", height), ("width", width)):
        if side == 0:
            raise SizeError(f"{name} is 0: expected at least 1 pixel")
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
    """Return the sizes of a video's slow and fast frames, whose pixels share ``total_pixels``.

    Args:
        height: of the video.
        width: of the video.
        slow_frames: number of slow frames.
        fast_frames: number of fast frames.
        factor: both sides become multiples of it.
        min_pixels: minimum of a slow frame.
        max_pixels: maximum of a slow frame.
        total_pixels: maximum of all frames together.
        video_min_pixels: minimum of any frame, even if it exceeds ``total_pixels``.
        fast_token_ratio: tokens of a fast frame divided by tokens of a slow one.
        max_ratio: maximum ratio of the video's longer side to its shorter one.

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
    """Raise for numbers of pixels that the core refuses too, but would write in full."""
    for name, value in limits.items():
        try:
            is_large = value > _MAX_PIXELS
        except TypeError:
            raise InvalidArgumentError(
                f"{name} is {short_repr(value)}: expected a number of pixels"
            ) from None
        if is_large:
            least = "number from 0" if name == "min_pixels" else "positive number up"
            raise InvalidArgumentError(
                f"{name} is {short_number(value)}: expected a {least} to 2**53"
            )


def _check_whole(**sides: Any) -> None:
    """Raise for sides and factors that are not whole numbers."""
    for name, value in sides.items():
        try:
            index(value)
        except TypeError:
            raise InvalidArgumentError(
                f"{name} is {short_repr(value)}: expected a whole number of pixels, as an int"
            ) from None


def frame_grid(size: Size, patch_size: int = PATCH_SIZE) -> tuple[int, int]:
    """Return the (rows, columns) of patches of a frame of ``size``."""
    return size[0] // patch_size, size[1] // patch_size


def patches_per_frame(size: Size, patch_size: int = PATCH_SIZE) -> int:
    """Return the number of patches of a frame of ``size``."""
    rows, columns = frame_grid(size, patch_size)
    return rows * columns


def tokens_of_patches(patches: int, merge_size: int = MERGE_SIZE) -> int:
    """Return the number of tokens of that many patches, ``merge_size**2`` of which make one."""
    return patches // merge_size**2


def tokens_per_frame(size: Size, token_pixels: int = TOKEN_PIXELS) -> int:
    """Return the number of tokens of a frame of ``size``, one for every ``token_pixels`` pixels."""
    return size[0] * size[1] // token_pixels


def frames_grid(
    frame_types: Sequence[int], slow_size: Size, fast_size: Size, patch_size: int = PATCH_SIZE
) -> list[tuple[int, int]]:
    """Return the (rows, columns) of patches of each frame."""
    grids = frame_grid(slow_size, patch_size), frame_grid(fast_size, patch_size)
    return [grids[kind] for kind in frame_types]


def count_patches(
    frame_types: Sequence[int], slow_size: Size, fast_size: Size, patch_size: int = PATCH_SIZE
) -> int:
    """Return the number of patches of all frames of a video."""
    counts = patches_per_frame(slow_size, patch_size), patches_per_frame(fast_size, patch_size)
    return sum(counts[kind] for kind in frame_types)


def count_tokens(frame_types: Sequence[int], slow_size: Size, fast_size: Size) -> int:
    """Return the number of tokens of all frames of a video."""
    counts = tokens_per_frame(slow_size), tokens_per_frame(fast_size)
    return sum(counts[kind] for kind in frame_types)
