"""Compute the presentation times of a video's frames."""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError

__all__ = ["Timeline"]

logger = logging.getLogger(__name__)

# A stated frame rate is ignored if it differs from the packets' by more than this factor.
_MAX_RATE_RATIO = Fraction(3, 2)
# In seconds: callers pass binary fractions, containers count in ticks.
_TOLERANCE = Fraction(1, 10**6)
# A truncated packet is the last one in decoding order; up to as many frames as decoders hold back
# may be presented after its frame.
_LAST_FRAMES = 16


@dataclass(frozen=True)
class Timeline:
    """List the presented frames of a video, in presentation order.

    Attributes:
        count: number of frames.
        times: their timestamps in ticks; None where the file does not state them.
        tick: seconds per tick.
        fps: average frames per second, as the container states it, or computed from the packets
            where that is missing or implausible.
        duration: seconds from the start of the first frame to the end of the last one.
        irregular: whether times cannot be derived from ``fps``, because the stated rate is
            implausible or the timestamps of a recording jump.
    """

    count: int
    times: list[int] | None
    tick: Fraction
    fps: float
    duration: float
    irregular: bool = False

    @classmethod
    def of(
        cls,
        stream: Any,
        name: str,
        count: int,
        times: list[int] | None,
        last_ticks: int | None,
        *,
        has_gap: bool = False,
    ) -> Timeline:
        """Return the timeline of a stream with ``count`` frames.

        Args:
            stream: states the time base and the frame rate.
            name: the name of the video in messages.
            count: number of frames.
            times: their timestamps in ticks, sorted, if they are known.
            last_ticks: duration of the last frame.
            has_gap: whether the timestamps of a recording jump.
        """
        tick = Fraction(stream.time_base or 0)
        span = (times[-1] - times[0]) * tick if times else Fraction(0)
        stated = Fraction(stream.average_rate or 0)
        if span <= 0:
            rate = stated or Fraction(stream.guessed_rate or 1)
            return cls(count, times, tick, float(rate), float(count / rate))
        shown = (count - 1) / span
        if last_ticks and last_ticks > 0:
            shown = count / (span + last_ticks * tick)
        rate, irregular = stated, has_gap
        if not stated:
            rate = (count - 1) / span
        elif not shown / _MAX_RATE_RATIO <= stated <= shown * _MAX_RATE_RATIO:
            logger.warning(
                "%s states %.6g frames per second, but its %d frames are presented at %.6g per "
                "second; using the latter",
                *(name, float(stated), count, float(shown)),
            )
            rate, irregular = shown, True
        duration = span + (last_ticks * tick if last_ticks and last_ticks > 0 else 1 / rate)
        return cls(count, times, tick, float(rate), float(duration), irregular)

    def last_frames(self) -> range:
        """Return the indices of the frames that truncation of the file may affect unnoticed."""
        return range(max(0, self.count - _LAST_FRAMES), self.count)

    def first(self, count: int) -> Timeline:
        """Return the timeline of the first ``count`` frames; ``count`` is less than the total."""
        times = None if self.times is None else self.times[:count]
        return replace(self, count=count, times=times, duration=self.seconds(count))

    def seconds(self, index: int) -> float:
        """Return when a frame is presented, in seconds after the first frame."""
        if self.times is None:
            return index / self.fps
        return float((self.times[index] - self.times[0]) * self.tick)

    def between(self, start: float | None, end: float | None, name: str) -> range:
        """Return the indices of the frames presented from ``start`` to ``end``, in seconds.

        Raises:
            InvalidArgumentError: there are none; the message names the arguments.
        """
        first, stop = 0, self.count
        if self.times is None:
            times = [index / self.fps for index in range(self.count)]
            if start is not None:
                first = bisect_left(times, start - float(_TOLERANCE))
            if end is not None:
                stop = bisect_right(times, end + float(_TOLERANCE))
        else:
            origin = self.times[0]
            if start is not None:
                first = bisect_left(self.times, origin + (Fraction(start) - _TOLERANCE) / self.tick)
            if end is not None:
                stop = bisect_right(self.times, origin + (Fraction(end) + _TOLERANCE) / self.tick)
        if first >= stop:
            bounds = " and ".join(
                f"{key} is {short_repr(value)}"
                for key, value in (("video_start", start), ("video_end", end))
                if value is not None
            )
            raise InvalidArgumentError(
                f"{bounds}: {name} has no frame in this range; its {self.count} frames are "
                f"presented from 0 to {self.seconds(self.count - 1):.3f} s"
            )
        return range(first, stop)
