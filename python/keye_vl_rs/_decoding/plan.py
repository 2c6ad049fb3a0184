"""Which packets the sampled frames need."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from keye_vl_rs._decoding.packets import PacketTable

__all__ = ["Segment", "can_share", "plan_segments"]


@dataclass(frozen=True)
class Segment:
    """Packets for a decoder that knows nothing of what came before.

    Attributes:
        places: of its packets, in the order of decoding.
        targets: places of those whose frames are wanted, in the order of decoding.
        since: frames that are presented before this time may be wrong, and are not wanted.
    """

    places: Sequence[int]
    targets: Sequence[int]
    since: int | None


def plan_segments(table: PacketTable, targets: Sequence[int], *, worth: int) -> list[Segment]:
    """The least that has to be decoded for the frames of some packets.

    Args:
        table: with a time for every packet.
        targets: places of packets, sorted.
        worth: how many packets starting anew must spare. It stops a decoder, which costs as much as
            the frames that it works at together and holds back to put them in order.
    """
    times = table.times
    assert times is not None, "every packet says when it is presented"
    needed = list(accumulate((not one for one in table.disposable), initial=0))
    groups: list[tuple[int, list[int]]] = []
    for target, start in zip(targets, _starts(table.access, times, targets), strict=True):
        last = groups[-1][1][-1] if groups else -1
        # The first time nothing has to be stopped.
        if not groups or (start > last and needed[start] - needed[last + 1] >= worth):
            groups.append((start, [target]))
        else:
            groups[-1][1].append(target)
    segments = []
    for start, group in groups:
        since = times[start] if start else None
        early = set() if since is None else _leading(table, times, start, group[-1])
        left_out = early | {at for at in range(start, group[-1]) if table.disposable[at]}
        left_out.difference_update(group)
        places = [at for at in range(start, group[-1] + 1) if at not in left_out]
        segments.append(Segment(places, group, since))
    return segments


def can_share(segments: Sequence[Segment], workers: int, ahead: int) -> bool:
    """Whether decoders side by side, of which none waits for long, can do the segments.

    One takes the segment whose frames are wanted, the others those behind it, and ``ahead`` frames
    may wait until their turn comes.
    """
    total = sum(len(segment.places) for segment in segments)
    longest = max(len(segment.places) for segment in segments)
    waiting = (workers - 1) * max(len(segment.targets) for segment in segments)
    return 2 * workers * longest <= total and waiting <= ahead


def _starts(access: Sequence[int], times: Sequence[int], targets: Sequence[int]) -> list[int]:
    """For each target the last place to start at for it and for all that follow."""
    starts = []
    for target in targets:
        at = bisect_right(access, target) - 1
        # What is presented before the frame where decoding starts may need what came before it.
        while at >= 0 and times[access[at]] > times[target]:
            at -= 1
        starts.append(access[at] if at >= 0 else 0)
    return list(accumulate(reversed(starts), min))[::-1]


def _leading(table: PacketTable, times: Sequence[int], start: int, last: int) -> set[int]:
    """Packets that can be left out because decoding starts after what they need."""
    if table.leading_needed:
        return set()
    return {at for at in range(start, last) if times[at] < times[start]}
