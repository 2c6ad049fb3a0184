"""Provide ``iter_frames``, which yields the sampled frames of a video one by one."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from keye_vl_rs._chat.message_options import frame_parts
from keye_vl_rs._decoding.reader import OnError
from keye_vl_rs._media.encoded_sources import frames_or_source
from keye_vl_rs._media.image_warnings import exif_option
from keye_vl_rs._media.images import load_image
from keye_vl_rs._sampling.frame_stream import SampledFrame, stream_frames
from keye_vl_rs._sampling.indices import frame_indices, frame_times
from keye_vl_rs._sampling.open_video import spaced_frames
from keye_vl_rs._sampling.reading import decoder_threads
from keye_vl_rs._sampling.rules import FrameCounter, VideoRules
from keye_vl_rs._sampling.timestamps import TimestampKind
from keye_vl_rs._sampling.video_options import VideoOptions, holds_frames, video_name
from keye_vl_rs._slow_fast.frame_lists import check_list_options, list_deadline
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import check_whole, number_from_zero
from keye_vl_rs.errors import InvalidArgumentError, memory_errors, naming
from keye_vl_rs.limits import Limits, applied

if TYPE_CHECKING:
    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._sampling.reading import Choose
    from keye_vl_rs._sampling.video import VideoSource

    Source: TypeAlias = VideoSource | list[Any] | tuple[Any, ...]

__all__ = ["FrameIterator", "SampledFrame", "iter_frames"]

_RULES = VideoRules()


def iter_frames(
    source: Source,
    *,
    fps: float | None = 2.0,
    num_frames: int | None = None,
    max_frames: int | None = None,
    indices: Sequence[int] | None = None,
    video_start: float | None = None,
    video_end: float | None = None,
    timestamps: TimestampKind = "published",
    threads: int | None = None,
    timeout: float | None = None,
    cancel: CancelFlag | None = None,
    on_error: OnError = "raise",
    limits: Limits | None = None,
) -> FrameIterator:
    """Yield the sampled frames of a video one by one, in bounded memory, at their own size.

    With the same options, these are the frames that :func:`keye_vl_rs.preprocess_video` samples,
    before they are resized. For other models, choose ``indices``, or every frame with ``fps=None``.
    Frames are those that FFmpeg gives when it decodes everything in order, but packets that no
    sampled frame depends on are not decoded.

    The file is opened for the first frame. It is closed, with its decoders and threads, after the
    last one, on an error, by ``close()``, at the end of a ``with`` block, or when the iterator is
    deleted::

        with iter_frames("clip.mp4", fps=1) as frames:
            for frame in frames:
                print(frame.time, frame.pixels.shape)

    Args:
        source: as for :func:`keye_vl_rs.preprocess_video`. The frames of a list are opened one by
            one and are not resized, so they may have different sizes.
        fps: frames to sample per second (default 2.0), or all frames if the video has fewer, but at
            most 1,365; None for every frame. For a list, its frame rate, which must be given.
        num_frames: exact number of frames to sample, instead of ``fps``. If ``max_frames`` is
            smaller, that is used.
        max_frames: maximum number of frames to sample; None for no such limit.
        indices: indices of the frames to yield, sorted and possibly with repeats, instead of
            sampling.
        video_start: seconds; sample only frames of a file that are presented at this time or later.
        video_end: seconds; sample only frames of a file that are presented at this time or earlier.
        timestamps: as for :func:`keye_vl_rs.preprocess_video`.
        threads: number of decoder threads, as for :func:`keye_vl_rs.preprocess_video`.
        timeout: limit in seconds on the time from the first frame's request to the last one's; None
            for no limit. The time that the caller spends on frames counts too.
        cancel: a ``threading.Event``, or any object with ``is_set()``, that ends the iteration.
        on_error: how to handle a file that is truncated or damaged, of which most is found out only
            when it is reached. "raise" raises an error then. "partial" ends before the damage, with
            a :class:`keye_vl_rs.errors.PartialVideoWarning`; frames are not spaced anew. "conceal"
            marks frames as ``damaged``, and warns at the end. The last two decode with one thread
            per decoder.
        limits: as for :func:`keye_vl_rs.preprocess_video`.

    Returns:
        An iterator over :class:`SampledFrame`, which is also a context manager. It must not be used
        by several threads at once; use ``cancel`` to end it from another one.

    Raises:
        MediaError: a subclass, while iterating, if the video cannot be read or decoded. If frames
            turn out to be wrong that were yielded already, it says so.
        CancelledError: ``cancel`` was set.
        OutOfMemoryError: there is not enough memory for a frame.
        InvalidArgumentError: an argument is invalid.
    """
    options = VideoOptions(
        source=frames_or_source(source),
        fps=fps,
        num_frames=num_frames,
        max_frames=max_frames,
        video_start=video_start,
        video_end=video_end,
        timeout=timeout,
        on_error=on_error,
        timestamps=timestamps,
    )
    options.check_whole_counts()
    decoder_threads(threads)
    wanted = None if indices is None else _check_indices(indices, options)
    with applied(limits):
        _RULES.check_counts(options)
    if holds_frames(options.source):
        check_list_options(options)
        return FrameIterator(_list_frames(options, wanted, cancel), limits)
    choose = _chooser(options, wanted)
    frames_of_file = stream_frames(options, choose, threads=threads, cancel=cancel)
    return FrameIterator(frames_of_file, limits)


class FrameIterator(Iterator[SampledFrame]):
    """Iterate over the frames of one video; :func:`iter_frames` returns it."""

    def __init__(self, frames: Generator[SampledFrame, None, None], limits: Limits | None) -> None:
        """Take a generator, which runs under ``limits``."""
        self._frames = frames
        self._limits = limits

    def __next__(self) -> SampledFrame:
        """Return the next frame."""
        # Not around the generator's whole life: its caller's code must not run under the limits.
        with applied(self._limits), memory_errors("a frame"):
            return next(self._frames)

    def close(self) -> None:
        """End the iteration, and close the file, its decoders and its threads."""
        self._frames.close()

    def __enter__(self) -> FrameIterator:
        """Return the iterator itself."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Call :meth:`close`."""
        self.close()


def _check_indices(indices: Sequence[int], options: VideoOptions) -> list[int]:
    for name in ("num_frames", "max_frames", "video_start", "video_end"):
        value = getattr(options, name)
        if value is not None:
            raise InvalidArgumentError(
                f"indices are given, and {name} is {short_repr(value)}: expected one of them"
            )
    # A string or a number is none of them, and the order of a set means nothing.
    if isinstance(indices, (str, bytes, set, frozenset)) or not hasattr(indices, "__iter__"):
        raise InvalidArgumentError(
            f"indices are {short_repr(indices)}: expected a sorted list of ints, such as [0, 10]"
        )
    wanted = []
    for place, index in enumerate(indices):
        label = f"indices[{place}]"
        check_whole(label, index)
        wanted.append(int(number_from_zero(label, index)))
        if place and wanted[-1] < wanted[-2]:
            raise InvalidArgumentError(
                f"{label} is {wanted[-1]}, after {wanted[-2]}: expected sorted indices"
            )
    if not wanted:
        raise InvalidArgumentError("indices are empty: expected at least one")
    return wanted


def _check_end(wanted: Sequence[int], total_frames: int, name: str) -> None:
    if wanted[-1] >= total_frames:
        raise InvalidArgumentError(
            f"indices end with {wanted[-1]}: expected at most {total_frames - 1}, the index of the "
            f"last frame of {name}"
        )


def _chooser(options: VideoOptions, wanted: list[int] | None) -> Choose:
    """Return the function that chooses frames of a file."""
    name = video_name(options.source)
    if wanted is None:
        return spaced_frames(options, _RULES, _counter(options, name))

    def choose(total_frames: int, fps: float) -> list[int]:
        _check_end(wanted, total_frames, name)
        return wanted

    return choose


def _counter(options: VideoOptions, name: str) -> FrameCounter:
    """Return the function that counts the frames to sample."""

    def count(total_frames: int, fps: float) -> int:
        if options.fps is None and options.num_frames is None:
            return min(total_frames, options.max_frames or total_frames)
        return _RULES.count_frames(options, total_frames, fps, name)

    return count


def _list_frames(
    options: VideoOptions, wanted: list[int] | None, cancel: CancelFlag | None
) -> Generator[SampledFrame, None, None]:
    """Yield frames of a list."""
    import numpy as np

    deadline = list_deadline(options, cancel)
    name = video_name(options.source)
    parts = frame_parts(options.source, {})
    assert options.fps is not None, "the options are checked"
    if wanted is None:
        count = _counter(options, name)(len(parts), options.fps)
        wanted = frame_indices(len(parts), count).tolist()
    _check_end(wanted, len(parts), name)
    times = frame_times(wanted, float(options.fps)).tolist()
    for index, time in zip(wanted, times, strict=True):
        deadline.check()
        with naming(f"frame {index}"):
            image = load_image(parts[index]["image"], exif=exif_option(parts[index]))
        yield SampledFrame(index, time, np.array(image))
