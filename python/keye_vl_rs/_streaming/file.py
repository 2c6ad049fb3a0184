"""A video file into the model's tensors, without ever holding the video."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keye_vl_rs import vision_process
from keye_vl_rs._decoding.reader import ReadFrames, VideoReader
from keye_vl_rs._decoding.rgb import RgbConverter
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._patches.tensors import grid_thw
from keye_vl_rs._sampling.timestamps import FrameTimes, TimestampRule
from keye_vl_rs._slow_fast.sizes import Size
from keye_vl_rs._streaming.pipeline import PatchOptions, PatchPipeline
from keye_vl_rs._streaming.size_choices import SizeChoices
from keye_vl_rs.limits import check_resized_frames
from keye_vl_rs.video_inputs import VideoInputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["stream_file"]


def stream_file(
    reader: VideoReader,
    choose: Callable[[Timeline], list[int]],
    ele: dict[str, Any],
    min_frame_similarity: float,
    options: PatchOptions,
    buffer_bytes: int,
    rule: TimestampRule,
) -> VideoInputs:
    """Decode, compare and write, each frame while later ones are being decoded.

    Args:
        reader: of the file.
        choose: gives the places of the frames to sample, possibly with repeats.
        ele: holds the limits for :func:`keye_vl_rs.vision_process.plan_frame_sizes`.
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        options: how pixels become values.
        buffer_bytes: for frames whose sizes depend on frames that are not decoded yet.
        rule: which times the frames get.

    Raises:
        As :func:`keye_vl_rs.preprocess_video`.
    """
    clock = _Clock()

    def consume(timeline: Timeline, places: list[int], read: ReadFrames) -> VideoInputs:
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
                    _choices(ele, size, len(places), reader.file.name),
                    vision_process.slow_fast_splitter(*size, min_frame_similarity),
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
        return _inputs(pipeline, timeline, times_of, size)

    inputs = reader.read(choose, consume)
    return replace(
        inputs, stage_seconds=clock.stop(), counts=reader.file.counts, damage=reader.damage
    )


def _each(places: list[int], read: ReadFrames) -> Iterator[tuple[int, Any]]:
    distinct = sorted(set(places))
    return zip(distinct, read(distinct), strict=True)


def _choices(ele: dict[str, Any], size: Size, frames: int, name: str) -> SizeChoices:
    choices = SizeChoices.of(
        frames,
        lambda slow: vision_process.plan_frame_sizes(ele, size, slow, frames - slow),
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


def _inputs(
    pipeline: PatchPipeline, timeline: Timeline, times: FrameTimes, size: Size
) -> VideoInputs:
    import torch

    frame_types = torch.tensor(pipeline.frame_types, dtype=torch.int32, device="cpu")
    slow_size, fast_size = pipeline.sizes
    return VideoInputs(
        pixel_values_videos=pipeline.finish(),
        video_grid_thw=grid_thw(frame_types, slow_size, fast_size),
        num_frames=torch.tensor([len(frame_types)], dtype=torch.int64, device="cpu"),
        frame_types=frame_types,
        timestamps=times.seconds,
        timestamp_kind=times.kind,
        slow_size=slow_size,
        fast_size=fast_size,
        size=size,
        fps=timeline.fps,
        total_frames=timeline.count,
        duration=timeline.duration,
    )


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
