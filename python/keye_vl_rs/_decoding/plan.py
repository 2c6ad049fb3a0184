"""Select the packets that the sampled frames need."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from keye_vl_rs._decoding.packets import PacketTable

__all__ = ["Segment", "can_run_in_parallel", "plan_segments"]


@dataclass(frozen=True)
class Segment:
    """List packets for a decoder that starts from scratch.

    Attributes:
        indices: the packets to decode, in decoding order.
        targets: those whose frames are wanted, in decoding order.
        since: frames presented before this timestamp may be wrong and are not wanted; None if there
            are no such frames.
    """

    indices: Sequence[int]
    targets: Sequence[int]
    since: int | None


def plan_segments(table: PacketTable, targets: Sequence[int], *, min_saved: int) -> list[Segment]:
    """Return the fewest packets to decode for the frames of some packets.

    Args:
        table: a table with a timestamp for every packet.
        targets: indices of the packets whose frames are wanted, sorted.
        min_saved: how many packets a restart must save. A restart drains the decoder, which costs
            as much as the frames that it decodes in parallel and holds back to reorder them.
    """
    times = table.times
    assert times is not None, "every packet has a timestamp"
    needed = list(accumulate((not one for one in table.disposable), initial=0))
    groups: list[tuple[int, list[int]]] = []
    for target, start in zip(targets, _starts(table.access, times, targets), strict=True):
        last = groups[-1][1][-1] if groups else -1
        # The first segment has no decoder to drain.
        if not groups or (start > last and needed[start] - needed[last + 1] >= min_saved):
            groups.append((start, [target]))
        else:
            groups[-1][1].append(target)
    segments = []
    for start, group in groups:
        since = times[start] if start else None
        early = set() if since is None else _leading(table, times, start, group[-1])
        left_out = early | {at for at in range(start, group[-1]) if table.disposable[at]}
        left_out.difference_update(group)
        indices = [at for at in range(start, group[-1] + 1) if at not in left_out]
        segments.append(Segment(indices, group, since))
    return segments


def can_run_in_parallel(segments: Sequence[Segment], workers: int, buffer_size: int) -> bool:
    """Tell if parallel decoders can share the segments without any of them waiting for long.

    One decodes the segment that is being consumed, the others decode the following ones, and up to
    ``buffer_size`` frames may be buffered until they are consumed.
    """
    total = sum(len(segment.indices) for segment in segments)
    longest = max(len(segment.indices) for segment in segments)
    waiting = (workers - 1) * max(len(segment.targets) for segment in segments)
    return 2 * workers * longest <= total and waiting <= buffer_size


def _starts(access: Sequence[int], times: Sequence[int], targets: Sequence[int]) -> list[int]:
    """Return the last packet at which each target, and all later ones, can start."""
    starts = []
    for target in targets:
        at = bisect_right(access, target) - 1
        # Frames presented before the one where decoding starts may refer to earlier packets.
        while at >= 0 and times[access[at]] > times[target]:
            at -= 1
        starts.append(access[at] if at >= 0 else 0)
    return list(accumulate(reversed(starts), min))[::-1]


def _leading(table: PacketTable, times: Sequence[int], start: int, last: int) -> set[int]:
    """Return the packets that can be skipped because their references precede the start."""
    if table.leading_needed:
        return set()
    return {at for at in range(start, last) if times[at] < times[start]}
