"""The numbers by which videos are sampled, compared and resized, and how many frames that makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._util.model import FACTOR, TOKEN_PIXELS
from keye_vl_rs._util.validation import (
    exact_count,
    optional_number,
    positive_integer,
    positive_number,
)

__all__ = ["FrameCounter", "VideoRules"]

# How many of so many frames, at so many a second, are sampled for a video with such options.
FrameCounter = Callable[[dict[str, Any], int, float], int]


@dataclass(frozen=True)
class VideoRules:
    """The numbers of keye_vl_utils 1.5.2, or those that a program has set in their place.

    Attributes:
        factor: both sides of a frame become multiples of it, in pixels.
        max_ratio: the longest side of a frame over its shortest, at most.
        fps: frames per second to sample where a video does not say it.
        min_pixels: the fewest pixels of a frame.
        max_pixels: the most pixels of a slow frame.
        total_pixels: the most pixels of all frames of a video together.
        fast_token_ratio: tokens of a fast frame for each token of a slow one.
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        comparison_pixels: the most pixels at which frames are compared.
    """

    factor: int = FACTOR
    max_ratio: float = 200
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
        """Return how many of ``total_frames`` frames at ``video_fps`` are sampled; one at least.

        Args:
            ele: the options of a video, as for :func:`keye_vl_rs.smart_nframes`.
            total_frames: frames of the video.
            video_fps: frames per second of the video.
            name: of the video, for messages.

        Raises:
            InvalidArgumentError: a number is zero, negative or NaN, or ``num_frames`` is more than
                ``total_frames``; the message names it.
        """
        video_fps = positive_number("the video's frame rate", video_fps)
        fps = min(optional_number(ele, "fps", self.fps), video_fps)
        budget = optional_number(ele, "video_total_pixels", self.total_pixels)
        # A budget below one frame's least still buys that frame.
        frames = budget / optional_number(ele, "min_pixels", self.min_pixels)
        most = max(1, int(min(frames, total_frames)))
        if ele.get("max_frames") is not None:
            most = min(most, positive_integer("max_frames", ele["max_frames"]))
        if ele.get("num_frames") is not None:
            return exact_count("num_frames", ele, total_frames, name)
        return max(1, int(min(total_frames / video_fps * fps, most)))

    def check_counts(self, ele: dict[str, Any]) -> None:
        """Raise for numbers of ``ele`` that are impossible, before a file is opened for nothing."""
        self.count_frames({key: ele[key] for key in ele if key != "num_frames"}, 1, self.fps)
        if ele.get("num_frames") is not None:
            positive_integer("num_frames", ele["num_frames"])
