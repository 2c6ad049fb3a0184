"""Open a video and read its sampled frames: the one loop that decodes and converts them."""

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
from keye_vl_rs._media.sources import MediaSource, describe_source, open_media
from keye_vl_rs._util.malloc import return_freed_memory
from keye_vl_rs._util.model import Size
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import number_from_zero, positive_integer
from keye_vl_rs.errors import InvalidArgumentError, UnreadableMediaError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Choose = Callable[[int, float], torch.Tensor | Sequence[int]]

__all__ = [
    "FrameSink",
    "check_on_error",
    "chooser",
    "decode_places",
    "decoder_threads",
    "describe_source",
    "open_reader",
    "read_sampled",
]

# FFmpeg's own limit for as many threads as it finds cores.
_MOST_THREADS = 16

Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


class FrameSink(Protocol[Result_co]):
    """Takes the sampled frames of one video, in order."""

    def add(self, frame: Any, pixels: Pixels) -> None:
        """Take one sampled frame.

        Args:
            frame: the ``av.VideoFrame``.
            pixels: its RGB, uint8 (H, W, 3); valid until the next frame.
        """

    def settle(self) -> None:
        """Free memory, when nobody else holds the last frame any more."""

    def finish(self, timeline: Timeline, places: list[int], read: ReadFrames) -> Result_co:
        """Return the result, once all frames were added.

        Args:
            timeline: of the whole video.
            places: those of the sampled frames, in order.
            read: decodes frames again, by their places.
        """


MakeSink = Callable[[Callable[[Any], "Pixels"], Size, int], FrameSink[Result]]
"""Makes a sink out of what converts a decoded frame to RGB, (height, width), and frames to come."""


def read_sampled(
    reader: VideoReader,
    choose: Callable[[Timeline], list[int]],
    make_sink: MakeSink[Result],
) -> Result:
    """Decode the chosen frames, convert them to RGB and give them to a sink.

    Each frame is decoded once, and given as often as it was chosen. Where decoding shows other
    frames than the packets announced, everything starts anew, with a new sink.

    Args:
        reader: of the file.
        choose: returns the places of the frames to sample, one at least, sorted.
        make_sink: called when the first frame has come.

    Raises:
        As :func:`keye_vl_rs._sampling.video.sample_video`.
    """

    def consume(timeline: Timeline, places: list[int], read: ReadFrames) -> Result:
        converter = RgbConverter(reader.file.name)
        repeats = Counter(places)
        sink: FrameSink[Result] | None = None
        for place, frame in decode_places(repeats, read):
            pixels = converter.convert(frame)
            if sink is None:
                size = (pixels.shape[0], pixels.shape[1])
                sink = make_sink(converter.convert, size, len(places))
            for _ in range(repeats[place]):
                sink.add(frame, pixels)
            # No longer than it takes: others have use for the memory.
            del frame, pixels
            sink.settle()
        assert sink is not None, "one frame at least is chosen"
        return sink.finish(timeline, places, read)

    return reader.read(choose, consume)


def decode_places(places: Iterable[int], read: ReadFrames) -> Iterator[tuple[int, Any]]:
    """Decode the frames at some places, each once, and yield them in order with their places."""
    distinct = sorted(set(places))
    return zip(distinct, read(distinct), strict=True)


def check_on_error(on_error: Any) -> None:
    """Raise :class:`InvalidArgumentError` for anything but "raise", "partial" and "conceal"."""
    if not isinstance(on_error, str) or on_error not in get_args(OnError):
        raise InvalidArgumentError(
            f"on_error is {short_repr(on_error)}: expected 'raise', 'partial' or 'conceal'"
        )


@contextmanager
def open_reader(
    source: MediaSource, *, watch: Deadline, threads: int | None, on_error: OnError
) -> Iterator[VideoReader]:
    """Fetch a video if it is remote, and open a reader for its frames.

    Args:
        source: as for :func:`keye_vl_rs._sampling.video.sample_video`.
        watch: the deadline and the cancellation of the call.
        threads: decoder threads, as for :func:`decoder_threads`.
        on_error: as for :func:`keye_vl_rs._sampling.video.sample_video`.

    Raises:
        As there.
    """
    check_on_error(on_error)
    try:
        with open_media(source, watch) as media:
            kind = not_video(head_of(media)) or mp4_fault(media)
            if kind is not None:
                raise UnreadableMediaError(f"{watch.name} is {kind}")
            file = VideoFile(media, watch.name, watch, decoder_threads(threads))
            yield VideoReader(file, on_error)
    except BaseException:
        return_freed_memory()
        raise


def chooser(
    choose: Choose, name: str, video_start: float | None, video_end: float | None
) -> Callable[[Timeline], list[int]]:
    """Return a function that applies ``choose`` to a part of a timeline and checks its answer.

    Args:
        choose: is told the number of frames and the average frames per second; returns at least
            one index, sorted.
        name: of the video, for messages.
        video_start: seconds, or None.
        video_end: seconds, or None.

    Raises:
        InvalidArgumentError: a bound is no number from 0 on, or they are not in order.
    """
    start = None if video_start is None else number_from_zero("video_start", video_start)
    end = None if video_end is None else number_from_zero("video_end", video_end)
    if start is not None and end is not None and start > end:
        raise InvalidArgumentError(
            f"video_start is {short_repr(start)}, after video_end, which is {short_repr(end)}"
        )

    def places(timeline: Timeline) -> list[int]:
        import torch

        part = timeline.between(start, end, name)
        total = len(part)
        indices = torch.as_tensor(choose(total, timeline.fps), device="cpu")
        if indices.ndim != 1 or not len(indices):
            raise InvalidArgumentError(f"choose picked no frame of {total}: {indices.tolist()}")
        if indices.is_floating_point() or indices.is_complex():
            raise InvalidArgumentError(f"choose must pick integers, not {indices.dtype}")
        indices = indices.to(torch.int64)
        if indices[0] < 0 or indices[-1] >= total or (indices.diff() < 0).any():
            raise InvalidArgumentError(
                f"choose must pick sorted indices from 0 to {total - 1}, not {indices.tolist()}"
            )
        return [part[index] for index in indices.tolist()]

    return places


def decoder_threads(threads: int | None) -> int:
    """Return the number of decoder threads: ``threads``, or what FFmpeg takes for so many cores.

    Raises:
        InvalidArgumentError: ``threads`` is no whole number from 0 on.
    """
    if threads is not None and number_from_zero("threads", threads) > 0:
        return positive_integer("threads", threads)
    cores = _core.thread_count()
    return min(cores + 1, _MOST_THREADS) if cores > 1 else 1
