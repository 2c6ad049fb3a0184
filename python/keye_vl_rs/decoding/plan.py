"""Which packets the sampled frames need."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from keye_vl_rs.decoding.packets import PacketTable

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
    needed = list(accumulate((not one for one in table.disposable), initial=0))
    groups: list[tuple[int, list[int]]] = []
    for target, start in zip(targets, _starts(table, targets), strict=True):
        last = groups[-1][1][-1] if groups else -1
        # The first time nothing has to be stopped.
        if not groups or (start > last and needed[start] - needed[last + 1] >= worth):
            groups.append((start, [target]))
        else:
            groups[-1][1].append(target)
    return [
        Segment(list(_places(table, start, group)), group, _since(table, start))
        for start, group in groups
    ]


def can_share(segments: Sequence[Segment], workers: int, ahead: int) -> bool:
    """Whether decoders side by side, of which none waits for long, can do the segments.

    One takes the segment whose frames are wanted, the others those behind it, and ``ahead`` frames
    may wait until their turn comes.
    """
    total = sum(len(segment.places) for segment in segments)
    longest = max(len(segment.places) for segment in segments)
    waiting = (workers - 1) * max(len(segment.targets) for segment in segments)
    return 2 * workers * longest <= total and waiting <= ahead


def _starts(table: PacketTable, targets: Sequence[int]) -> list[int]:
    """For each target the last place to start at for it and for all that follow."""
    pts = table.pts
    starts = []
    for target in targets:
        at = bisect_right(table.access, target) - 1
        # What is presented before the frame where decoding starts may need what came before it.
        while at >= 0 and pts[table.access[at]] > pts[target]:  # type: ignore[operator]
            at -= 1
        starts.append(table.access[at] if at >= 0 else 0)
    return list(accumulate(reversed(starts), min))[::-1]


def _since(table: PacketTable, start: int) -> int | None:
    return table.pts[start] if start else None


def _places(table: PacketTable, start: int, targets: Sequence[int]) -> Iterator[int]:
    wanted = set(targets)
    since = _since(table, start)
    for place in range(start, targets[-1] + 1):
        if place in wanted or not (table.disposable[place] or _is_leading(table, place, since)):
            yield place


def _is_leading(table: PacketTable, place: int, since: int | None) -> bool:
    """Whether a packet can be left out because decoding starts after what it needs."""
    early = since is not None and table.pts[place] < since  # type: ignore[operator]
    return early and not table.leading_needed
