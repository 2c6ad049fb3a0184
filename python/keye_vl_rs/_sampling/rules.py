"""Define the constants for sampling, comparing and resizing videos, and count sampled frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._util.model import FACTOR, MAX_RATIO, TOKEN_PIXELS
from keye_vl_rs._util.validation import (
    exact_count,
    number_from_zero,
    positive_integer,
    positive_number,
)

__all__ = ["FrameCounter", "VideoRules"]

FrameCounter = Callable[[int, float], int]
"""Takes the number of frames of a video and its frames per second; returns the number of frames to
sample."""


@dataclass(frozen=True)
class VideoRules:
    """Hold the constants of keye_vl_utils 1.5.2, or those that a program has set instead.

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
        options: VideoOptions,
        total_frames: int,
        video_fps: float,
        name: str = "the video",
    ) -> int:
        """Return the number of frames to sample, which is at least one.

        Args:
            options: ``fps``, ``num_frames``, ``max_frames``, ``min_pixels`` and ``total_pixels``
                are read.
            total_frames: frames of the video.
            video_fps: frames per second of the video.
            name: the video's name in error messages.

        Raises:
            InvalidArgumentError: a number is zero, negative or NaN, or ``num_frames`` exceeds
                ``total_frames``; the message says which.
        """
        video_fps = positive_number("the video's frame rate", video_fps)
        number_from_zero("total_frames", total_frames)
        fps = min(options.positive("fps", self.fps), video_fps)
        budget = options.positive("total_pixels", self.total_pixels)
        # A budget too small for one frame still allows for one.
        frames = budget / options.positive("min_pixels", self.min_pixels)
        most = max(1, int(min(frames, total_frames)))
        if options.max_frames is not None:
            max_frames = options.argument_name("max_frames")
            most = min(most, positive_integer(max_frames, options.max_frames))
        if options.num_frames is not None:
            exact = options.argument_name("num_frames")
            counts = {exact: options.num_frames, "max_frames": options.max_frames}
            return exact_count(exact, counts, total_frames, name)
        return max(1, int(min(total_frames / video_fps * fps, most)))

    def check_counts(self, options: VideoOptions) -> None:
        """Check the numbers of ``options`` that do not depend on the video, before it is opened.

        Raises:
            InvalidArgumentError: a number is out of range.
        """
        self.count_frames(replace(options, num_frames=None), 1, self.fps)
        if options.num_frames is not None:
            positive_integer(options.argument_name("num_frames"), options.num_frames)

    def threshold(self, options: VideoOptions) -> float:
        """Return the share of unchanged patches below which a frame is slow."""
        if options.min_frame_similarity is None:
            return self.min_frame_similarity
        return options.min_frame_similarity
