"""A video file into the model's tensors, without ever holding the video."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs._decoding.reader import ReadFrames, VideoReader
from keye_vl_rs._decoding.rgb import RgbConverter
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.timestamps import FrameTimes, TimestampRule
from keye_vl_rs._slow_fast.plan import plan_frame_sizes
from keye_vl_rs._slow_fast.split import slow_fast_splitter
from keye_vl_rs._streaming.pipeline import PatchOptions, PatchPipeline
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
    options: PatchOptions,
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
        options: how pixels become values.
        buffer_bytes: for frames whose sizes depend on frames that are not decoded yet.
        rule: which times the frames get.

    Raises:
        As :func:`keye_vl_rs.preprocess_video`.
    """
    clock = _Clock()

    def consume(timeline: Timeline, places: list[int], read: ReadFrames) -> StreamedVideo:
        converter = RgbConverter(reader.file.name)
        pipeline: PatchPipeline | None = None
        size = (0, 0)
        times = Counter(places)
        clock.enter("decode")
        for place, frame in _each(places, read):
            pixels = converter.convert(frame)
            if pipeline is None:
                size = (pixels.shape[0], pixels.shape[1])
                pipeline = PatchPipeline(
                    _choices(ele, rules, size, len(places), reader.file.name),
                    slow_fast_splitter(*size, min_frame_similarity, rules),
                    converter.convert,
                    options,
                    buffer_bytes,
                    reader.file.name,
                )
            for _ in range(times[place]):
                clock.enter("slow_fast")
                pipeline.compare(pixels)
                clock.enter("patches")
                pipeline.write(frame, pixels)
            # No longer than it takes: others have use for the memory.
            del frame, pixels
            pipeline.settle()
            clock.enter("decode")
        assert pipeline is not None, "one frame at least is chosen"
        _fill_holes(pipeline, places, read, converter.convert, clock)
        clock.enter("patches")
        times_of = rule.apply(timeline, places, reader.file.name)
        types, sizes = list(pipeline.frame_types), pipeline.sizes
        return StreamedVideo(pipeline.finish(), types, sizes, size, times_of, timeline)

    streamed = reader.read(choose, consume)
    return replace(
        streamed, stage_seconds=clock.stop(), counts=reader.file.counts, damage=reader.damage
    )


def _each(places: list[int], read: ReadFrames) -> Iterator[tuple[int, Any]]:
    distinct = sorted(set(places))
    return zip(distinct, read(distinct), strict=True)


def _choices(
    ele: dict[str, Any], rules: VideoRules, size: Size, frames: int, name: str
) -> SizeChoices:
    choices = SizeChoices.of(
        frames,
        lambda slow: plan_frame_sizes(ele, size, slow, frames - slow, rules),
    )
    # Frames may be kept at any of these before it is known which of them is the right one.
    check_resized_frames([one for pair in choices.runs for one in pair], 0, name)
    return choices


def _fill_holes(
    pipeline: PatchPipeline,
    places: list[int],
    read: ReadFrames,
    convert: Callable[[Any], NDArray[np.uint8]],
    clock: _Clock,
) -> None:
    """Decode the frames again that there was no room for."""
    numbers: dict[int, list[int]] = {}
    for number in pipeline.holes:
        numbers.setdefault(places[number], []).append(number)
    if not numbers:
        return
    clock.enter("decode")
    for place, frame in _each(list(numbers), read):
        pixels = convert(frame)
        clock.enter("patches")
        for number in numbers[place]:
            pipeline.fill(number, pixels)
        clock.enter("decode")


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
