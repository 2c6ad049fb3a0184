"""Decode a video and gather what a report on its frames needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keye_vl_rs._chat.message_options import frame_parts
from keye_vl_rs._chat.token_counts import count_tokens_of
from keye_vl_rs._media.encoded_sources import frames_or_source
from keye_vl_rs._sampling.indices import frame_indices
from keye_vl_rs._sampling.open_video import open_video, spaced_frames
from keye_vl_rs._sampling.reading import decoder_threads, read_sampled
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video_options import VideoOptions, holds_frames
from keye_vl_rs._slow_fast.frame_lists import (
    check_list_options,
    frame_rules,
    list_deadline,
    read_frame_list,
)
from keye_vl_rs._slow_fast.plan import plan_checked_sizes
from keye_vl_rs._slow_fast.sizes import FAST, SLOW
from keye_vl_rs._streaming.file import plan_size_choices
from keye_vl_rs.errors import InvalidArgumentError, memory_errors
from keye_vl_rs.inspection.collector import Collected, Collector
from keye_vl_rs.inspection.facts import file_facts
from keye_vl_rs.inspection.result import InspectionOptions, VideoInspection
from keye_vl_rs.limits import Limits, applied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from keye_vl_rs._decoding.reader import OnError
    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._sampling.timestamps import TimestampKind
    from keye_vl_rs._util.model import Size
    from keye_vl_rs._util.progress import ProgressCallback
    from keye_vl_rs.preprocess import Source

__all__ = ["MAX_FRAMES", "inspect_video"]

_RULES = VideoRules()
# A report on more frames would grow beyond what browsers open at once.
MAX_FRAMES = 65_536


@memory_errors("the video")
def inspect_video(
    source: Source,
    *,
    fps: float = 2.0,
    max_frames: int | None = None,
    num_frames: int | None = None,
    min_pixels: float | None = None,
    max_pixels: float | None = None,
    total_pixels: float | None = None,
    min_frame_similarity: float = 0.9,
    video_start: float | None = None,
    video_end: float | None = None,
    threads: int | None = None,
    timeout: float | None = None,
    cancel: CancelFlag | None = None,
    on_error: OnError = "raise",
    timestamps: TimestampKind = "published",
    limits: Limits | None = None,
    progress: ProgressCallback | None = None,
    thumbnails: bool = True,
) -> VideoInspection:
    """Return which frames of a video are slow and why, and what they cost.

    Frames, types, sizes and tokens are those of :func:`keye_vl_rs.preprocess_video` with the same
    arguments; no patches are written. The video is decoded once, and its frames are never all in
    memory. The result also tells what other thresholds and budgets would change, because each frame
    is compared with every frame that may be the last slow one.

    Write the report with :meth:`VideoInspection.save`.

    Args:
        source: as for :func:`keye_vl_rs.preprocess_video`.
        fps: frames to sample per second. For a list of frames, its frame rate.
        max_frames: maximum number of frames to sample.
        num_frames: exact number of frames to sample, instead of ``fps``.
        min_pixels: minimum number of pixels of a frame.
        max_pixels: maximum number of pixels of a slow frame.
        total_pixels: maximum number of pixels of all frames together.
        min_frame_similarity: a frame with a smaller share of unchanged patches is slow.
        video_start: seconds; sample only frames that are presented at this time or later.
        video_end: seconds; sample only frames that are presented at this time or earlier.
        threads: number of decoder threads.
        timeout: limit in seconds on the duration of the call.
        cancel: an object with ``is_set()`` that cancels the call.
        on_error: "raise", "partial" or "conceal".
        timestamps: "published" or "presentation".
        limits: bounds on what the video may require.
        progress: a function that is called with a :class:`keye_vl_rs.Progress`, as for
            :func:`keye_vl_rs.preprocess_video`.
        thumbnails: whether to make small pictures of the frames, for the report.

    Raises:
        MediaError: a subclass, as for :func:`keye_vl_rs.preprocess_video`.
        CancelledError: ``cancel`` was set.
        InvalidArgumentError: a subclass, if an argument is invalid, or more than 65,536 frames
            would be sampled.
    """
    options = VideoOptions(
        source=frames_or_source(source),
        fps=fps,
        num_frames=num_frames,
        max_frames=max_frames,
        min_pixels=min_pixels,
        max_pixels=max_pixels,
        total_pixels=total_pixels,
        min_frame_similarity=min_frame_similarity,
        video_start=video_start,
        video_end=video_end,
        timeout=timeout,
        on_error=on_error,
        timestamps=timestamps,
    )
    options.check_types()
    with applied(limits):
        if holds_frames(options.source):
            return _inspect_list(options, threads, cancel, progress, thumbnails=thumbnails)
        return _inspect_file(options, threads, cancel, progress, thumbnails=thumbnails)


def _inspect_file(
    options: VideoOptions,
    threads: int | None,
    cancel: CancelFlag | None,
    progress: ProgressCallback | None,
    *,
    thumbnails: bool,
) -> VideoInspection:
    spaced, totals = spaced_frames(options, _RULES), [0]

    def choose(total_frames: int, fps: float) -> torch.Tensor | Sequence[int]:
        totals[0] = total_frames
        return spaced(total_frames, fps)

    def make_sink(convert: Callable[[Any], Any], size: Size, count: int) -> Collector:
        # What ``preprocess_video`` refuses before it decodes is refused here, too.
        plan_size_choices(options, _RULES, size, count, video.name)
        return _collector(options, size, count, thumbnails=thumbnails)

    with open_video(options, choose, threads=threads, cancel=cancel, progress=progress) as video:
        collected, timeline, indices = read_sampled(video.reader, video.select, make_sink)
        index = video.reader.video_index
        assert index is not None, "frames were read"
        facts = file_facts(index.stream, video.reader.file.media)
        counts, damage = video.reader.file.counts, video.reader.damage
    times = video.times.apply(timeline, indices, video.name)
    return _result(
        options,
        collected,
        name=video.name,
        facts=facts,
        fps=timeline.fps,
        total_frames=timeline.count,
        duration=timeline.duration,
        selectable_frames=totals[0],
        frame_indices=tuple(indices),
        timestamps=tuple(times.seconds.tolist()),
        timestamp_kind=times.kind,
        counts=counts,
        damage=damage,
    )


def _inspect_list(
    options: VideoOptions,
    threads: int | None,
    cancel: CancelFlag | None,
    progress: ProgressCallback | None,
    *,
    thumbnails: bool,
) -> VideoInspection:
    check_list_options(options)
    assert options.fps is not None
    decoder_threads(threads)
    deadline = list_deadline(options, cancel, progress)
    deadline.check()
    shared = {"min_pixels": options.min_pixels, "max_pixels": options.max_pixels}
    parts = frame_parts(options.source, shared)
    frames, times = read_frame_list(options, parts, _RULES, frame_rules(_RULES))
    size = (frames.shape[2], frames.shape[3])
    collector = _collector(options, size, len(frames), thumbnails=thumbnails)
    for frame in frames.permute(0, 2, 3, 1).numpy():
        deadline.check()
        collector.add(None, frame)
    if deadline.progress is not None:
        deadline.progress.decoded((len(frames), len(frames)))
    total = len(options.source)
    return _result(
        options,
        collector.collected(),
        name=deadline.name,
        facts=None,
        fps=float(options.fps),
        total_frames=total,
        duration=float(total / options.fps),
        selectable_frames=total,
        frame_indices=tuple(frame_indices(total, len(frames)).tolist()),
        timestamps=() if times is None else tuple(times.tolist()),
        timestamp_kind="published",
    )


def _collector(options: VideoOptions, size: Size, frames: int, *, thumbnails: bool) -> Collector:
    """Return a sink for frames of ``size``.

    Raises:
        InvalidArgumentError: there are too many for a report.
    """
    if frames > MAX_FRAMES:
        raise InvalidArgumentError(
            f"the options sample {frames:,} frames: expected at most {MAX_FRAMES:,} in a report; "
            "set max_frames"
        )
    return Collector(size, frames, _RULES.threshold(options), _RULES, thumbnails=thumbnails)


def _result(
    options: VideoOptions, collected: Collected, name: str, **others: Any
) -> VideoInspection:
    """Return the result, with types, sizes and tokens."""
    threshold = _RULES.threshold(options)
    similarities = [
        next((pair.similarity for pair in pairs if pair.reference == reference), None)
        for pairs, reference in zip(collected.comparisons, collected.compared_with, strict=True)
    ]
    # NaN is not below any threshold.
    types = [SLOW if one is None or one < threshold else FAST for one in similarities]
    slow_frames = types.count(SLOW)
    slow_size, fast_size = plan_checked_sizes(
        options, collected.size, slow_frames, len(types) - slow_frames, _RULES, name
    )
    return VideoInspection(
        name=name,
        options=_filled_in(options),
        size=collected.size,
        frame_types=tuple(types),
        slow_size=slow_size,
        fast_size=fast_size,
        tokens=count_tokens_of(types, slow_size, fast_size, ()).vision,
        comparison_size=collected.comparison_size,
        compared_with=collected.compared_with,
        similarities=tuple(similarities),
        changes=collected.changes,
        comparisons=collected.comparisons,
        thresholds=collected.thresholds,
        thumbnails=collected.thumbnails,
        **others,
    )


def _filled_in(options: VideoOptions) -> InspectionOptions:
    """Return the options with the defaults of the model."""
    return InspectionOptions(
        fps=_RULES.fps if options.fps is None else _plain(options.fps),
        num_frames=None if options.num_frames is None else int(options.num_frames),
        max_frames=None if options.max_frames is None else int(options.max_frames),
        min_frame_similarity=_plain(_RULES.threshold(options)),
        min_pixels=_plain(options.positive("min_pixels", _RULES.min_pixels)),
        max_pixels=_plain(options.positive("max_pixels", _RULES.max_pixels)),
        total_pixels=_plain(options.positive("total_pixels", _RULES.total_pixels)),
        video_start=None if options.video_start is None else _plain(options.video_start),
        video_end=None if options.video_end is None else _plain(options.video_end),
        on_error=options.on_error,
    )


def _plain(value: Any) -> float:
    """Return a number of any kind, as of numpy or a fraction, as JSON can hold it."""
    return value if type(value) is int else float(value)
