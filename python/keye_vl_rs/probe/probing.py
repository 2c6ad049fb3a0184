"""Say what a video is and what it would cost, without decoding it: :func:`probe_video`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keye_vl_rs._decoding.missing_frames import FrameIntervals
from keye_vl_rs._decoding.read_plan import ReadPlan, plan_reading
from keye_vl_rs._decoding.reader import OnError
from keye_vl_rs._media.encoded_sources import frames_or_source
from keye_vl_rs._patches.dtypes import float_dtype
from keye_vl_rs._sampling.open_video import OpenVideo, open_video, spaced_frames
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.timestamps import TimestampKind
from keye_vl_rs._sampling.video_options import VideoOptions, holds_frames
from keye_vl_rs._slow_fast.sizes import CHANNELS, FACTOR
from keye_vl_rs._streaming.file import plan_size_choices
from keye_vl_rs.errors import InvalidArgumentError, UnreadableMediaError, memory_errors
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.probe.token_bounds import bound_tokens
from keye_vl_rs.probe.video_probe import FpsKind, VideoProbe

if TYPE_CHECKING:
    import torch

    from keye_vl_rs._decoding.timeline import Timeline
    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._media.sources import MediaSource

__all__ = ["probe_options", "probe_video"]

_RULES = VideoRules()
_SIZES = ("min_tokens", "max_tokens", "fast_sizes", "fast_tokens", "slow_size", "slow_tokens")
# The fields that decoding may correct, where only decoding shows the frames, or their size.
_OF_FRAMES = (
    *("duration", "total_frames", "fps", "fps_kind", "sampled_frames", "indices", "timestamps"),
    *("timestamp_kind", *_SIZES, "min_bytes", "max_bytes"),
)
_OF_SIZE = ("size", "rotation", *_SIZES, "min_bytes", "max_bytes")
# Intervals between frames may differ by the rounding to ticks, where ticks are this short.
_MAX_ROUNDING = 0.25


@memory_errors("the video")
def probe_video(
    source: MediaSource,
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
    dtype: torch.dtype | str | None = None,
    timeout: float | None = None,
    cancel: CancelFlag | None = None,
    on_error: OnError = "raise",
    timestamps: TimestampKind = "published",
    limits: Limits | None = None,
) -> VideoProbe:
    """Return what a video is, which frames would be sampled, and how many tokens they would have.

    No frame is decoded: a file is read once, for what its packets say. Of an mp4 at an http(s)
    address, only the index is downloaded if the server supports range requests; other files are
    downloaded completely, into a temporary file that is deleted afterwards.

    The numbers are those of :func:`keye_vl_rs.preprocess_video` with the same options. Where only
    decoding could tell, they are estimates, and ``VideoProbe.estimated`` names them: the frames of
    files without timestamps (such as bare H.264); the size of files whose header changes midway, or
    whose frames say how to rotate them; ``packets_needed`` of files that seem damaged, and of H.264
    and HEVC in AVI; ``packets_needed`` and ``key_frames`` where packets were not downloaded.

    Args:
        source: as for :func:`keye_vl_rs.preprocess_video`, except for a list of frames.
        fps: as there.
        max_frames: as there.
        num_frames: exact number of frames to sample, an int, instead of ``fps``. If ``max_frames``
            is smaller, that is used.
        min_pixels: as there.
        max_pixels: as there.
        total_pixels: maximum number of pixels of all frames together (51,380,224: 65,536 tokens).
        min_frame_similarity: as there. It has no effect on the bounds.
        video_start: as there.
        video_end: as there.
        dtype: dtype of the pixels, for the number of bytes.
        timeout: limit in seconds on the duration of the call; None for no limit.
        cancel: a ``threading.Event``, or any object with ``is_set()``, that another thread sets to
            cancel the call.
        on_error: as there; "partial" counts only the frames before damage that is known without
            decoding, such as the missing end of a truncated file.
        timestamps: as there.
        limits: as there.

    Raises:
        MediaError: a subclass, if the video cannot be read, is truncated, or exceeds ``limits``, or
            if reading took longer than ``timeout``. Damage inside packets is not noticed.
        CancelledError: ``cancel`` was set.
        InvalidArgumentError: a subclass, if an argument is invalid, ``num_frames`` exceeds the
            number of frames, or no frame is presented between ``video_start`` and ``video_end``.
    """
    options = VideoOptions(
        source=source,
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
    if holds_frames(frames_or_source(source)):
        raise InvalidArgumentError(
            "source is a list of frames: expected a file; use keye_vl_rs.count_tokens for lists"
        )
    with applied(limits):
        return probe_options(options, _RULES, float_dtype(dtype), cancel=cancel)


def probe_options(
    options: VideoOptions,
    rules: VideoRules,
    dtype: torch.dtype | None = None,
    *,
    cancel: CancelFlag | None = None,
) -> VideoProbe:
    """Do as :func:`probe_video`, for a file with its options."""
    choose = spaced_frames(options, rules)
    with open_video(options, choose, cancel=cancel, sparse=True) as video:
        return _describe(plan_reading(video.reader, video.select), video, rules, dtype)


def _describe(
    plan: ReadPlan, video: OpenVideo, rules: VideoRules, dtype: torch.dtype | None
) -> VideoProbe:
    """Put together what the plan of a video says about it and its tensors."""
    import torch

    stream, timeline = plan.index.stream, plan.timeline
    if not (stream.width and stream.height):
        raise UnreadableMediaError(
            f"{video.name}: does not state the size of its frames; only decoding shows it"
        )
    choices = plan_size_choices(video.options, rules, stream.size, len(plan.indices), video.name)
    bounds = bound_tokens(choices, video.name)
    times = video.times.apply(timeline, plan.indices, video.name)
    token_bytes = FACTOR**2 * CHANNELS * (dtype or torch.float32).itemsize
    return VideoProbe(
        name=video.name,
        container=stream.container,
        codec=stream.codec,
        pixel_format=stream.pixel_format,
        bit_depth=stream.bit_depth,
        has_audio=stream.has_audio,
        size=stream.size,
        rotation=round(stream.rotation) % 360,
        duration=timeline.duration,
        total_frames=timeline.count,
        key_frames=plan.index.table.key_frames,
        fps=timeline.fps,
        fps_kind=_fps_kind(timeline, stream.stated_fps),
        stated_fps=stream.stated_fps,
        measured_fps=_measured_fps(timeline),
        constant_fps=_is_constant(timeline),
        sampled_frames=len(plan.indices),
        indices=tuple(plan.indices),
        timestamps=tuple(times.seconds.tolist()),
        timestamp_kind=times.kind,
        min_tokens=bounds.least,
        max_tokens=bounds.most,
        fast_sizes=bounds.fast_sizes,
        fast_tokens=bounds.fast_tokens,
        slow_size=bounds.slow_size,
        slow_tokens=bounds.slow_tokens,
        min_bytes=bounds.least * token_bytes,
        max_bytes=bounds.most * token_bytes,
        packets=len(plan.index.table),
        packets_needed=plan.packets_needed,
        damage=plan.damage,
        estimated=_estimated(plan, is_sparse=video.reader.file.sparse),
    )


def _estimated(plan: ReadPlan, *, is_sparse: bool) -> tuple[str, ...]:
    names = [] if plan.frames_are_certain else [*_OF_FRAMES]
    # The first sampled frame that is decoded says how large and how rotated all are.
    table = plan.index.table
    names += _OF_SIZE if table.new_parameters or table.has_orientation else ()
    if is_sparse:
        unknown = [] if plan.index.stream.pixel_format else ["pixel_format", "bit_depth"]
        names += ["key_frames", *unknown]
    names += [] if plan.packets_are_certain else ["packets_needed"]
    return tuple(dict.fromkeys(names))


def _fps_kind(timeline: Timeline, stated: float | None) -> FpsKind:
    if stated is not None and timeline.fps == stated:
        return "stated"
    return "guessed" if _measured_fps(timeline) is None else "measured"


def _measured_fps(timeline: Timeline) -> float | None:
    times = timeline.times
    if times is None or len(times) < 2:
        return None
    return float((len(times) - 1) / ((times[-1] - times[0]) * timeline.tick))


def _is_constant(timeline: Timeline) -> bool | None:
    """Tell if all frames are equally far apart, up to rounding; None if their times are unknown."""
    if timeline.times is None or len(timeline.times) < 2:
        return None
    intervals = FrameIntervals(timeline.times, timeline.tick)
    spread = max(intervals.lengths) - min(intervals.lengths)
    return spread == 0 or (spread == 1 and spread <= _MAX_ROUNDING * intervals.typical)
