"""Build the arguments that describe sampled videos to a processor, as keye_vl_utils does."""

from __future__ import annotations

import collections
import logging
from typing import TYPE_CHECKING, Any

from keye_vl_rs._sampling.video_options import VideoOptions, video_name
from keye_vl_rs._slow_fast.plan import plan_checked_sizes
from keye_vl_rs._util.model import SLOW

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs._sampling.rules import VideoRules

__all__ = ["collate_kwargs", "video_kwargs"]

logger = logging.getLogger(__name__)


def video_kwargs(
    options: VideoOptions,
    frames: torch.Tensor,
    timestamps: torch.Tensor | None,
    frame_types: torch.Tensor,
    rules: VideoRules,
) -> dict[str, Any]:
    """Plan the sizes of a video's frames and return them as a processor takes them.

    Their names are :data:`keye_vl_rs._slow_fast.video_arguments.VIDEO_KWARGS`.

    Args:
        options: the video with its options.
        frames: the sampled frames, uint8 (T, 3, H, W).
        timestamps: their times in seconds, float32 (T,); None leaves them out of the result.
        frame_types: int32 (T,), 0 slow and 1 fast.
        rules: the defaults for ``options``.

    Raises:
        LimitError: the frames would exceed ``resized_pixels`` or ``resized_video_pixels``.
        AspectRatioError, SizeError, InvalidArgumentError: there is no such size.
    """
    slow_frames = frame_types.tolist().count(SLOW)
    slow, fast = plan_checked_sizes(
        options,
        (frames.shape[2], frames.shape[3]),
        slow_frames,
        len(frame_types) - slow_frames,
        rules,
        video_name(options.source),
    )
    logger.debug("video of %d frames: slow %s, fast %s", len(frame_types), slow, fast)
    kwargs: dict[str, Any] = {
        "height": slow[0],
        "width": slow[1],
        "fast_height": fast[0],
        "fast_width": fast[1],
    }
    if timestamps is not None:
        kwargs["timestamps"] = timestamps
    kwargs["frame_types"] = frame_types
    return kwargs


def collate_kwargs(
    videos: Sequence[dict[str, Any]], names: Sequence[str] | None = None
) -> dict[str, list[Any]]:
    """Return one list per name from the :func:`video_kwargs` of several videos.

    Every list has one entry per video, None where a video has no timestamps. keye_vl_utils leaves
    missing timestamps out, so that those of the next video take their place.

    Args:
        videos: the arguments of each video.
        names: ignore others, which a program's own ``fetch_video`` may add; None for all.
    """
    collated: dict[str, list[Any]] = collections.defaultdict(list)
    for name in dict.fromkeys(name for kwargs in videos for name in kwargs):
        if names is None or name in names:
            collated[name] = [kwargs.get(name) for kwargs in videos]
    return collated
