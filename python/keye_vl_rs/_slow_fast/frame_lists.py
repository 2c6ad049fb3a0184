"""Read videos that are given as lists of frames, for both models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from keye_vl_rs._media.deadline import CancelFlag, Deadline
from keye_vl_rs._media.images import map_images
from keye_vl_rs._sampling.indices import frame_indices, frame_times
from keye_vl_rs._sampling.reading import check_on_error
from keye_vl_rs._sampling.timestamps import check_timestamps
from keye_vl_rs._sampling.video_options import VideoOptions, video_name
from keye_vl_rs._slow_fast.resized_images import ImageRules, open_resized
from keye_vl_rs._slow_fast.sizes import smart_resize
from keye_vl_rs._util.model import TOKEN_PIXELS
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import number_from_zero, optional_number
from keye_vl_rs.errors import FramesShapeError, InvalidArgumentError

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from keye_vl_rs._sampling.preview_rules import PreviewRules
    from keye_vl_rs._sampling.rules import FrameCounter, VideoRules
    from keye_vl_rs._util.progress import ProgressCallback

__all__ = [
    "check_list_options",
    "frame_rules",
    "list_deadline",
    "read_frame_list",
    "read_frame_pairs",
]

# Limits of a size that the options state (keye_vl_utils 1.5.2).
_STATED_MIN_PIXELS, _STATED_MAX_PIXELS = 4 * TOKEN_PIXELS, 20480 * TOKEN_PIXELS


def check_list_options(options: VideoOptions) -> None:
    """Raise if a list of frames has options that a call accepts for files only, or no ``fps``.

    Raises:
        InvalidArgumentError: ``video_start`` or ``video_end`` is set, or ``fps`` is None.
    """
    for name in ("video_start", "video_end"):
        seconds = getattr(options, name)
        if seconds is not None:
            raise InvalidArgumentError(
                f"{name} is {short_repr(seconds)}: only files support it; remove frames from the "
                "list instead"
            )
    if options.fps is None:
        raise InvalidArgumentError("fps is None: expected the frame rate of the list of frames")


def list_deadline(
    options: VideoOptions,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Deadline:
    """Check the options of a list of frames that only files use, and start its deadline.

    Check the deadline between stages, and at the end.

    Args:
        options: the list, with its options.
        cancel: cancels the operation.
        progress: is told of progress.

    Raises:
        InvalidArgumentError: ``timeout``, ``on_error``, ``timestamps``, ``video_start``,
            ``video_end``, ``cancel`` or ``progress`` has a value that no video can have.
    """
    check_on_error(options.on_error)
    check_timestamps(options.timestamps)
    for name in ("video_start", "video_end"):
        seconds = getattr(options, name)
        if seconds is not None:
            number_from_zero(options.argument_name(name), seconds)
    return Deadline(video_name(options.source), options.timeout, cancel, progress)


def frame_rules(rules: VideoRules) -> ImageRules:
    """Return how the frames of a list are resized for a video with these rules."""
    resize = partial(
        smart_resize,
        min_pixels=_STATED_MIN_PIXELS,
        max_pixels=_STATED_MAX_PIXELS,
        max_ratio=rules.max_ratio,
    )
    return ImageRules(rules.factor, rules.min_pixels, rules.max_pixels, resize)


def read_frame_list(
    options: VideoOptions,
    parts: Sequence[dict[str, Any]],
    rules: VideoRules,
    image_rules: ImageRules,
    count: FrameCounter | None = None,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return the frames and timestamps of a video given as a list of frames, for Keye-VL-1.5.

    Frames are resized one by one; those that are not sampled are not opened. Without ``fps`` there
    are no timestamps.

    Args:
        options: the list, with its options.
        parts: the frames, each with its options.
        rules: the defaults for ``options``.
        image_rules: the defaults for ``parts``, as :func:`frame_rules` returns them.
        count: returns the number of frames to sample; None for :meth:`VideoRules.count_frames`.

    Returns:
        The frames, uint8 (T, 3, H, W), and their times in seconds, float32 (T,), or None.

    Raises:
        InvalidArgumentError: the list is empty, or a number is invalid.
        FramesShapeError: sampled frames have different sizes after resizing.
        MediaError: a subclass: a frame cannot be read.
    """
    import numpy as np
    import torch

    _check_not_empty(parts)
    rules.check_counts(options)
    fps = options.positive("fps", rules.fps)
    counter = partial(rules.count_frames, options) if count is None else count
    indices = frame_indices(len(parts), counter(len(parts), fps))
    images = _load_frames(parts, indices.tolist(), image_rules)
    arrays = [torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in images]
    timestamps = frame_times(indices, fps) if options.fps else None
    return torch.stack(arrays, dim=0), timestamps


def read_frame_pairs(
    ele: dict[str, Any],
    parts: Sequence[dict[str, Any]],
    rules: PreviewRules,
    image_rules: ImageRules,
) -> tuple[list[Image.Image], float]:
    """Return the frames and the frame rate of a video given as a list, for Keye-VL-8B-Preview.

    All frames are used unless ``num_frames`` says how many. The last one is repeated until their
    number is a multiple of ``rules.frame_factor``.

    Args:
        ele: the video with its options.
        parts: the frames, each with its options.
        rules: the defaults for ``ele``.
        image_rules: the defaults for ``parts``.

    Raises:
        InvalidArgumentError: the list is empty, or a number is invalid.
        FramesShapeError: frames have different sizes after resizing.
        MediaError: a subclass: a frame cannot be read.
    """
    _check_not_empty(parts)
    rate = optional_number(ele, "fps", rules.fps)
    optional_number(ele, "max_frames", rules.max_frames)
    indices = list(range(len(parts)))
    if ele.get("num_frames") is not None:
        count = rules.count_exactly(ele, len(parts))
        indices = frame_indices(len(parts), count).tolist()
        rate = rate * count / len(parts)
    images = _load_frames(parts, indices, image_rules)
    missing = -len(images) % rules.frame_factor
    return images + [images[-1]] * missing, rate


def _check_not_empty(parts: Sequence[Any]) -> None:
    if not parts:
        raise InvalidArgumentError("video is an empty list: expected at least one frame")


def _load_frames(
    parts: Sequence[dict[str, Any]], indices: Sequence[int], rules: ImageRules
) -> list[Image.Image]:
    """Open and resize the frames of a list at some indices.

    Raises:
        FramesShapeError: two of them have different sizes after resizing.
    """
    images = map_images(
        lambda part: open_resized(part, rules, len(indices)),
        [parts[index] for index in indices],
        [f"frame {index}" for index in indices],
    )
    for index, image in zip(indices, images, strict=True):
        if image.size != images[0].size:
            (width, height), (first_width, first_height) = image.size, images[0].size
            raise FramesShapeError(
                f"the frames of a video have different sizes after resizing: frame {index} has "
                f"{width}x{height} pixels, frame {indices[0]} has {first_width}x{first_height}: "
                "expected frames of one size"
            )
    return images
