"""Detect missing frames by the intervals between those that are present."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from statistics import median

from keye_vl_rs._decoding.damage import NO_PICTURE, PacketReport
from keye_vl_rs._decoding.packets import JUMP_S, PacketTable

__all__ = ["GAP_FACTOR", "OGG_CRC_MISMATCH", "PACKET_WARNINGS", "FrameIntervals", "find_gaps"]

# Frames are missing in an interval longer than the typical one by more than this factor.
GAP_FACTOR = 1.5
# Warnings about damaged or lost packets, of MPEG transport streams and of MXF.
PACKET_WARNINGS = ("Packet corrupt", "sync lost")
# A lost page of Ogg leaves no gap, because other packets get its timestamps.
OGG_CRC_MISMATCH = "CRC mismatch"
# Nor does a truncated packet.
_WITHOUT_GAP = (OGG_CRC_MISMATCH, "Truncating packet")
# A recording jumps at an interval longer than JUMP_S and than this many typical intervals.
_JUMP_STEPS = 10
# How many frames on each side of a report to search for a gap, besides the reorder depth.
_NEIGHBOURS = 2
# If more of the intervals than this share look like gaps, the frame rate varies.
_MAX_GAPS = 0.05


@dataclass(frozen=True)
class FrameIntervals:
    """Collect the intervals between consecutive frames.

    Attributes:
        times: sorted presentation timestamps, in ticks.
        tick: seconds per tick.
    """

    times: Sequence[int]
    tick: Fraction

    @cached_property
    def lengths(self) -> list[int]:
        """Return the length of each interval, in ticks."""
        return [after - before for before, after in pairwise(self.times)]

    @cached_property
    def typical(self) -> float:
        """Return the median interval, in ticks; 0 if there is none."""
        return median(self.lengths) if self.lengths else 0

    def is_gap(self, length: int) -> bool:
        """Tell if an interval is so long that frames are missing in it."""
        return length > GAP_FACTOR * self.typical

    def has_jump(self) -> bool:
        """Tell if there is an interval that no frame rate explains."""
        longest = max(self.lengths, default=0)
        return longest * self.tick > JUMP_S and longest > _JUMP_STEPS * self.typical


def find_gaps(
    intervals: FrameIntervals,
    table: PacketTable,
    lost: Sequence[PacketReport],
    opening: Sequence[str],
) -> list[PacketReport]:
    """Return the reports next to which frames are missing.

    Args:
        intervals: intervals between the shown frames of ``table``.
        table: the packets.
        lost: what the demuxer reported before each packet.
        opening: what it logged while the file was opened, about unknown packets.
    """
    found = _reports_beside_gaps(intervals, table, lost) + _find_lost_pictures(intervals, table)
    if opening and not found:
        return _report_first_gap(intervals, table, opening[0])
    return found


def _reports_beside_gaps(
    intervals: FrameIntervals, table: PacketTable, lost: Sequence[PacketReport]
) -> list[PacketReport]:
    """Return the reports next to which frames are missing.

    Data that the demuxer cannot read may belong to another stream, or to none.
    """
    if not lost or not intervals.lengths:
        return []
    reach = table.reorder + _NEIGHBOURS
    found = []
    for report in lost:
        if report.index >= len(table):
            continue
        time = table.pts[report.index]
        near = bisect_left(intervals.times, time) if time is not None else 0
        longest = max(intervals.lengths[max(0, near - reach) : near + reach], default=0)
        is_lost = intervals.is_gap(longest) and not _is_jump(
            report.reason, longest * intervals.tick
        )
        if is_lost or report.reason.startswith(_WITHOUT_GAP):
            found.append(report)
    return found


def _report_first_gap(
    intervals: FrameIntervals, table: PacketTable, text: str
) -> list[PacketReport]:
    """Report the first gap, for a message that came before any packet was read."""
    gaps = [index for index, length in enumerate(intervals.lengths) if intervals.is_gap(length)]
    if not gaps or len(gaps) > max(1, _MAX_GAPS * len(intervals.lengths)):
        return []
    if _is_jump(text, intervals.lengths[gaps[0]] * intervals.tick):
        return []
    return [PacketReport(table.index_of[intervals.times[gaps[0] + 1]], text)]


def _is_jump(text: str, seconds: Fraction) -> bool:
    """Tell if a gap is where reception broke off or recordings were joined: nothing is damaged."""
    return text.startswith(PACKET_WARNINGS) and seconds > JUMP_S


def _find_lost_pictures(intervals: FrameIntervals, table: PacketTable) -> list[PacketReport]:
    """Report packets without a picture where a frame is missing.

    Damage to a picture's header turns the packet into something else. A packet that never was a
    picture leaves no gap, or comes after the last frame.
    """
    if all(table.pictures):
        return []
    first = table.pictures.index(True) if any(table.pictures) else len(table)
    # There are pictures before the first packet at which decoding can start.
    lacks_start = bool(table.restarts) and first < table.restarts[0]
    found = []
    for index, time in enumerate(table.pts):
        if table.pictures[index] or time is None:
            continue
        at = bisect_left(intervals.times, time)
        in_gap = 0 < at < len(intervals.times) and intervals.is_gap(intervals.lengths[at - 1])
        if in_gap or (index < first and lacks_start):
            found.append(PacketReport(index, NO_PICTURE))
    return found
