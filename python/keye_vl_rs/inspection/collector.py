"""Gather what a report needs from a video's frames, as they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._slow_fast.split import frame_comparer
from keye_vl_rs.inspection.comparisons import FramePair, ThresholdComparisons
from keye_vl_rs.inspection.thumbnails import Thumbnails

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keye_vl_rs._decoding.reader import ReadFrames
    from keye_vl_rs._decoding.timeline import Timeline
    from keye_vl_rs._sampling.rules import VideoRules
    from keye_vl_rs._util.model import Size

__all__ = ["Collected", "Collector"]

# Changes of patches for other thresholds than the report's; beyond that they are not kept.
_MAX_CHANGES_BYTES = 4 << 20


@dataclass(frozen=True)
class Collected:
    """Hold what was gathered from the frames of a video.

    Attributes:
        size: (height, width) of the frames.
        comparison_size: (height, width) at which they were compared.
        compared_with: for each frame the number of the last slow one; None for the first.
        comparisons: for each frame its comparisons, for every threshold; without ``changes`` where
            those would take too much memory.
        changes: for each frame the changes since ``compared_with``; None for the first.
        thresholds: the thresholds for which ``comparisons`` are complete; None for all.
        thumbnails: a JPEG file for each frame, or None.
    """

    size: Size
    comparison_size: Size
    compared_with: tuple[int | None, ...]
    comparisons: tuple[tuple[FramePair, ...], ...]
    changes: tuple[bytes | None, ...]
    thresholds: tuple[float, ...] | None
    thumbnails: tuple[bytes | None, ...]


class Collector:
    """Compare frames and make thumbnails, as they come."""

    def __init__(
        self, size: Size, frames: int, threshold: float, rules: VideoRules, *, thumbnails: bool
    ) -> None:
        """Expect ``frames`` frames of ``size``, (height, width)."""
        comparer, self._comparison_size = frame_comparer(*size, rules)
        self._size = size
        self._comparisons = ThresholdComparisons(comparer, threshold, frames)
        self._thumbnails = Thumbnails(frames) if thumbnails else None
        self._pairs: list[list[FramePair]] = []
        self._references: list[int | None] = []
        self._changes: list[bytes | None] = []
        self._changes_bytes = 0

    def add(self, frame: Any, pixels: NDArray[np.uint8]) -> None:
        """Compare the next frame, (H, W, 3)."""
        reference = self._comparisons.reference if self._pairs else None
        pairs = self._comparisons.add(pixels)
        self._references.append(reference)
        own = next((one for one in pairs if one.reference == reference), None)
        self._changes.append(None if own is None else own.changes)
        self._changes_bytes += sum(len(one.changes) for one in pairs)
        self._pairs.append(pairs if self._keeps_changes else [_bare(one) for one in pairs])
        if self._thumbnails is not None:
            self._thumbnails.add(pixels)

    def trim(self) -> None:
        """Do nothing: no frame is kept."""

    def finish(self, timeline: Timeline, indices: list[int], read: ReadFrames) -> tuple[Any, ...]:
        """Return what was gathered, with the timeline and the indices."""
        return self.collected(), timeline, indices

    def collected(self) -> Collected:
        """Return what was gathered."""
        pairs = self._pairs
        if not self._keeps_changes:
            pairs = [[_bare(one) for one in some] for some in pairs]
        return Collected(
            size=self._size,
            comparison_size=self._comparison_size,
            compared_with=tuple(self._references),
            comparisons=tuple(tuple(some) for some in pairs),
            changes=tuple(self._changes),
            thresholds=self._comparisons.thresholds,
            thumbnails=self._thumbnails.take() if self._thumbnails else (),
        )

    @property
    def _keeps_changes(self) -> bool:
        return self._changes_bytes <= _MAX_CHANGES_BYTES


def _bare(pair: FramePair) -> FramePair:
    return pair._replace(changes=b"")
