"""Count the vision tokens of a video exactly: :func:`count_tokens`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from keye_vl_rs._chat.message_options import frame_parts
from keye_vl_rs._decoding.reader import OnError, ReadFrames
from keye_vl_rs._media.encoded_sources import frames_or_source
from keye_vl_rs._sampling.open_video import OpenVideo, open_video, spaced_frames
from keye_vl_rs._sampling.reading import decoder_threads, sink_frames
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.timestamps import TimestampKind
from keye_vl_rs._sampling.video_options import VideoOptions, holds_frames
from keye_vl_rs._slow_fast import sizes
from keye_vl_rs._slow_fast.split import slow_fast_splitter
from keye_vl_rs._slow_fast.split_list import split_list
from keye_vl_rs._streaming.file import plan_size_choices
from keye_vl_rs._util.model import SLOW, Size
from keye_vl_rs.errors import memory_errors
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.probe.token_bounds import bound_tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keye_vl_rs import _core
    from keye_vl_rs._decoding.timeline import Timeline
    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._streaming.size_choices import SizeChoices
    from keye_vl_rs.preprocess import Source

__all__ = ["count_tokens"]

_RULES = VideoRules()


@memory_errors("the video")
def count_tokens(
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
) -> int:
    """Return the exact number of vision tokens of a video: ``preprocess_video(...).tokens``.

    Where :func:`keye_vl_rs.probe_video` knows the number, nothing is decoded, so that damage inside
    packets is not noticed. Otherwise the sampled frames are decoded and compared, but no patches
    are written.

    Args:
        source: as for :func:`keye_vl_rs.preprocess_video`, also a list of frames.
        fps: as there.
        max_frames: as there.
        num_frames: as for :func:`keye_vl_rs.probe_video`.
        min_pixels: as there.
        max_pixels: as there.
        total_pixels: as for :func:`keye_vl_rs.probe_video`.
        min_frame_similarity: as there.
        video_start: as there.
        video_end: as there.
        threads: as there.
        timeout: as there.
        cancel: as there.
        on_error: as there.
        timestamps: as there.
        limits: as there.

    Raises:
        MediaError, CancelledError, InvalidArgumentError: as :func:`keye_vl_rs.preprocess_video`.
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
    decoder_threads(threads)
    with applied(limits):
        if holds_frames(options.source):
            split = split_list(options, _RULES, frame_parts, threads=threads, cancel=cancel)
            return sizes.count_tokens(split.frame_types.tolist(), *split.sizes)
        return _count_in_file(options, threads, cancel)


class _IncompleteFileError(Exception):
    """Report that frames have to be decoded whose contents were not downloaded."""


def _count_in_file(options: VideoOptions, threads: int | None, cancel: CancelFlag | None) -> int:
    """Count the tokens of a file, and decode it only if that is necessary."""
    choose = spaced_frames(options, _RULES)
    with open_video(options, choose, threads=threads, cancel=cancel, sparse=True) as video:
        deadline = video.deadline
        try:
            return video.reader.read(video.select, partial(_count, video))
        except _IncompleteFileError:
            pass
    with open_video(options, choose, threads=threads, deadline=deadline) as video:
        return video.reader.read(video.select, partial(_count, video))


def _count(video: OpenVideo, timeline: Timeline, indices: list[int], read: ReadFrames) -> int:
    """Count the tokens of the frames at some indices."""

    def plan_sizes(size: Size) -> SizeChoices:
        return plan_size_choices(video.options, _RULES, size, len(indices), video.name)

    index = video.reader.video_index
    assert index is not None, "the reader has listed the packets"
    table = index.table
    if all(index.stream.size) and not (table.new_parameters or table.has_orientation):
        bounds = bound_tokens(plan_sizes(index.stream.size), video.name)
        if bounds.least == bounds.most:
            return bounds.most
    if video.reader.file.sparse:
        raise _IncompleteFileError

    def make_sink(
        convert: Callable[[Any], NDArray[np.uint8]], size: Size, count: int
    ) -> _TypesSink:
        splitter = slow_fast_splitter(*size, _RULES.threshold(video.options), _RULES)
        return _TypesSink(plan_sizes(size), splitter)

    return sink_frames(video.reader.file, timeline, indices, read, make_sink)


class _TypesSink:
    """Tell slow and fast frames apart, as a sink for :func:`read_sampled`."""

    def __init__(self, choices: SizeChoices, splitter: _core.SlowFastSplitter) -> None:
        """Take the possible sizes of frames, and what tells frames apart."""
        self._choices = choices
        self._splitter = splitter
        self._types: list[int] = []

    def add(self, frame: Any, pixels: NDArray[np.uint8]) -> None:
        """Compare a frame with the last slow one."""
        self._types.append(self._splitter.push(pixels))

    def trim(self) -> None:
        """Do nothing: no frame is kept."""

    def finish(self, timeline: Timeline, indices: list[int], read: ReadFrames) -> int:
        """Return the number of tokens."""
        run = self._choices.run_of[self._types.count(SLOW)]
        return sizes.count_tokens(self._types, *self._choices.runs[run])
