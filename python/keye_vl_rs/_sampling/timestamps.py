"""Times of sampled frames: as the published code computes them, or as the file says.

keye_vl_utils 1.5.2 takes a frame's time to be its index over the average frame rate. That is right
where frames are evenly spaced from the start of the file on, and wrong for a part of a file whose
rate varies, or that has a gap.
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
    """Times of sampled frames.

    Attributes:
        seconds: (T,) float32, from the first frame of the file on.
        kind: which times they are.
    """

    seconds: torch.Tensor
    kind: TimestampKind


@dataclass(frozen=True)
class TimestampRule:
    """Which times the sampled frames of a video get.

    Attributes:
        kind: "published", index over average rate, or "presentation", when they are presented.
        is_cut: whether only a part of the video is sampled (``video_start``, ``video_end``), which
            keye_vl_utils 1.5.2 refuses: its frames have their times of presentation in any case.
    """

    kind: TimestampKind = "published"
    is_cut: bool = False

    def apply(self, timeline: Timeline, places: Sequence[int], name: str) -> FrameTimes:
        """Return the times of the frames at some places of a timeline.

        Frames of a video whose stated rate is not believed, or that has a gap, have their times of
        presentation too. Where published times are off by more than the sampling interval, the log
        says so.
        """
        import torch

        presented = [timeline.seconds(place) for place in places]
        if self.kind == "presentation" or self.is_cut or timeline.irregular:
            seconds = torch.tensor(presented, dtype=torch.float32, device="cpu")
            return FrameTimes(seconds, "presentation")
        published = frame_times(list(places), timeline.fps)
        off = max(abs(a - b) for a, b in zip(published.tolist(), presented, strict=True))
        # Between two samples; of a single one, the distance of frames.
        steps = len(places) - 1
        interval = (presented[-1] - presented[0]) / steps if steps else 1 / timeline.fps
        if off > max(interval, 1 / timeline.fps):
            logger.warning(
                "%s: its frames are not evenly spaced: timestamps are up to %.2f s off; "
                "timestamps='presentation' gives the times at which frames are presented",
                *(name, off),
            )
        return FrameTimes(published, "published")


def check_timestamps(kind: Any) -> TimestampKind:
    """Return the value of ``timestamps`` if it is one of the two.

    Raises:
        InvalidArgumentError: it is another.
    """
    if not isinstance(kind, str) or kind not in get_args(TimestampKind):
        raise InvalidArgumentError(
            f"timestamps is {kind!r}: expected 'published' or 'presentation'"
        )
    return kind  # type: ignore[return-value] # it is one of them
