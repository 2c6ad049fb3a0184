"""When the frames of a video are presented."""

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

# A frame rate that differs from that of the packets by more than this factor is not believed.
_BELIEVABLE = Fraction(3, 2)
# Of a second: times in seconds are binary fractions, and those of containers are not.
_TOLERANCE = Fraction(1, 10**6)


@dataclass(frozen=True)
class Timeline:
    """The presented frames of a video, in the order in which they are presented.

    Attributes:
        count: how many there are.
        times: when, in ticks; None where the file does not say.
        tick: seconds.
        fps: average frames per second: as the container states it, or as the packets show it where
            that is missing or cannot be.
        duration: seconds from the first frame's start to the last one's end.
        irregular: whether times cannot be told from ``fps``: the stated rate is not believed, or
            the times of a recording jump.
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
        """Of the ``count`` frames of a stream; the last one is shown for ``last_ticks``."""
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
        elif not shown / _BELIEVABLE <= stated <= shown * _BELIEVABLE:
            logger.warning(
                "%s: states %.6g frames per second, but its %d frames are presented at %.6g per "
                "second, which is taken instead",
                *(name, float(stated), count, float(shown)),
            )
            rate, irregular = shown, True
        duration = span + (last_ticks * tick if last_ticks and last_ticks > 0 else 1 / rate)
        return cls(count, times, tick, float(rate), float(duration), irregular)

    def first(self, count: int) -> Timeline:
        """Return the timeline of the first ``count`` frames, fewer than there are."""
        times = None if self.times is None else self.times[:count]
        return replace(self, count=count, times=times, duration=self.seconds(count))

    def seconds(self, place: int) -> float:
        """When a frame is presented, from the first one on."""
        if self.times is None:
            return place / self.fps
        return float((self.times[place] - self.times[0]) * self.tick)

    def between(self, start: float | None, end: float | None, name: str) -> range:
        """The places of the frames that are presented from ``start`` to ``end``, in seconds.

        Raises:
            InvalidArgumentError: there is none.
        """
        first, stop = 0, self.count
        if self.times is None:
            times = [place / self.fps for place in range(self.count)]
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
                f"{bounds}: no frame of {name} is presented then; its {self.count} frames are "
                f"presented from 0 to {self.seconds(self.count - 1):.3f} s"
            )
        return range(first, stop)
