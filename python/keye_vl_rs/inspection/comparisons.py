"""Compare each frame with the last slow one, for every threshold at once.

Which frame a frame is compared with depends on the threshold: it is the last slow one, and the
threshold decides which frames are slow. For thresholds within some ranges it is the same frame, so
one comparison for each range answers for all of them. Each comparison splits a range at the
similarity that it found: a frame is fast for thresholds up to it, and slow above.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from keye_vl_rs import _core

__all__ = ["UNCHANGED", "FramePair", "ThresholdComparisons"]

# The values of a patch in ``FramePair.changes``, as the core defines them.
UNCHANGED, CHANGED, BLACK = 0, 1, 2
# Frames that may be held for comparison, of up to 0.6 MB each.
_MAX_HELD = 96
_MIN_HELD = 4
# Comparisons of one report: each takes about 12 bytes of a page.
_MAX_PAIRS = 300_000


class FramePair(NamedTuple):
    """Compare a frame with an earlier one.

    Attributes:
        reference: number of the earlier frame.
        similarity: share of unchanged patches, rounded to float32; NaN if all are black in both.
        unchanged: number of unchanged patches.
        counted: number of patches that are not black in both frames.
        changes: one byte per patch, row by row: 0 unchanged, 1 changed, 2 black in both frames.
    """

    reference: int
    similarity: float
    unchanged: int
    counted: int
    changes: bytes


class ThresholdComparisons:
    """Hold the comparisons that decide the types of frames, for all thresholds or for some of them.

    It holds the frames that are the last slow one for any threshold, as the comparison sees them.
    If they become too many, only some thresholds are followed further.

    Attributes:
        thresholds: the thresholds for which the comparisons are complete; None for all.
    """

    def __init__(self, comparer: _core.FrameComparer, threshold: float, frames: int) -> None:
        """Compare up to ``frames`` frames; ``threshold`` is always among the complete ones."""
        self.thresholds: tuple[float, ...] | None = None
        self._comparer = comparer
        self._threshold = threshold
        self._max_held = max(_MIN_HELD, min(_MAX_HELD, _MAX_PAIRS // max(frames, 1)))
        self._count = 0
        # The end of each range of thresholds, and the last slow frame for those up to it.
        self._ends: list[float] = []
        self._references: list[int] = []
        self._held: dict[int, Any] = {}

    @property
    def reference(self) -> int:
        """Return the last slow frame for the threshold of the report."""
        return self._references[bisect_left(self._ends, self._threshold)]

    def add(self, pixels: NDArray[np.uint8]) -> list[FramePair]:
        """Return the comparisons of the next frame, (H, W, 3); none for the first one."""
        number, frame = self._count, self._comparer.prepare(pixels)
        self._count += 1
        if number == 0:
            self._ends, self._references, self._held = [math.inf], [0], {0: frame}
            return []
        pairs = {one: self._compare(one, frame) for one in dict.fromkeys(self._references)}
        self._held[number] = frame
        self._split(number, pairs)
        if len(set(self._references)) > self._max_held:
            self._keep_some_thresholds()
        self._held = {one: self._held[one] for one in set(self._references)}
        return list(pairs.values())

    def _compare(self, reference: int, frame: Any) -> FramePair:
        similarity, changes = self._comparer.compare(self._held[reference], frame)
        unchanged = changes.count(UNCHANGED)
        counted = len(changes) - changes.count(BLACK)
        return FramePair(reference, similarity, unchanged, counted, changes)

    def _split(self, number: int, pairs: dict[int, FramePair]) -> None:
        """Make the new frame the last slow one for the thresholds above its similarities."""
        ranges: list[tuple[float, int]] = []
        start = -math.inf
        for end, reference in zip(self._ends, self._references, strict=True):
            similarity = pairs[reference].similarity
            # NaN is not below any threshold.
            split = end if math.isnan(similarity) else min(similarity, end)
            if split > start:
                ranges.append((split, reference))
            if split < end:
                ranges.append((end, number))
            start = end
        self._set(ranges)

    def _keep_some_thresholds(self) -> None:
        """Forget the ranges that hold none of a fixed set of thresholds."""
        if self.thresholds is None:
            self.thresholds = _spread(self._threshold, self._max_held)
        ranges: list[tuple[float, int]] = []
        start = -math.inf
        for end, reference in zip(self._ends, self._references, strict=True):
            if _holds_any(self.thresholds, start, end):
                ranges.append((end, reference))
            start = end
        self._set([*ranges[:-1], (math.inf, ranges[-1][1])])

    def _set(self, ranges: Sequence[tuple[float, int]]) -> None:
        """Store ranges; neighbours with the same frame become one."""
        self._ends, self._references = [], []
        for end, reference in ranges:
            if self._references and self._references[-1] == reference:
                self._ends[-1] = end
            else:
                self._ends.append(end)
                self._references.append(reference)


def _spread(threshold: float, count: int) -> tuple[float, ...]:
    """Return up to ``count`` thresholds, evenly from 0 to 1, and ``threshold`` among them.

    An infinite one is replaced by a finite one that decides the same, which JSON can hold.
    """
    steps = count - 2
    if math.isinf(threshold):
        threshold = math.copysign(2.0, threshold)
    return tuple(sorted({round(step / steps, 4) for step in range(steps + 1)} | {threshold}))


def _holds_any(thresholds: Sequence[float], start: float, end: float) -> bool:
    """Tell if a threshold is over ``start``, and not over ``end``."""
    return any(start < one <= end for one in thresholds)
