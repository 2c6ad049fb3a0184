"""Finding where frames are missing, by the distances between those that are there."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from statistics import median

from keye_vl_rs._decoding.damage import Report
from keye_vl_rs._decoding.packets import JUMP_S, PacketTable

__all__ = ["GAP", "LOST_PAGE", "PACKET_WARNINGS", "Steps", "find_gaps"]

# A step between two frames that is longer than the usual one by more than this shows that frames
# are missing between them.
GAP = 1.5
# Warnings that packets are damaged or lost: of MPEG transport streams, and of MXF.
PACKET_WARNINGS = ("Packet corrupt", "sync lost")
# What leaves no gap, since other packets get the times of those that are lost: a page of Ogg.
LOST_PAGE = "CRC mismatch"
# Nor does a packet that is cut.
_WITHOUT_GAP = (LOST_PAGE, "Truncating packet")
# A recording jumps where a step is longer than JUMP_S, and than so many of its usual steps.
_JUMP_STEPS = 10
# Frames on each side of a report among which the gap is looked for, beside those that wait to be
# put in order.
_NEIGHBOURS = 2
# Where more of the steps are gaps, the rate varies, and they show nothing.
_MOST_GAPS = 0.05


@dataclass(frozen=True)
class Steps:
    """The distances between frames that are presented one after the other.

    Attributes:
        times: when frames are presented, sorted, in ticks.
        tick: seconds.
    """

    times: Sequence[int]
    tick: Fraction

    @cached_property
    def lengths(self) -> list[int]:
        """Each distance, in ticks."""
        return [after - before for before, after in pairwise(self.times)]

    @cached_property
    def usual(self) -> float:
        """The median of the distances, in ticks; 0 without any."""
        return median(self.lengths) if self.lengths else 0

    def is_gap(self, length: int) -> bool:
        """Tell if frames are missing in a distance."""
        return length > GAP * self.usual

    def has_jump(self) -> bool:
        """Tell if there is a distance that no frame rate explains."""
        longest = max(self.lengths, default=0)
        return longest * self.tick > JUMP_S and longest > _JUMP_STEPS * self.usual


def find_gaps(
    steps: Steps, table: PacketTable, lost: Sequence[Report], opening: Sequence[str]
) -> list[Report]:
    """Return the reports beside which frames are missing.

    Args:
        steps: between the frames of ``table`` that are presented.
        table: the packets.
        lost: what the container's reader said before each packet.
        opening: what it said while the file was opened, of packets that nobody can tell.
    """
    found = _beside(steps, table, lost) + _without_pictures(steps, table)
    if opening and not found:
        return _first(steps, table, opening[0])
    return found


def _beside(steps: Steps, table: PacketTable, lost: Sequence[Report]) -> list[Report]:
    """Return those of the reports beside which frames are missing.

    What the reader of a container cannot read may belong to another stream, or to none.
    """
    if not lost or not steps.lengths:
        return []
    reach = table.reorder + _NEIGHBOURS
    found = []
    for report in lost:
        if report.place >= len(table):
            continue
        time = table.pts[report.place]
        near = bisect_left(steps.times, time) if time is not None else 0
        longest = max(steps.lengths[max(0, near - reach) : near + reach], default=0)
        is_lost = steps.is_gap(longest) and not _is_jump(report.reason, longest * steps.tick)
        if is_lost or report.reason.startswith(_WITHOUT_GAP):
            found.append(report)
    return found


def _first(steps: Steps, table: PacketTable, text: str) -> list[Report]:
    """Return a report on the first gap, for what was said before any packet was listed."""
    gaps = [place for place, length in enumerate(steps.lengths) if steps.is_gap(length)]
    if not gaps or len(gaps) > max(1, _MOST_GAPS * len(steps.lengths)):
        return []
    if _is_jump(text, steps.lengths[gaps[0]] * steps.tick):
        return []
    return [Report(table.place_of[steps.times[gaps[0] + 1]], text)]


def _is_jump(text: str, seconds: Fraction) -> bool:
    """Tell where reception broke off, or recordings were joined: what is there is whole."""
    return text.startswith(PACKET_WARNINGS) and seconds > JUMP_S


def _without_pictures(steps: Steps, table: PacketTable) -> list[Report]:
    """Return reports on packets that hold no picture where one is missing.

    Damage to the header of a picture makes something else of it. What was never a picture leaves no
    gap, or lies behind the last one.
    """
    if all(table.pictures):
        return []
    first = table.pictures.index(True) if any(table.pictures) else len(table)
    # Pictures come before the first place where decoding can start.
    lacks_start = bool(table.restarts) and first < table.restarts[0]
    found = []
    for place, time in enumerate(table.pts):
        if table.pictures[place] or time is None:
            continue
        at = bisect_left(steps.times, time)
        in_gap = 0 < at < len(steps.times) and steps.is_gap(steps.lengths[at - 1])
        if in_gap or (place < first and lacks_start):
            found.append(Report(place, "a packet holds no picture"))
    return found
