"""Compute times of sampled frames: as keye_vl_utils 1.5.2 does, or as the file states them.

keye_vl_utils divides a frame's index by the average frame rate. That is correct if frames are
evenly spaced from the start of the file, and wrong if the frame rate varies, the video has a gap,
or only a part of the file is sampled.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from keye_vl_rs._sampling.indices import frame_times
from keye_vl_rs.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from keye_vl_rs._decoding.timeline import Timeline

__all__ = ["FrameTimes", "TimestampKind", "TimestampRule", "check_timestamps"]

logger = logging.getLogger(__name__)

TimestampKind = Literal["published", "presentation"]


@dataclass(frozen=True)
class FrameTimes:
    """Hold the times of sampled frames.

    Attributes:
        seconds: (T,) float32, counted from the first frame of the file.
        kind: how they were computed.
        pts_seconds: (T,) float64, presentation times, counted likewise; None if the file does not
            state them.
    """

    seconds: torch.Tensor
    kind: TimestampKind
    pts_seconds: torch.Tensor | None


@dataclass(frozen=True)
class TimestampRule:
    """Compute the times of a video's sampled frames by one rule.

    Attributes:
        kind: "published" for index divided by average frame rate, or "presentation" for
            presentation times.
        is_cut: whether only a part of the video is sampled (``video_start``, ``video_end``).
            keye_vl_utils 1.5.2 does not support that, and presentation times are always used.
    """

    kind: TimestampKind = "published"
    is_cut: bool = False

    def apply(self, timeline: Timeline, indices: Sequence[int], name: str) -> FrameTimes:
        """Return the times of the frames that have these indices in a timeline.

        Presentation times are also used if the video's stated frame rate is implausible, or if it
        has a gap. A warning is logged if published times are off by more than the sampling
        interval. ``name`` is the video's name in that warning.
        """
        import torch

        presented = [timeline.seconds(index) for index in indices]
        pts_seconds = None
        if timeline.times is not None:
            pts_seconds = torch.tensor(presented, dtype=torch.float64, device="cpu")
        if self.kind == "presentation" or self.is_cut or timeline.irregular:
            seconds = torch.tensor(presented, dtype=torch.float32, device="cpu")
            return FrameTimes(seconds, "presentation", pts_seconds)
        published = frame_times(list(indices), timeline.fps)
        max_error = max(abs(a - b) for a, b in zip(published.tolist(), presented, strict=True))
        # The distance between samples, or between frames if there is only one sample.
        steps = len(indices) - 1
        interval = (presented[-1] - presented[0]) / steps if steps else 1 / timeline.fps
        if max_error > max(interval, 1 / timeline.fps):
            logger.warning(
                "%s: frames are not evenly spaced, and timestamps are up to %.2f s off; set "
                "timestamps='presentation' to use presentation times",
                *(name, max_error),
            )
        return FrameTimes(published, "published", pts_seconds)


def check_timestamps(kind: Any) -> TimestampKind:
    """Return ``kind`` if it is a valid value of ``timestamps``.

    Raises:
        InvalidArgumentError: it is not.
    """
    if not isinstance(kind, str) or kind not in get_args(TimestampKind):
        raise InvalidArgumentError(
            f"timestamps is {kind!r}: expected 'published' or 'presentation'"
        )
    return kind  # type: ignore[return-value] # checked above
