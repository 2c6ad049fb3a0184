"""Open the frames of a list, classify them, and plan their sizes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._sampling.reading import decoder_threads
from keye_vl_rs._slow_fast.frame_lists import (
    check_list_options,
    frame_rules,
    list_deadline,
    read_frame_list,
)
from keye_vl_rs._slow_fast.plan import plan_checked_sizes
from keye_vl_rs._slow_fast.split import split_frames
from keye_vl_rs._util.model import SLOW, Size

if TYPE_CHECKING:
    import torch

    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._sampling.rules import VideoRules
    from keye_vl_rs._sampling.video_options import VideoOptions
    from keye_vl_rs._util.progress import ProgressCallback

__all__ = ["SplitList", "split_list"]


@dataclass(frozen=True)
class SplitList:
    """Hold the sampled frames of a list, classified as slow or fast.

    Attributes:
        frames: uint8 (T, 3, H, W).
        times: float32 (T,), in seconds, or None.
        frame_types: int32 (T,), 0 slow or 1 fast.
        sizes: (height, width) of slow and of fast frames.
        stage_seconds: the seconds that "decode" and "slow_fast" took.
    """

    frames: torch.Tensor
    times: torch.Tensor | None
    frame_types: torch.Tensor
    sizes: tuple[Size, Size]
    stage_seconds: dict[str, float]

    @property
    def size(self) -> Size:
        """Return the (height, width) of the frames themselves."""
        return (self.frames.shape[2], self.frames.shape[3])


def split_list(
    options: VideoOptions,
    rules: VideoRules,
    make_parts: Callable[[Any, Mapping[str, Any]], list[dict[str, Any]]],
    *,
    threads: int | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> SplitList:
    """Open the frames of a list, and tell which are slow and how large they become.

    Args:
        options: the list, with its options; ``fps`` is the frame rate of the list, and required.
        rules: the defaults for ``options``.
        make_parts: takes the list and the options that its frames share, and returns each frame
            with its options.
        threads: checked, but not used.
        cancel: checked between stages, as is ``timeout`` of ``options``.
        progress: called once, when all frames have been read.

    Raises:
        KeyeVLError: a subclass, as for :func:`keye_vl_rs.preprocess_video`.
    """
    check_list_options(options)
    decoder_threads(threads)
    deadline = list_deadline(options, cancel, progress)
    started = time.perf_counter()
    deadline.check()
    shared = {"min_pixels": options.min_pixels, "max_pixels": options.max_pixels}
    parts = make_parts(options.source, shared)
    frames, times = read_frame_list(options, parts, rules, frame_rules(rules))
    deadline.check()
    if deadline.progress is not None:
        deadline.progress.decoded((len(frames), len(frames)))
    decoded = time.perf_counter()
    frame_types = split_frames(frames, rules.threshold(options), rules)
    slow_frames = frame_types.tolist().count(SLOW)
    size, fast_frames = (frames.shape[2], frames.shape[3]), len(frame_types) - slow_frames
    sizes = plan_checked_sizes(options, size, slow_frames, fast_frames, rules, deadline.name)
    deadline.check()
    seconds = {"decode": decoded - started, "slow_fast": time.perf_counter() - decoded}
    return SplitList(frames, times, frame_types, sizes, seconds)
