"""Hold the frames that were decoded before their sizes are known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keye_vl_rs import _core
from keye_vl_rs._slow_fast.sizes import Size
from keye_vl_rs._streaming.mmap_memory import copy_to_mmap
from keye_vl_rs._streaming.size_choices import SizeChoices, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

__all__ = ["BufferedFrame", "FrameBuffer"]

# Sizes are kept for shares of slow frames that differ from the share so far by up to this much.
_SPREAD = 0.25


@dataclass
class BufferedFrame:
    """Hold a frame at its own size, or resized to some of the sizes that it may get, or dropped.

    Attributes:
        kind: slow or fast.
        decoded: the decoded frame, whose planes take less memory than its RGB; None once it has
            been resized.
        resized: the pixels (height, width, 3) at each size.
    """

    kind: int
    decoded: Any = None
    resized: dict[Size, Pixels] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Return the bytes of memory in use."""
        planes = self.decoded.planes if self.decoded is not None else ()
        decoded: int = sum(plane.buffer_size for plane in planes)
        return decoded + sum(pixels.nbytes for pixels in self.resized.values())


class FrameBuffer:
    """Buffer frames in order, within a limit of bytes.

    A frame that can only get one size is resized to it at once. Others stay as they were decoded
    while they fit, and are then reduced to their likely sizes. If that does not suffice, frames are
    dropped, the first ones first; they have to be decoded again.
    """

    def __init__(
        self, choices: SizeChoices, convert: Callable[[Any], Pixels], buffer_bytes: int
    ) -> None:
        """Create an empty buffer.

        Args:
            choices: the possible sizes.
            convert: returns the RGB (H, W, 3) of a decoded frame.
            buffer_bytes: the limit.
        """
        self._choices = choices
        self._convert = convert
        self._max_bytes = buffer_bytes
        self._frames: list[BufferedFrame] = []
        self._nbytes = 0
        self._possible = Window(0, len(choices.runs) - 1)
        # All frames before these have been resized, or dropped.
        self._next_to_resize = self._next_to_drop = 0

    @property
    def nbytes(self) -> int:
        """Return the bytes of memory in use."""
        return self._nbytes

    def add(self, frame: Any, pixels: Pixels, kind: int, slow: int, seen: int) -> None:
        """Append a frame; including it, ``slow`` of the ``seen`` frames so far are slow."""
        buffered = BufferedFrame(kind, frame)
        self._frames.append(buffered)
        several = len(self._choices.sizes(kind, self._choices.possible(slow, seen))) > 1
        if not several or self._nbytes + buffered.nbytes > self._max_bytes:
            self._resize(buffered, pixels, slow, seen)
        self._nbytes += buffered.nbytes

    def trim(self, slow: int, seen: int) -> None:
        """Discard sizes that have become impossible, and reduce the buffer to its limit.

        Call it once the RGB of the last frame has been freed. Each frame's RGB can then reuse the
        memory of the one before; two at a time fragment the heap, which grows with every frame.
        """
        self._discard_impossible_sizes(self._choices.possible(slow, seen))
        self._reduce_to_limit(slow, seen)

    def take_all(self) -> list[BufferedFrame]:
        """Return all frames, and empty the buffer."""
        frames, self._frames, self._nbytes = self._frames, [], 0
        return frames

    def _discard_impossible_sizes(self, possible: Window) -> None:
        if possible == self._possible:
            return
        self._possible = possible
        sizes = {kind: self._choices.sizes(kind, possible) for kind in (0, 1)}
        for frame in self._frames:
            left = sizes[frame.kind]
            before = frame.nbytes
            frame.resized = {size: frame.resized[size] for size in left if size in frame.resized}
            if frame.decoded is not None and len(left) == 1:
                self._resize_to(frame, self._convert(frame.decoded), left)
            self._nbytes += frame.nbytes - before

    def _reduce_to_limit(self, slow: int, seen: int) -> None:
        while self._nbytes > self._max_bytes and self._next_to_resize < len(self._frames):
            frame = self._frames[self._next_to_resize]
            if frame.decoded is not None:
                before = frame.nbytes
                self._resize(frame, self._convert(frame.decoded), slow, seen)
                self._nbytes += frame.nbytes - before
            self._next_to_resize += 1
        if self._nbytes > self._max_bytes:
            likely = self._choices.likely(slow, seen, 0)
            for frame in self._frames:
                before = frame.nbytes
                wanted = self._choices.sizes(frame.kind, likely)[:1]
                frame.resized = {s: p for s, p in frame.resized.items() if s in wanted}
                self._nbytes += frame.nbytes - before
        while self._nbytes > self._max_bytes and self._next_to_drop < len(self._frames):
            frame = self._frames[self._next_to_drop]
            self._nbytes -= frame.nbytes
            frame.resized = {}
            self._next_to_drop += 1

    def _resize(self, frame: BufferedFrame, pixels: Pixels, slow: int, seen: int) -> None:
        """Resize a frame to its only possible size, or to its likely ones."""
        sizes = self._choices.sizes(frame.kind, self._choices.possible(slow, seen))
        if len(sizes) > 1:
            likely = self._choices.likely(slow, seen, _SPREAD)
            sizes = self._choices.sizes(frame.kind, likely)
        self._resize_to(frame, pixels, sizes)

    def _resize_to(self, frame: BufferedFrame, pixels: Pixels, sizes: list[Size]) -> None:
        frame.resized = {size: copy_to_mmap(_core.resize(pixels[None], *size)[0]) for size in sizes}
        frame.decoded = None
