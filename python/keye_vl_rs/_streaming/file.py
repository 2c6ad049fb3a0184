"""Compute the model's tensors from a video file, without holding all of its frames."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs._decoding.reader import ReadFrames
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._sampling.open_video import OpenVideo
from keye_vl_rs._sampling.reading import decode_indices, read_sampled, report_progress
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.timestamps import FrameTimes, TimestampRule
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._slow_fast.plan import plan_frame_sizes
from keye_vl_rs._slow_fast.split import slow_fast_splitter
from keye_vl_rs._streaming.pipeline import PatchPipeline
from keye_vl_rs._streaming.size_choices import SizeChoices
from keye_vl_rs._util.model import Size
from keye_vl_rs.limits import check_resized_frames

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

__all__ = ["StreamedVideo", "plan_size_choices", "stream_file"]


@dataclass(frozen=True)
class StreamedVideo:
    """Hold the tensors of a video file.

    Attributes:
        pixels: (patches, 3, 14, 14), the patches of all frames in time order.
        frame_types: 0 slow or 1 fast, for each frame.
        sizes: (height, width) of slow and of fast frames.
        size: (height, width) of the video itself.
        times: the times of the frames.
        indices: their indices in the timeline.
        timeline: the timeline of the whole video.
        stage_seconds: the seconds that each stage took.
        counts: how much of the file was decoded.
        damage: how the frames are damaged, or None.
    """

    pixels: torch.Tensor
    frame_types: list[int]
    sizes: tuple[Size, Size]
    size: Size
    times: FrameTimes
    indices: list[int]
    timeline: Timeline
    stage_seconds: dict[str, float] = field(default_factory=dict)
    counts: DecodeCounts = field(default_factory=DecodeCounts)
    damage: Damage | None = None


def stream_file(
    video: OpenVideo, rules: VideoRules, config: PixelConfig, buffer_bytes: int
) -> StreamedVideo:
    """Compare frames and write their patches while later frames are being decoded.

    Args:
        video: the open file.
        rules: defaults for what its options do not say.
        config: how pixels become values; the Rust core must support it.
        buffer_bytes: limit on the memory for frames whose sizes depend on later frames.

    Raises:
        As :func:`keye_vl_rs.preprocess_video`.
    """
    clock = _StageClock()

    def make_sink(
        convert: Callable[[Any], NDArray[np.uint8]], size: Size, count: int
    ) -> _PatchSink:
        pipeline = PatchPipeline(
            plan_size_choices(video.options, rules, size, count, video.name),
            slow_fast_splitter(*size, rules.threshold(video.options), rules),
            convert,
            config,
            buffer_bytes,
            video.name,
        )
        return _PatchSink(pipeline, convert, size, video.times, clock, video.reader.file)

    clock.enter("decode")
    streamed = read_sampled(video.reader, video.select, make_sink)
    return replace(
        streamed,
        stage_seconds=clock.stop(),
        counts=video.reader.file.counts,
        damage=video.reader.damage,
    )


class _PatchSink:
    """Compare frames and write their patches, as a sink for :func:`read_sampled`."""

    def __init__(
        self,
        pipeline: PatchPipeline,
        convert: Callable[[Any], NDArray[np.uint8]],
        size: Size,
        rule: TimestampRule,
        clock: _StageClock,
        file: VideoFile,
    ) -> None:
        """Pass frames to ``pipeline``, and tell ``clock`` which stage is running."""
        self._pipeline = pipeline
        self._convert = convert
        self._size = size
        self._rule = rule
        self._clock = clock
        self._file = file

    def add(self, frame: Any, pixels: NDArray[np.uint8]) -> None:
        """Compare a frame with the last slow one, and write or buffer it."""
        self._clock.enter("slow_fast")
        self._pipeline.compare(pixels)
        self._clock.enter("patches")
        self._pipeline.write(frame, pixels)

    def trim(self) -> None:
        """Reduce the frame buffer to its limit."""
        self._pipeline.trim()
        self._clock.enter("decode")

    def finish(self, timeline: Timeline, indices: list[int], read: ReadFrames) -> StreamedVideo:
        """Return the result, in which ``stage_seconds``, ``counts`` and ``damage`` are not set."""
        self._decode_missing(timeline, indices, read)
        self._clock.enter("patches")
        times = self._rule.apply(timeline, indices, self._file.name)
        types, sizes = list(self._pipeline.frame_types), self._pipeline.sizes
        pixels = self._pipeline.finish()
        return StreamedVideo(pixels, types, sizes, self._size, times, indices, timeline)

    def _decode_missing(self, timeline: Timeline, indices: list[int], read: ReadFrames) -> None:
        """Decode the frames that did not fit into the buffer again, and write them."""
        numbers: dict[int, list[int]] = {}
        for number in self._pipeline.missing:
            numbers.setdefault(indices[number], []).append(number)
        if not numbers:
            return
        missing = sorted(indices[number] for number in self._pipeline.missing)
        done = 0
        self._clock.enter("decode")
        for index, frame in decode_indices(numbers, read):
            pixels = self._convert(frame)
            self._clock.enter("patches")
            for number in numbers[index]:
                self._pipeline.write_missing(number, pixels)
            self._clock.enter("decode")
            done += len(numbers[index])
            report_progress(self._file, timeline, missing, done, "redecode")


def plan_size_choices(
    options: VideoOptions, rules: VideoRules, size: Size, frames: int, name: str
) -> SizeChoices:
    """Compute the sizes for every possible number of slow frames, and check them all."""
    choices = SizeChoices.of(
        frames,
        lambda slow: plan_frame_sizes(options, size, slow, frames - slow, rules),
    )
    # Frames may be buffered at any of these sizes before it is known which one applies.
    check_resized_frames([one for pair in choices.runs for one in pair], 0, name)
    return choices


class _StageClock:
    """Add up the seconds of each stage."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(("decode", "slow_fast", "patches"), 0.0)
        self._stage = "decode"
        self._since = time.perf_counter()

    def enter(self, stage: str) -> None:
        """End the current stage and begin another."""
        now = time.perf_counter()
        self._seconds[self._stage] += now - self._since
        self._stage, self._since = stage, now

    def stop(self) -> dict[str, float]:
        """Stop, and return the seconds of each stage."""
        self.enter("decode")
        return self._seconds
