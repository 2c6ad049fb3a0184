"""Take frames one by one, and write their patches where they belong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keye_vl_rs._patches.tensors import video_patches
from keye_vl_rs._slow_fast.sizes import PATCH_SIZE, SLOW, Size, patches_per_frame
from keye_vl_rs._streaming.frame_buffer import BufferedFrame, FrameBuffer
from keye_vl_rs._streaming.output_buffer import OutputBuffer
from keye_vl_rs._streaming.size_choices import SizeChoices
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
    """Comparison and writing of all frames of a video, each once and in order.

    Attributes:
        frame_types: the types of the frames so far, 0 slow and 1 fast.
        missing: the numbers of frames that did not fit into the buffer. Pass them to
            :meth:`write_missing` after all frames were added once.
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
        """Create a pipeline for one video.

        Args:
            choices: the possible sizes.
            splitter: classifies frames as slow or fast.
            convert: returns the RGB (H, W, 3) of a decoded frame, the same in every call.
            config: how pixels become values; the Rust core must support it.
            buffer_bytes: limit on the memory for frames whose sizes are not known yet.
            name: the video's name in error messages.
        """
        self.frame_types: list[int] = []
        self.missing: list[int] = []
        self._name = name
        self._choices = choices
        self._splitter = splitter
        arguments = config.fused()
        assert arguments is not None, "only what the core supports is streamed"
        self._arguments = arguments
        self._convert = convert
        self._buffer = FrameBuffer(choices, convert, buffer_bytes)
        self._slow = 0
        self._sizes: tuple[Size, Size] | None = None
        self._output: OutputBuffer | None = None
        # The first patch of each frame, and the end of the last frame's.
        self._offsets = [0]

    @property
    def sizes(self) -> tuple[Size, Size]:
        """Return the sizes of slow and of fast frames; known once all frames were added."""
        assert self._sizes is not None, "sizes are known once all frames were added"
        return self._sizes

    def compare(self, pixels: Pixels) -> int:
        """Return whether the next frame, (H, W, 3), is slow or fast."""
        kind = self._splitter.push(pixels)
        self.frame_types.append(kind)
        self._slow += kind == SLOW
        return kind

    def write(self, frame: Any, pixels: Pixels) -> None:
        """Write the frame that was just compared, or buffer it until its size is known."""
        seen, kind = len(self.frame_types), self.frame_types[-1]
        if self._sizes is None:
            if not self._choices.possible(self._slow, seen).decided:
                self._buffer.add(frame, pixels, kind, self._slow, seen)
                return
            self._decide()
        self._write(pixels, kind, *self._reserve(kind))

    def trim(self) -> None:
        """Reduce the frame buffer to its limit; see :meth:`FrameBuffer.trim` for when."""
        if self._sizes is None:
            self._buffer.trim(self._slow, len(self.frame_types))

    def write_missing(self, number: int, pixels: Pixels) -> None:
        """Write one of the ``missing`` frames, (H, W, 3)."""
        first, stop = self._offsets[number : number + 2]
        self._write(pixels, self.frame_types[number], first, stop - first)

    def finish(self) -> torch.Tensor:
        """Return the patches of all frames, (patches, 3, 14, 14)."""
        assert self._output is not None, "sizes are known once all frames were added"
        return self._output.finish(self._offsets[-1])

    def _decide(self) -> None:
        """Fix the sizes, allocate the output, and write the buffered frames."""
        seen = len(self.frame_types)
        window = self._choices.possible(self._slow, seen)
        self._sizes = self._choices.runs[window.first]
        # All remaining frames may be of the larger kind.
        slow, fast = map(patches_per_frame, self._sizes)
        max_patches = self._slow * slow + (seen - self._slow) * fast
        max_patches += (self._choices.frames - seen) * max(slow, fast)
        check_resized_frames((), max_patches * PATCH_SIZE**2, self._name)
        self._output = OutputBuffer(max_patches, self._arguments["dtype"])
        for number, frame in enumerate(self._buffer.take_all()):
            first, count = self._reserve(frame.kind)
            pixels = self._pixels(frame)
            if pixels is None:
                self.missing.append(number)
            else:
                self._write(pixels, frame.kind, first, count)
            # Free each frame while the output grows, so that both are never held at once.
            frame.decoded, frame.resized = None, {}

    def _pixels(self, frame: BufferedFrame) -> Pixels | None:
        """Return the RGB of a buffered frame, or None if it was dropped."""
        if frame.decoded is not None:
            return self._convert(frame.decoded)
        return frame.resized.get(self.sizes[frame.kind])

    def _reserve(self, kind: int) -> tuple[int, int]:
        """Reserve the patches of the next frame; return the first one and their number."""
        count = patches_per_frame(self.sizes[kind])
        self._offsets.append(self._offsets[-1] + count)
        return self._offsets[-2], count

    def _write(self, pixels: Pixels, kind: int, first: int, count: int) -> None:
        assert self._output is not None, "the output is allocated once sizes are known"
        size = self.sizes[kind]
        out = self._output.slice(first, count)
        video_patches(pixels[None], None, size, size, out=out, **self._arguments)
