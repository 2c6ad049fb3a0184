"""Decide which frames of a video are damaged, from the errors that its decoder reports.

A report affects the frame of its packet and every later frame that may refer to it: all frames up
to the next restart, the packet from which decoding is exact whatever came before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from keye_vl_rs.errors import DecodeError

__all__ = [
    "CORRUPT_FRAME",
    "CORRUPT_PACKET",
    "MISSING_FRAMES",
    "NO_PICTURE",
    "PARTIAL_HINT",
    "UNREADABLE_HEADERS",
    "Damage",
    "DamageMap",
    "DamagedFrameError",
    "FrameDamage",
    "PacketReport",
    "describe_reason",
    "find_damage",
]

# Reasons that this package finds; all others are texts of FFmpeg.
CORRUPT_PACKET = "FFmpeg marks a packet as damaged"
CORRUPT_FRAME = "the decoder marks the frame as damaged"
NO_PICTURE = "a packet contains no picture"
UNREADABLE_HEADERS = "the headers of a packet cannot be read"
MISSING_FRAMES = "frames are missing: "
_OWN_REASONS = frozenset({CORRUPT_FRAME, CORRUPT_PACKET, NO_PICTURE, UNREADABLE_HEADERS})

# Alternatives to an error, for its message.
_PARTIAL_OR_CONCEAL_HINT = (
    'to use the frames before the damage, set on_error="partial"; to use the '
    'damaged frames as the decoder conceals them, set on_error="conceal"'
)
_CONCEAL_HINT = (
    "there are no frames before the damage; to use the damaged frames as the decoder conceals "
    'them, set on_error="conceal"'
)
PARTIAL_HINT = 'to use the intact frames, set on_error="partial"'


def describe_reason(reason: str) -> str:
    """Return a reason for messages, in which texts of FFmpeg are quoted."""
    if reason in _OWN_REASONS or reason.startswith(MISSING_FRAMES):
        return reason
    return f'FFmpeg reports "{reason}"'


@dataclass(frozen=True)
class Damage:
    """Describe the damage in a video whose frames were returned nevertheless.

    ``VideoInputs.damage`` holds it if ``on_error`` is "partial" or "conceal".

    Attributes:
        reason: a sentence with the name of the video, the time in seconds at which the damage
            begins, and what is missing or what the decoder reports. The damage may begin before
            the first sampled frame that it affects.
        frames: indices of the damaged frames among the T sampled ones, counted from 0. These
            frames show what the decoder made of the damage. Empty (the default) if the result ends
            before the damage, as with "partial".
    """

    reason: str
    frames: tuple[int, ...] = ()


@dataclass(frozen=True)
class PacketReport:
    """Record an error that FFmpeg reports on a packet.

    Attributes:
        index: of the packet, in decoding order.
        reason: FFmpeg's message.
    """

    index: int
    reason: str


@dataclass(frozen=True)
class FrameDamage:
    """Say why a frame is damaged, and where that damage begins.

    Attributes:
        reason: FFmpeg's message.
        since: index, in presentation order, of the first frame that the same damage may affect.
    """

    reason: str
    since: int


class DamagedFrameError(DecodeError):
    """Report a damaged sampled frame, or frames missing before one.

    Attributes:
        since: index, in presentation order, of the first frame that the damage may affect.
    """

    def __init__(self, message: str, since: int = 0) -> None:
        """Store where the damage begins.

        It has a default, because worker processes recreate an error from its message alone.
        """
        super().__init__(message)
        self.since = since

    def with_choices(self) -> DamagedFrameError:
        """Return the error with the alternatives to it in its message."""
        choices = _PARTIAL_OR_CONCEAL_HINT if self.since > 0 else _CONCEAL_HINT
        return DamagedFrameError(f"{self}; {choices}", self.since)


class DamageMap:
    """Map the reports on the packets of a stream to the frames that each of them affects."""

    def __init__(self, restarts: Sequence[int], times: Sequence[int | None]) -> None:
        """Create a map without reports.

        Args:
            restarts: indices of the packets from which decoding is exact, sorted. A frame presented
                before that of a restart, but decoded after it, may refer to earlier frames.
            times: presentation timestamp of each packet, in ticks.
        """
        self._restarts = restarts
        self._times = times
        # For each interval between restarts: the first report that affects all later frames of it,
        # and the first that affects only frames presented before the restart's own.
        self._all: dict[int, PacketReport] = {}
        self._leading: dict[int, PacketReport] = {}

    def __bool__(self) -> bool:
        """Tell if there are any reports."""
        return bool(self._all or self._leading)

    def add(self, report: PacketReport) -> None:
        """Add a report. Only the first one in each interval counts."""
        interval = bisect_right(self._restarts, report.index)
        reports = self._leading if self._is_leading(report.index, interval) else self._all
        if interval not in reports or report.index < reports[interval].index:
            reports[interval] = report

    def find(self, index: int) -> PacketReport | None:
        """Return the report that affects the frame of a packet, or None.

        All reports on packets up to this one must have been added.
        """
        interval = bisect_right(self._restarts, index)
        found = [self._all.get(interval)]
        if self._is_leading(index, interval):
            found += [self._leading.get(interval), self._all.get(interval - 1)]
        earlier = [one for one in found if one is not None and one.index <= index]
        return min(earlier, key=lambda one: one.index, default=None)

    def begins(self, report: PacketReport) -> int | None:
        """Return the earliest timestamp of the frames that a report affects, in ticks."""
        stop = bisect_right(self._restarts, report.index)
        end = self._restarts[stop] if stop < len(self._restarts) else len(self._times)
        damaged = [time for time in self._times[report.index : end] if time is not None]
        return min(damaged, default=None)

    def _is_leading(self, index: int, interval: int) -> bool:
        # A packet that is cut off at the end of the file is not among the listed ones.
        if interval == 0 or index >= len(self._times):
            return False
        time, restart = self._times[index], self._times[self._restarts[interval - 1]]
        return time is not None and restart is not None and time < restart


def find_damage(
    source: Callable[[Sequence[int]], Iterable[tuple[object, FrameDamage | None]]],
    indices: Sequence[int],
) -> FrameDamage | None:
    """Return the damage of the first damaged frame among some frames of a source, or None."""
    return next((why for _, why in source(indices) if why is not None), None)
