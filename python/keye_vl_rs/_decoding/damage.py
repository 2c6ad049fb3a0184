"""Which frames of a video are damaged, by what its decoder reports.

A report spoils the frame of its packet and every later one that may refer to it: all up to the next
restart, a packet from which on decoding is exact whatever came before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from keye_vl_rs.errors import DecodeError

__all__ = [
    "FOR_WHAT_IS_THERE",
    "Damage",
    "DamageMap",
    "DamagedFrameError",
    "Report",
    "Spoilt",
    "find_damage",
]

# What can be had instead of an error, by the names of the argument and of the option.
_CONCEALED = "for what the decoder makes of it"
_FOR_BOTH = (
    f'for what comes before it, set on_error="partial" (--on-error partial), {_CONCEALED} "conceal"'
)
_FOR_THE_FIRST = (
    f'nothing comes before it; {_CONCEALED}, set on_error="conceal" (--on-error conceal)'
)
FOR_WHAT_IS_THERE = 'for what is there, set on_error="partial" (--on-error partial)'


@dataclass(frozen=True)
class Damage:
    """What is wrong with a video of which a result was made all the same.

    Attributes:
        reason: what is missing, or what the decoder reports, and from when on. That is where the
            damage begins, which may be before the first damaged frame that is sampled.
        frames: places among the sampled frames, from 0, of those that are not what was encoded but
            what the decoder makes of it. Empty where the result ends before the damage.
    """

    reason: str
    frames: tuple[int, ...] = ()


@dataclass(frozen=True)
class Report:
    """What FFmpeg reports on a packet.

    Attributes:
        place: of the packet, in the order of decoding.
        reason: FFmpeg's words.
    """

    place: int
    reason: str


@dataclass(frozen=True)
class Spoilt:
    """Why a frame is damaged, and which frames come before the damage.

    Attributes:
        reason: FFmpeg's words.
        since: the place, in the order of presentation, of the first frame that the same damage may
            have spoilt.
    """

    reason: str
    since: int


class DamagedFrameError(DecodeError):
    """A sampled frame is damaged, or frames are missing before it.

    Attributes:
        since: the place, in the order of presentation, of the first frame that the damage may have
            spoilt.
    """

    def __init__(self, message: str, since: int = 0) -> None:
        """Keep the place at which a result can end.

        Workers send errors to their parents, which make them of the message alone.
        """
        super().__init__(message)
        self.since = since

    def with_choices(self) -> DamagedFrameError:
        """Give the same error with what can be had instead in its message."""
        choices = _FOR_BOTH if self.since > 0 else _FOR_THE_FIRST
        return DamagedFrameError(f"{self}; {choices}", self.since)


class DamageMap:
    """The reports on the packets of a stream, and the frames that each of them spoils."""

    def __init__(self, restarts: Sequence[int], times: Sequence[int | None]) -> None:
        """Start without reports.

        Args:
            restarts: places of the packets from which on decoding is exact, sorted. A frame that is
                presented before that of a restart and decoded after it may refer to earlier ones.
            times: when each packet's frame is presented, in ticks.
        """
        self._restarts = restarts
        self._times = times
        # By interval between restarts: the first report that spoils all that follows in it, and the
        # first that spoils only what is presented before the restart's own frame.
        self._all: dict[int, Report] = {}
        self._leading: dict[int, Report] = {}

    def __bool__(self) -> bool:
        """Tell if there is any report."""
        return bool(self._all or self._leading)

    def add(self, report: Report) -> None:
        """Note a report. One report a packet is enough; the first in an interval counts."""
        interval = bisect_right(self._restarts, report.place)
        kept = self._leading if self._is_leading(report.place, interval) else self._all
        if interval not in kept or report.place < kept[interval].place:
            kept[interval] = report

    def find(self, place: int) -> Report | None:
        """Return the report that spoils the frame of a packet, None if none does.

        Reports on packets up to that one must have been added.
        """
        interval = bisect_right(self._restarts, place)
        found = [self._all.get(interval)]
        if self._is_leading(place, interval):
            found += [self._leading.get(interval), self._all.get(interval - 1)]
        spoiling = [one for one in found if one is not None and one.place <= place]
        return min(spoiling, key=lambda one: one.place, default=None)

    def begins(self, report: Report) -> int | None:
        """Return the earliest time at which a frame that a report spoils is presented, in ticks."""
        stop = bisect_right(self._restarts, report.place)
        end = self._restarts[stop] if stop < len(self._restarts) else len(self._times)
        spoilt = [time for time in self._times[report.place : end] if time is not None]
        return min(spoilt, default=None)

    def _is_leading(self, place: int, interval: int) -> bool:
        if interval == 0:
            return False
        time, restart = self._times[place], self._times[self._restarts[interval - 1]]
        return time is not None and restart is not None and time < restart


def find_damage(
    source: Callable[[Sequence[int]], Iterable[tuple[object, Spoilt | None]]],
    places: Sequence[int],
) -> Spoilt | None:
    """Return what spoils the first damaged one of some frames of a source, None if none is."""
    return next((why for _, why in source(places) if why is not None), None)
