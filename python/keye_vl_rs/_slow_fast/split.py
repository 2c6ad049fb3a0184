"""Classify the frames of a video as slow or fast."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from keye_vl_rs import _core
from keye_vl_rs._slow_fast.frames import frames_array
from keye_vl_rs._slow_fast.similarity import PATCH_SIMILARITY
from keye_vl_rs._slow_fast.sizes import smart_resize
from keye_vl_rs._util.model import FACTOR, Size
from keye_vl_rs._util.validation import number
from keye_vl_rs.errors import FramesShapeError

if TYPE_CHECKING:
    import torch

    from keye_vl_rs._sampling.rules import VideoRules

__all__ = ["frame_comparer", "slow_fast_splitter", "split_frames"]

# keye_vl_utils uses this size, whatever the factor is.
_PATCHES: dict[str, Any] = {"patch_size": FACTOR, "patch_similarity": PATCH_SIMILARITY}


def split_frames(
    frames: torch.Tensor,
    threshold: float,
    rules: VideoRules,
    resize: Callable[..., Size] | None = None,
) -> torch.Tensor:
    """Return the type of each frame: 0 (slow) or 1 (fast).

    A frame is slow if much has changed since the last slow one.

    Args:
        frames: uint8 (T, 3, H, W) or (T, H, W, 3).
        threshold: a frame is slow if its share of unchanged patches is below this.
        rules: determine the size at which frames are compared.
        resize: called like :func:`keye_vl_rs.smart_resize` for that size; None for this package's.

    Returns:
        int32 (T,).

    Raises:
        FramesShapeError, FramesDtypeError, AspectRatioError: the frames cannot be compared.
        InvalidArgumentError: the threshold is NaN or not a number.
    """
    import torch

    array = frames_array(frames)
    if array.ndim != 4 or not array.size:
        raise FramesShapeError(
            f"frames has shape {array.shape}: expected (T, 3, H, W), T at least 1"
        )
    height, width = frames.shape[2:] if frames.shape[1] == 3 else frames.shape[1:3]
    size = _comparison_size(height, width, rules, resize)
    types = _core.slow_fast(array, *size, **_comparison(threshold))
    return torch.from_numpy(types)


def slow_fast_splitter(
    height: int, width: int, threshold: float, rules: VideoRules
) -> _core.SlowFastSplitter:
    """Return a splitter that classifies frames one by one, like :func:`split_frames`.

    Args:
        height: of the frames.
        width: of the frames.
        threshold: as for :func:`split_frames`.
        rules: as for :func:`split_frames`.
    """
    size = _comparison_size(height, width, rules)
    return _core.SlowFastSplitter(height, width, *size, **_comparison(threshold))


def frame_comparer(height: int, width: int, rules: VideoRules) -> tuple[_core.FrameComparer, Size]:
    """Return a comparer of any two frames, as :func:`slow_fast_splitter` compares, and its size.

    Args:
        height: of the frames.
        width: of the frames.
        rules: as for :func:`split_frames`.
    """
    size = _comparison_size(height, width, rules)
    return _core.FrameComparer(height, width, *size, **_PATCHES), size


def _comparison_size(
    height: int, width: int, rules: VideoRules, resize: Callable[..., Size] | None = None
) -> Size:
    """Return the size at which frames are compared."""
    resize = resize or partial(smart_resize, max_ratio=rules.max_ratio)
    return resize(
        height,
        width,
        factor=rules.factor,
        min_pixels=rules.min_pixels,
        max_pixels=rules.comparison_pixels,
    )


def _comparison(threshold: float) -> dict[str, Any]:
    return {**_PATCHES, "min_frame_similarity": number("min_frame_similarity", threshold)}
