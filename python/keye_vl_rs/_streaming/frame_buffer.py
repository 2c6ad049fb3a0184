"""Frames that were decoded before their sizes were known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keye_vl_rs import _core
from keye_vl_rs._slow_fast.sizes import Size
from keye_vl_rs._streaming.mmap_memory import own_pages
from keye_vl_rs._streaming.size_choices import SizeChoices, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

__all__ = ["Kept", "KeptFrames"]

# How far the share of slow frames may go from what it was so far, for a size to be kept.
_SPREAD = 0.25


@dataclass
class Kept:
    """A frame: whole, resized to some of the sizes that it may get, or given up.

    Attributes:
        kind: slow or fast.
        whole: the decoded frame, whose planes take less memory than its RGB.
        resized: (height, width, 3) for each size.
    """

    kind: int
    whole: Any = None
    resized: dict[Size, Pixels] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of memory."""
        planes = self.whole.planes if self.whole is not None else ()
        whole: int = sum(plane.buffer_size for plane in planes)
        return whole + sum(pixels.nbytes for pixels in self.resized.values())


class KeptFrames:
    """Keeps what it can within a number of bytes, in order.

    A frame of which one size is possible is kept at that. Others are kept whole as long as there is
    room, and then at the sizes that are likely; at last frames are given up, the first ones first,
    to be decoded again.
    """

    def __init__(
        self, choices: SizeChoices, convert: Callable[[Any], Pixels], buffer_bytes: int
    ) -> None:
        """``convert`` gives the RGB (H, W, 3) of a frame that was kept whole."""
        self._choices = choices
        self._convert = convert
        self._most = buffer_bytes
        self._frames: list[Kept] = []
        self._nbytes = 0
        self._possible = Window(0, len(choices.runs) - 1)
        # Frames before these are not whole, or have no sizes to spare.
        self._first_whole = self._first_held = 0

    @property
    def nbytes(self) -> int:
        """Bytes of memory that they take."""
        return self._nbytes

    def add(self, frame: Any, pixels: Pixels, kind: int, slow: int, seen: int) -> None:
        """Keep the next frame; with it ``slow`` of the ``seen`` frames so far are slow."""
        kept = Kept(kind, frame)
        self._frames.append(kept)
        several = len(self._choices.sizes(kind, self._choices.possible(slow, seen))) > 1
        if not several or self._nbytes + kept.nbytes > self._most:
            self._resize(kept, pixels, slow, seen)
        self._nbytes += kept.nbytes

    def settle(self, slow: int, seen: int) -> None:
        """Come down to what can still be of use, and to the bytes that are allowed.

        Best called when the RGB of the last frame is gone: one after the other takes the same
        memory, and two at once split up the heap, which then grows with every frame.
        """
        self._narrow(self._choices.possible(slow, seen))
        self._shrink(slow, seen)

    def take(self) -> list[Kept]:
        """All of them, which are kept no longer."""
        frames, self._frames, self._nbytes = self._frames, [], 0
        return frames

    def _narrow(self, possible: Window) -> None:
        """Let go of sizes that have become impossible."""
        if possible == self._possible:
            return
        self._possible = possible
        sizes = {kind: self._choices.sizes(kind, possible) for kind in (0, 1)}
        for kept in self._frames:
            left = sizes[kept.kind]
            before = kept.nbytes
            kept.resized = {size: kept.resized[size] for size in left if size in kept.resized}
            if kept.whole is not None and len(left) == 1:
                self._to_sizes(kept, self._convert(kept.whole), left)
            self._nbytes += kept.nbytes - before

    def _shrink(self, slow: int, seen: int) -> None:
        """Come down to the bytes that are allowed."""
        while self._nbytes > self._most and self._first_whole < len(self._frames):
            kept = self._frames[self._first_whole]
            if kept.whole is not None:
                before = kept.nbytes
                self._resize(kept, self._convert(kept.whole), slow, seen)
                self._nbytes += kept.nbytes - before
            self._first_whole += 1
        if self._nbytes > self._most:
            likely = self._choices.likely(slow, seen, 0)
            for kept in self._frames:
                before = kept.nbytes
                wanted = self._choices.sizes(kept.kind, likely)[:1]
                kept.resized = {s: p for s, p in kept.resized.items() if s in wanted}
                self._nbytes += kept.nbytes - before
        while self._nbytes > self._most and self._first_held < len(self._frames):
            kept = self._frames[self._first_held]
            self._nbytes -= kept.nbytes
            kept.resized = {}
            self._first_held += 1

    def _resize(self, kept: Kept, pixels: Pixels, slow: int, seen: int) -> None:
        sizes = self._choices.sizes(kept.kind, self._choices.possible(slow, seen))
        if len(sizes) > 1:
            likely = self._choices.likely(slow, seen, _SPREAD)
            sizes = self._choices.sizes(kept.kind, likely)
        self._to_sizes(kept, pixels, sizes)

    def _to_sizes(self, kept: Kept, pixels: Pixels, sizes: list[Size]) -> None:
        kept.resized = {size: _in_own_pages(_core.resize(pixels[None], *size)[0]) for size in sizes}
        kept.whole = None


def _in_own_pages(pixels: Pixels) -> Pixels:
    """A copy outside the heap.

    There small arrays that stay would settle in the room of large frames that come and go, and the
    heap would grow by most of a frame for each of them: to 2 GB for 1200 frames of 1080p.
    """
    own = own_pages(pixels.nbytes).reshape(pixels.shape)
    own[:] = pixels
    return own
