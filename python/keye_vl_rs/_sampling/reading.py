"""Run the loop that decodes a video's sampled frames and converts them to RGB.

The decoding itself is done by ``_decoding.reader``, which this module opens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, get_args

from keye_vl_rs import _core
from keye_vl_rs._decoding.reader import OnError, ReadFrames, VideoReader
from keye_vl_rs._decoding.rgb import RgbConverter
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs._media.deadline import Deadline
from keye_vl_rs._media.kinds import head_of, mp4_fault, not_video
from keye_vl_rs._media.sources import MediaSource, describe_source, open_sparse
from keye_vl_rs._util.malloc import return_freed_memory
from keye_vl_rs._util.model import Size
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import number_from_zero, positive_integer
from keye_vl_rs.errors import InvalidArgumentError, UnreadableMediaError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from keye_vl_rs._util.progress import Stage

    Pixels = NDArray[np.uint8]
    Choose = Callable[[int, float], torch.Tensor | Sequence[int]]

__all__ = [
    "FrameSink",
    "check_on_error",
    "decode_indices",
    "decoder_threads",
    "describe_source",
    "make_frame_selector",
    "open_reader",
    "read_sampled",
    "report_progress",
    "sink_frames",
]

# FFmpeg's own maximum when it chooses the number of threads by the number of cores.
_MAX_THREADS = 16

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class FrameSink(Protocol[Result_co]):
    """Consume one video's sampled frames, which come in order."""

    def add(self, frame: Any, pixels: Pixels) -> None:
        """Consume one sampled frame.

        Args:
            frame: the ``av.VideoFrame``.
            pixels: its RGB, uint8 (H, W, 3); valid until the next frame.
        """

    def trim(self) -> None:
        """Free memory; called when the last frame is not referenced elsewhere any more."""

    def finish(self, timeline: Timeline, indices: list[int], read: ReadFrames) -> Result_co:
        """Return the result, once all frames were added.

        Args:
            timeline: the timeline of the whole video.
            indices: the indices of the sampled frames, in order.
            read: decodes frames again, by their indices.
        """


MakeSink = Callable[[Callable[[Any], "Pixels"], Size, int], FrameSink[Result]]
"""Takes a function that converts a decoded frame to RGB, (height, width), and the number of frames;
returns a sink."""


def read_sampled(
    reader: VideoReader,
    select: Callable[[Timeline], list[int]],
    make_sink: MakeSink[Result],
) -> Result:
    """Decode the selected frames, convert them to RGB and pass them to a sink.

    Each frame is decoded once, and passed on as often as it was selected. If decoding yields other
    frames than the packets announced, everything starts over with a new sink. Progress is reported
    after each frame.

    Args:
        reader: the file's reader.
        select: returns the indices of the frames to sample: at least one, sorted.
        make_sink: called when the first frame has been decoded.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as for
            :func:`keye_vl_rs._sampling.video.sample_video`.
    """

    def consume(timeline: Timeline, indices: list[int], read: ReadFrames) -> Result:
        return sink_frames(reader.file, timeline, indices, read, make_sink)

    return reader.read(select, consume)


def sink_frames(
    file: VideoFile,
    timeline: Timeline,
    indices: list[int],
    read: ReadFrames,
    make_sink: MakeSink[Result],
) -> Result:
    """Decode frames, convert them to RGB, pass them to a sink, and return its result.

    Args:
        file: the video; its progress is reported after each frame.
        timeline: the timeline of the whole video.
        indices: the frames, sorted; at least one.
        read: decodes frames by their indices.
        make_sink: as for :func:`read_sampled`.
    """
    converter = RgbConverter(file.name)
    repeats = Counter(indices)
    sink: FrameSink[Result] | None = None
    done = 0
    for index, frame in decode_indices(repeats, read):
        pixels = converter.convert(frame)
        if sink is None:
            size = (pixels.shape[0], pixels.shape[1])
            sink = make_sink(converter.convert, size, len(indices))
        for _ in range(repeats[index]):
            sink.add(frame, pixels)
        # Drop the frame's memory before the next one is allocated.
        del frame, pixels
        sink.trim()
        done += repeats[index]
        report_progress(file, timeline, indices, done)
    assert sink is not None, "at least one frame is selected"
    return sink.finish(timeline, indices, read)


def decode_indices(indices: Iterable[int], read: ReadFrames) -> Iterator[tuple[int, Any]]:
    """Decode each of the frames once, and yield (index, frame) in order."""
    distinct = sorted(set(indices))
    return zip(distinct, read(distinct), strict=True)


def report_progress(
    file: VideoFile,
    timeline: Timeline,
    indices: Sequence[int],
    done: int,
    stage: Stage = "decode",
) -> None:
    """Tell the caller, if it asked for it, that the first ``done`` of the frames are done.

    Args:
        file: the video.
        timeline: the timeline of the whole video.
        indices: the indices of the frames of this stage, sorted.
        done: at least 1.
        stage: the stage.
    """
    progress = file.deadline.progress
    if progress is None:
        return
    start = timeline.seconds(indices[0])
    seconds = (timeline.seconds(indices[done - 1]) - start, timeline.seconds(indices[-1]) - start)
    progress.decoded((done, len(indices)), seconds, stage)


def check_on_error(on_error: Any) -> None:
    """Raise :class:`InvalidArgumentError` unless it is "raise", "partial" or "conceal"."""
    if not isinstance(on_error, str) or on_error not in get_args(OnError):
        raise InvalidArgumentError(
            f"on_error is {short_repr(on_error)}: expected 'raise', 'partial' or 'conceal'"
        )


@contextmanager
def open_reader(
    source: MediaSource,
    *,
    deadline: Deadline,
    threads: int | None,
    on_error: OnError,
    sparse: bool = False,
) -> Iterator[VideoReader]:
    """Fetch a video if it is remote, and open a reader for its frames.

    Args:
        source: as for :func:`keye_vl_rs._sampling.video.sample_video`.
        deadline: the call's deadline and cancel flag, and the name of the video.
        threads: number of decoder threads, as for :func:`decoder_threads`.
        on_error: as for :func:`keye_vl_rs._sampling.video.sample_video`.
        sparse: whether the contents of packets may be left out, because nothing will be decoded;
            then ``reader.file.sparse`` says whether they were.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as for
            :func:`keye_vl_rs._sampling.video.sample_video`.
    """
    check_on_error(on_error)
    try:
        with open_sparse(source, deadline, allowed=sparse) as (media, is_sparse):
            kind = not_video(head_of(media)) or mp4_fault(media)
            if kind is not None:
                raise UnreadableMediaError(f"{deadline.name} is {kind}")
            file = VideoFile(
                media, deadline.name, deadline, decoder_threads(threads), sparse=is_sparse
            )
            yield VideoReader(file, on_error)
    except BaseException:
        return_freed_memory()
        raise


def make_frame_selector(
    choose: Choose, name: str, video_start: float | None, video_end: float | None
) -> Callable[[Timeline], list[int]]:
    """Return a function that selects frames of a timeline for :func:`read_sampled`.

    It calls ``choose`` for the part between ``video_start`` and ``video_end``, checks the result,
    and converts it to indices of the whole timeline.

    Args:
        choose: takes the number of frames and the average frames per second; returns at least one
            index, sorted.
        name: the video's name in error messages.
        video_start: seconds, or None for the start of the video.
        video_end: seconds, or None for the end of the video.

    Raises:
        InvalidArgumentError: a bound is not a number, negative, or they are not in order.
    """
    start = None if video_start is None else number_from_zero("video_start", video_start)
    end = None if video_end is None else number_from_zero("video_end", video_end)
    if start is not None and end is not None and start > end:
        raise InvalidArgumentError(
            f"video_start is {short_repr(start)}, which is after video_end, {short_repr(end)}"
        )

    def select(timeline: Timeline) -> list[int]:
        import torch

        part = timeline.between(start, end, name)
        total = len(part)
        indices = torch.as_tensor(choose(total, timeline.fps), device="cpu")
        if indices.ndim != 1 or not len(indices):
            raise InvalidArgumentError(
                f"choose selected none of {total} frames: {indices.tolist()}"
            )
        if indices.is_floating_point() or indices.is_complex():
            raise InvalidArgumentError(f"choose must return integers, not {indices.dtype}")
        indices = indices.to(torch.int64)
        if indices[0] < 0 or indices[-1] >= total or (indices.diff() < 0).any():
            raise InvalidArgumentError(
                f"choose must return sorted indices from 0 to {total - 1}, not {indices.tolist()}"
            )
        return [part[index] for index in indices.tolist()]

    return select


def decoder_threads(threads: int | None) -> int:
    """Return the number of decoder threads: ``threads``, or FFmpeg's default for None or 0.

    Raises:
        InvalidArgumentError: ``threads`` is not a whole number, or negative.
    """
    if threads is not None and number_from_zero("threads", threads) > 0:
        return positive_integer("threads", threads)
    cores = _core.thread_count()
    return min(cores + 1, _MAX_THREADS) if cores > 1 else 1
