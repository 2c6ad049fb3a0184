"""Frames, one after the other, into patches at their final place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keye_vl_rs._patches.tensors import video_patches
from keye_vl_rs._slow_fast.sizes import PATCH_SIZE, SLOW, Size
from keye_vl_rs._streaming.frame_buffer import Kept, KeptFrames
from keye_vl_rs._streaming.output_buffer import PatchRoom
from keye_vl_rs._streaming.size_choices import SizeChoices, patches
from keye_vl_rs.limits import check_resized_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from keye_vl_rs import _core
    from keye_vl_rs._patches.pixel_config import PixelConfig

    Pixels = NDArray[np.uint8]

__all__ = ["PatchPipeline"]


class PatchPipeline:
    """Takes all frames of a video, once and in order.

    Attributes:
        frame_types: of the frames so far, 0 slow and 1 fast.
        holes: the numbers of frames that have to come again, after all came once.
    """

    def __init__(
        self,
        choices: SizeChoices,
        splitter: _core.SlowFastSplitter,
        convert: Callable[[Any], Pixels],
        config: PixelConfig,
        buffer_bytes: int,
        name: str = "the video",
    ) -> None:
        """``convert`` gives the RGB (H, W, 3) of a decoded frame, ever the same.

        ``name`` is what errors call the video.
        """
        self.frame_types: list[int] = []
        self.holes: list[int] = []
        self._name = name
        self._choices = choices
        self._splitter = splitter
        arguments = config.fused()
        assert arguments is not None, "what the core cannot do is not streamed"
        self._arguments = arguments
        self._convert = convert
        self._kept = KeptFrames(choices, convert, buffer_bytes)
        self._slow = 0
        self._sizes: tuple[Size, Size] | None = None
        self._room: PatchRoom | None = None
        # Where each frame's patches begin, and where the last one's end.
        self._places = [0]

    @property
    def sizes(self) -> tuple[Size, Size]:
        """Of slow and of fast frames, once all frames came."""
        assert self._sizes is not None, "sizes are known when all frames came"
        return self._sizes

    def compare(self, pixels: Pixels) -> int:
        """Tell whether the next frame, (H, W, 3), is slow."""
        kind = self._splitter.push(pixels)
        self.frame_types.append(kind)
        self._slow += kind == SLOW
        return kind

    def write(self, frame: Any, pixels: Pixels) -> None:
        """Write the frame that was just compared, or keep it until its size is known."""
        seen, kind = len(self.frame_types), self.frame_types[-1]
        if self._sizes is None:
            if not self._choices.possible(self._slow, seen).decided:
                self._kept.add(frame, pixels, kind, self._slow, seen)
                return
            self._decide()
        self._write(pixels, kind, *self._next_place(kind))

    def settle(self) -> None:
        """Make room, once the pixels of the last frame are gone."""
        if self._sizes is None:
            self._kept.settle(self._slow, len(self.frame_types))

    def fill(self, number: int, pixels: Pixels) -> None:
        """Write one of the ``holes``."""
        first, stop = self._places[number : number + 2]
        self._write(pixels, self.frame_types[number], first, stop - first)

    def finish(self) -> torch.Tensor:
        """The patches of all frames, (patches, 3, 14, 14)."""
        assert self._room is not None, "sizes are known when all frames came"
        return self._room.finish(self._places[-1])

    def _decide(self) -> None:
        """Make room, and write what was kept."""
        seen = len(self.frame_types)
        window = self._choices.possible(self._slow, seen)
        self._sizes = self._choices.runs[window.first]
        # The frames to come may all be of the larger kind.
        slow, fast = map(patches, self._sizes)
        most = self._slow * slow + (seen - self._slow) * fast
        most += (self._choices.frames - seen) * max(slow, fast)
        check_resized_frames((), most * PATCH_SIZE**2, self._name)
        self._room = PatchRoom(most, self._arguments["dtype"])
        for number, kept in enumerate(self._kept.take()):
            first, count = self._next_place(kept.kind)
            pixels = self._pixels(kept)
            if pixels is None:
                self.holes.append(number)
            else:
                self._write(pixels, kept.kind, first, count)
            # As the room fills, what filled it goes.
            kept.whole, kept.resized = None, {}

    def _pixels(self, kept: Kept) -> Pixels | None:
        if kept.whole is not None:
            return self._convert(kept.whole)
        return kept.resized.get(self.sizes[kept.kind])

    def _next_place(self, kind: int) -> tuple[int, int]:
        count = patches(self.sizes[kind])
        self._places.append(self._places[-1] + count)
        return self._places[-2], count

    def _write(self, pixels: Pixels, kind: int, first: int, count: int) -> None:
        assert self._room is not None, "there is room once sizes are known"
        size = self.sizes[kind]
        out = self._room.slice(first, count)
        video_patches(pixels[None], None, size, size, out=out, **self._arguments)
