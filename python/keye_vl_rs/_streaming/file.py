"""A video file into the model's tensors, without ever holding the video."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs._decoding.reader import ReadFrames, VideoReader
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._sampling.reading import decode_places, read_sampled
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.timestamps import FrameTimes, TimestampRule
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

__all__ = ["StreamedVideo", "stream_file"]


@dataclass(frozen=True)
class StreamedVideo:
    """What a video file became.

    Attributes:
        pixels: (patches, 3, 14, 14), of all frames in time order.
        frame_types: 0 slow and 1 fast, one a frame.
        sizes: (height, width) of slow and of fast frames.
        size: (height, width) of the video itself.
        times: of the frames.
        timeline: of the whole video.
        stage_seconds: how long each stage took.
        counts: how much of the file had to be decoded.
        damage: what is wrong with the frames; None if nothing is.
    """

    pixels: torch.Tensor
    frame_types: list[int]
    sizes: tuple[Size, Size]
    size: Size
    times: FrameTimes
    timeline: Timeline
    stage_seconds: dict[str, float] = field(default_factory=dict)
    counts: DecodeCounts = field(default_factory=DecodeCounts)
    damage: Damage | None = None


def stream_file(
    reader: VideoReader,
    choose: Callable[[Timeline], list[int]],
    ele: dict[str, Any],
    rules: VideoRules,
    min_frame_similarity: float,
    config: PixelConfig,
    buffer_bytes: int,
    rule: TimestampRule,
) -> StreamedVideo:
    """Decode, compare and write, each frame while later ones are being decoded.

    Args:
        reader: of the file.
        choose: gives the places of the frames to sample, possibly with repeats.
        ele: holds the limits for :func:`keye_vl_rs._slow_fast.plan.plan_frame_sizes`.
        rules: say what ``ele`` does not.
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        config: how pixels become values; what the core does.
        buffer_bytes: for frames whose sizes depend on frames that are not decoded yet.
        rule: which times the frames get.

    Raises:
        As :func:`keye_vl_rs.preprocess_video`.
    """
    clock = _Clock()

    def make_sink(
        convert: Callable[[Any], NDArray[np.uint8]], size: Size, count: int
    ) -> _PatchSink:
        pipeline = PatchPipeline(
            _choices(ele, rules, size, count, reader.file.name),
            slow_fast_splitter(*size, min_frame_similarity, rules),
            convert,
            config,
            buffer_bytes,
            reader.file.name,
        )
        return _PatchSink(pipeline, convert, size, rule, clock, reader.file.name)

    clock.enter("decode")
    streamed = read_sampled(reader, choose, make_sink)
    return replace(
        streamed, stage_seconds=clock.stop(), counts=reader.file.counts, damage=reader.damage
    )


class _PatchSink:
    """Compares frames and writes their patches, for :func:`read_sampled`."""

    def __init__(
        self,
        pipeline: PatchPipeline,
        convert: Callable[[Any], NDArray[np.uint8]],
        size: Size,
        rule: TimestampRule,
        clock: _Clock,
        name: str,
    ) -> None:
        """Feed ``pipeline``; ``clock`` is told what the time is spent on."""
        self._pipeline = pipeline
        self._convert = convert
        self._size = size
        self._rule = rule
        self._clock = clock
        self._name = name

    def add(self, frame: Any, pixels: NDArray[np.uint8]) -> None:
        """Compare a frame with the last slow one, and write it or keep it."""
        self._clock.enter("slow_fast")
        self._pipeline.compare(pixels)
        self._clock.enter("patches")
        self._pipeline.write(frame, pixels)

    def settle(self) -> None:
        """Free buffer memory."""
        self._pipeline.settle()
        self._clock.enter("decode")

    def finish(self, timeline: Timeline, places: list[int], read: ReadFrames) -> StreamedVideo:
        """Return all patches; the reader's damage and counts are not among it yet."""
        self._fill_holes(places, read)
        self._clock.enter("patches")
        times = self._rule.apply(timeline, places, self._name)
        types, sizes = list(self._pipeline.frame_types), self._pipeline.sizes
        return StreamedVideo(self._pipeline.finish(), types, sizes, self._size, times, timeline)

    def _fill_holes(self, places: list[int], read: ReadFrames) -> None:
        """Decode the frames again for which the buffer was too small."""
        numbers: dict[int, list[int]] = {}
        for number in self._pipeline.holes:
            numbers.setdefault(places[number], []).append(number)
        if not numbers:
            return
        self._clock.enter("decode")
        for place, frame in decode_places(numbers, read):
            pixels = self._convert(frame)
            self._clock.enter("patches")
            for number in numbers[place]:
                self._pipeline.fill(number, pixels)
            self._clock.enter("decode")


def _choices(
    ele: dict[str, Any], rules: VideoRules, size: Size, frames: int, name: str
) -> SizeChoices:
    """Return the sizes that are possible, by how many frames turn out slow."""
    choices = SizeChoices.of(
        frames,
        lambda slow: plan_frame_sizes(ele, size, slow, frames - slow, rules),
    )
    # Frames may be kept at any of these before it is known which of them is the right one.
    check_resized_frames([one for pair in choices.runs for one in pair], 0, name)
    return choices


class _Clock:
    """Adds up how long each stage takes."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(("decode", "slow_fast", "patches"), 0.0)
        self._stage = "decode"
        self._since = time.perf_counter()

    def enter(self, stage: str) -> None:
        """End one stage and begin another."""
        now = time.perf_counter()
        self._seconds[self._stage] += now - self._since
        self._stage, self._since = stage, now

    def stop(self) -> dict[str, float]:
        """Seconds of each stage."""
        self.enter("decode")
        return self._seconds
