"""Define the constants for sampling, comparing and resizing videos, and count sampled frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._util.model import FACTOR, MAX_RATIO, TOKEN_PIXELS
from keye_vl_rs._util.validation import (
    exact_count,
    number_from_zero,
    optional_number,
    positive_integer,
    positive_number,
)

__all__ = ["FrameCounter", "VideoRules"]

# Takes a video's options, its number of frames and its frames per second; returns the number of
# frames to sample.
FrameCounter = Callable[[dict[str, Any], int, float], int]


@dataclass(frozen=True)
class VideoRules:
    """The constants of keye_vl_utils 1.5.2, or those that a program has set instead.

    Attributes:
        factor: both sides of a resized frame are multiples of it, in pixels.
        max_ratio: maximum ratio of a frame's longer side to its shorter one.
        fps: frames per second to sample, unless a video has its own ``fps``.
        min_pixels: minimum number of pixels of a frame.
        max_pixels: maximum number of pixels of a slow frame.
        total_pixels: maximum number of pixels of all frames of a video together.
        fast_token_ratio: tokens of a fast frame per token of a slow one.
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        comparison_pixels: maximum number of pixels at which frames are compared.
    """

    factor: int = FACTOR
    max_ratio: float = MAX_RATIO
    fps: float = 2.0
    min_pixels: float = 48 * TOKEN_PIXELS
    max_pixels: float = 768 * TOKEN_PIXELS
    total_pixels: float = 65536 * TOKEN_PIXELS
    fast_token_ratio: float = 0.3
    min_frame_similarity: float = 0.9
    comparison_pixels: float = 256 * TOKEN_PIXELS

    def count_frames(
        self,
        ele: dict[str, Any],
        total_frames: int,
        video_fps: float,
        name: str = "the video",
    ) -> int:
        """Return the number of frames to sample, which is at least one.

        Args:
            ele: the options of a video, as for :func:`keye_vl_rs.smart_nframes`.
            total_frames: frames of the video.
            video_fps: frames per second of the video.
            name: the video's name in error messages.

        Raises:
            InvalidArgumentError: a number is zero, negative or NaN, or ``num_frames`` exceeds
                ``total_frames``; the message says which.
        """
        video_fps = positive_number("the video's frame rate", video_fps)
        number_from_zero("total_frames", total_frames)
        fps = min(optional_number(ele, "fps", self.fps), video_fps)
        budget = optional_number(ele, "video_total_pixels", self.total_pixels)
        # A budget too small for one frame still allows for one.
        frames = budget / optional_number(ele, "min_pixels", self.min_pixels)
        most = max(1, int(min(frames, total_frames)))
        if ele.get("max_frames") is not None:
            most = min(most, positive_integer("max_frames", ele["max_frames"]))
        if ele.get("num_frames") is not None:
            return exact_count("num_frames", ele, total_frames, name)
        return max(1, int(min(total_frames / video_fps * fps, most)))

    def check_counts(self, ele: dict[str, Any]) -> None:
        """Check the numbers of ``ele`` that do not depend on the video, before it is opened.

        Raises:
            InvalidArgumentError: a number is out of range.
        """
        self.count_frames({key: ele[key] for key in ele if key != "num_frames"}, 1, self.fps)
        if ele.get("num_frames") is not None:
            positive_integer("num_frames", ele["num_frames"])
