"""Apply the sampling rules of Keye-VL-8B-Preview: frames in twos, and no frame types.

They are those of keye_vl_utils 1.0.0.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._sampling.indices import spaced_indices
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs._util.shorten import short_number, short_repr
from keye_vl_rs._util.validation import (
    exact_count,
    number_from_zero,
    optional_number,
    positive_number,
)
from keye_vl_rs.errors import InvalidArgumentError

if TYPE_CHECKING:
    import torch

__all__ = [
    "COUNT_OPTIONS",
    "RANGE_OPTIONS",
    "READING_OPTIONS",
    "FrameRange",
    "PreviewCounter",
    "PreviewRules",
    "frame_range",
    "read_video_file",
]

logger = logging.getLogger(__name__)

# Takes a video's options, its number of frames and its frames per second; returns (first, last,
# number) of the frames to sample from.
FrameRange = Callable[[dict[str, Any], int, float], tuple[int, int, int]]
# Takes the same; returns the number of frames to sample.
PreviewCounter = Callable[[dict[str, Any], int, float], int]

# Options stay in the message's dictionary here, unlike those of Keye-VL-1.5 (VideoOptions):
# keye_vl_utils 1.0.0 reads other ones, treats an option that is None differently from one that is
# missing, and passes the dictionary to functions that programs replace.
COUNT_OPTIONS = ("fps", "num_frames", "nframes", "min_frames", "max_frames", "total_pixels")
"""The options that say how many frames of a video are sampled, and their pixels together."""
RANGE_OPTIONS = ("video_start", "video_end")
"""The options that :func:`frame_range` reads."""
READING_OPTIONS = ("timeout", "on_error")
"""The options that are passed on to :func:`~keye_vl_rs._sampling.video.sample_video`. The prompt of
this model has no timestamps."""


@dataclass(frozen=True)
class PreviewRules:
    """Hold the constants of keye_vl_utils 1.0.0, or those that a program has set instead.

    Attributes:
        frame_factor: the number of sampled frames is a multiple of it.
        fps: frames per second to sample, unless a video has its own ``fps``.
        min_frames: minimum number of frames when sampling by ``fps``.
        max_frames: maximum number of frames when sampling by ``fps``.
        total_pixels: maximum number of pixels of all frames of a video together.
    """

    frame_factor: int
    fps: float
    min_frames: int
    max_frames: int
    total_pixels: float

    def count_frames(self, ele: dict[str, Any], total_frames: int, video_fps: float) -> int:
        """Return the number of frames to sample.

        Args:
            ele: the options of a video, as for :func:`keye_vl_rs.preview.smart_nframes`.
            total_frames: frames of the video.
            video_fps: frames per second of the video.

        Raises:
            InvalidArgumentError: both ``fps`` and ``nframes`` are given, a number is out of range,
                or the video has too few frames. A video with a single frame is an exception: that
                frame is repeated ``frame_factor`` times.
        """
        number_from_zero("total_frames", total_frames)
        factor = self.frame_factor
        if ele.get("num_frames") is not None:
            return self.count_exactly(ele, total_frames)
        if "fps" in ele and "nframes" in ele:
            raise InvalidArgumentError(
                f"fps is {short_repr(ele['fps'])} and nframes is {short_repr(ele['nframes'])}: "
                "expected one of them"
            )
        if "nframes" in ele:
            count = round(positive_number("nframes", ele["nframes"]) / factor) * factor
        else:
            count = self._count_by_fps(ele, total_frames, video_fps)
        if total_frames == 1 and "nframes" not in ele:
            return factor
        if not factor <= count <= total_frames:
            raise InvalidArgumentError(
                f"cannot sample {short_number(count)} of {total_frames} frames: expected at least "
                f"{factor}, and no more than the video has"
            )
        return count

    def _count_by_fps(self, ele: dict[str, Any], total_frames: int, video_fps: float) -> int:
        factor = self.frame_factor
        fps = optional_number(ele, "fps", self.fps)
        least = number_from_zero("min_frames", ele.get("min_frames", self.min_frames))
        least = math.ceil(least / factor) * factor
        most = optional_number(ele, "max_frames", min(self.max_frames, total_frames))
        most = math.floor(most / factor) * factor
        wanted = total_frames / positive_number("the video's frame rate", video_fps) * fps
        if wanted > total_frames:
            logger.warning("fps asks for %g frames, but the video has %d", wanted, total_frames)
        return math.floor(min(max(wanted, least), most, total_frames) / factor) * factor

    def count_exactly(self, ele: dict[str, Any], total_frames: int) -> int:
        """Return the smaller of a video's ``num_frames`` and ``max_frames``.

        Raises:
            InvalidArgumentError: that is not a multiple of ``frame_factor``, or exceeds
                ``total_frames``.
        """
        count = exact_count("num_frames", ele, total_frames)
        if count % self.frame_factor:
            raise InvalidArgumentError(
                f"num_frames selects {count} frames: expected a multiple of {self.frame_factor}, "
                "because this model processes frames in pairs"
            )
        return count


def frame_range(ele: dict[str, Any], total_frames: int, video_fps: float) -> tuple[int, int, int]:
    """Return (first, last, number) of the frames between ``video_start`` and ``video_end``.

    Args:
        ele: may hold the two, in seconds; they are converted to frame numbers by ``video_fps``.
        total_frames: frames of the video.
        video_fps: frames per second of the video.

    Raises:
        InvalidArgumentError: there are fewer than two frames between them, or a number is out of
            range.
    """
    start, end = ele.get("video_start"), ele.get("video_end")
    if start is None and end is None:
        return 0, total_frames - 1, total_frames
    duration = total_frames / positive_number("the video's frame rate", video_fps)
    first, last = 0, total_frames - 1
    if start is not None:
        first = math.ceil(_clamp_seconds("video_start", start, duration) * video_fps)
    if end is not None:
        last = min(math.floor(_clamp_seconds("video_end", end, duration) * video_fps), last)
    if first >= last:
        raise InvalidArgumentError(
            f"video_start is {short_repr(start)} and video_end is {short_repr(end)}: expected at "
            f"least two frames between them, of {total_frames} at {video_fps:g} per second "
            f"({duration:.2f} s)"
        )
    return first, last, last - first + 1


def _clamp_seconds(name: str, value: Any, duration: float) -> float:
    if isinstance(value, (int, float)) and value < 0:
        return 0.0
    return min(number_from_zero(name, value), duration)


def read_video_file(
    ele: dict[str, Any], select: FrameRange, count: PreviewCounter
) -> tuple[torch.Tensor, float]:
    """Decode evenly spaced frames of ``ele["video"]``, and return them with their frame rate.

    Args:
        ele: the video of a message, with its options.
        select: :func:`frame_range`, or a program's replacement of it.
        count: :meth:`PreviewRules.count_frames`, or a program's replacement of it.

    Returns:
        The frames, uint8 (T, 3, H, W) at the video's own size, and sampled frames per second.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as for
            :func:`keye_vl_rs._sampling.video.sample_video`.
    """
    rate = 0.0

    def choose(total: int, fps: float) -> torch.Tensor:
        nonlocal rate
        first, last, frames = select(ele, total, fps)
        sampled = count(ele, frames, fps)
        rate = sampled / max(frames, 1e-6) * fps
        return spaced_indices(first, last, sampled)

    options = {key: ele[key] for key in READING_OPTIONS if ele.get(key) is not None}
    return sample_video(ele["video"], choose, timestamps=None, **options).frames, rate
