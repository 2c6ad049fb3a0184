"""The sampled frames of one video, at its own size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

from keye_vl_rs import _core
from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs._decoding.reader import OnError, ReadFrames, VideoReader
from keye_vl_rs._decoding.rgb import RgbConverter
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs._media.deadline import CancelFlag, Watch
from keye_vl_rs._media.kinds import head_of, mp4_fault, not_video
from keye_vl_rs._media.sources import MediaSource as VideoSource
from keye_vl_rs._media.sources import describe_source, open_media
from keye_vl_rs._sampling.indices import frame_indices
from keye_vl_rs._sampling.rules import FrameCounter, VideoRules
from keye_vl_rs._sampling.timestamps import TimestampKind, TimestampRule, check_timestamps
from keye_vl_rs._util.malloc import return_freed_memory
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import number_from_zero, positive_integer
from keye_vl_rs.errors import InvalidArgumentError, UnreadableMediaError

if TYPE_CHECKING:
    import torch

    Choose = Callable[[int, float], torch.Tensor | Sequence[int]]

__all__ = [
    "READING_OPTIONS",
    "SampledVideo",
    "VideoSource",
    "check_on_error",
    "decoder_threads",
    "describe_source",
    "open_reader",
    "read_video_file",
    "sample_video",
    "video_name",
]

# How the file of a video is read, of the options of a message.
READING_OPTIONS = ("video_start", "video_end", "timeout", "on_error", "timestamps")

# FFmpeg's own limit for as many threads as it finds cores.
_MOST_THREADS = 16


@dataclass(frozen=True)
class SampledVideo:
    """The sampled frames of one video.

    Attributes:
        frames: uint8 (T, 3, H, W), a view of channels-last (T, H, W, 3) memory, at the size at
            which the file is presented (rotation applied).
        indices: int64 (T,), the frames' places in the order of presentation.
        total_frames: how many frames the video presents.
        fps: average frames per second, as the container states it; as its packets show it where
            that is missing or cannot be.
        duration: seconds from the first frame's start to the last one's end.
        counts: how much of the file had to be decoded.
        damage: what is wrong with the frames; None if nothing is.
        timestamps: (T,) float32, seconds from the first frame of the file on; None where nobody
            asked for them.
    """

    frames: torch.Tensor
    indices: torch.Tensor
    total_frames: int
    fps: float
    duration: float
    counts: DecodeCounts = field(default_factory=DecodeCounts, compare=False)
    damage: Damage | None = None
    timestamps: torch.Tensor | None = field(default=None, compare=False)


def video_name(source: Any) -> str:
    """Name a video for messages, whoever reads it: a host may have sources of its own."""
    if isinstance(source, (list, tuple)):
        return f"{len(source)} frames"
    try:
        return describe_source(source)
    except InvalidArgumentError:
        return "the video"


def sample_video(
    source: VideoSource,
    choose: Choose,
    *,
    video_start: float | None = None,
    video_end: float | None = None,
    threads: int | None = None,
    timeout: float | None = None,
    cancel: CancelFlag | None = None,
    on_error: OnError = "raise",
    timestamps: TimestampKind | None = "published",
) -> SampledVideo:
    """Decode a video and convert the frames that ``choose`` picks to RGB.

    The frames have the bytes that decord gives: FFmpeg's own colour conversion, with the matrix and
    range that the file states. Packets that none of them needs are not decoded.

    Args:
        source: a path, a ``file://``, http(s) or ``data:`` address, base64, the file's bytes, or a
            binary file object.
        choose: called with the number of frames (from ``video_start`` to ``video_end``) and the
            average frames per second; returns at least one index, sorted, possibly with repeats. It
            is called again if decoding shows another number of frames than the packets do.
        video_start: seconds; frames that are presented before it are not counted.
        video_end: the same for frames that are presented after it.
        threads: decoder threads; None or 0 is one more than :func:`keye_vl_rs._core.thread_count`,
            16 at most.
        timeout: seconds from the call on, after which it ends with an error; None is no limit.
        cancel: a ``threading.Event``, or anything with ``is_set()``, that ends the call.
        on_error: what becomes of a video that is truncated or damaged: "raise" for an error,
            "partial" for the frames before the damage, "conceal" for what the decoder makes of it;
            the last two with a warning.
        timestamps: which times the frames get, as :func:`keye_vl_rs.preprocess_video`; None gives
            them none.

    Raises:
        MediaNotFoundError: there is no such file.
        EmptyMediaError: the file has no bytes.
        UnreadableMediaError: it is not a video, or damaged beyond opening.
        NoVideoStreamError: it holds no video stream.
        NoFramesError: no frame can be decoded.
        DecodeError: the file is truncated, or a sampled frame is damaged.
        MediaTimeoutError: the time is over.
        CancelledError: the flag was set.
        MediaError: it is a directory, or cannot be read or fetched.
        InvalidArgumentError: the source is of another type, or ``choose`` returns indices that are
            missing, unsorted or out of range; or no frame is presented in the time that is asked
            for.
    """
    import numpy as np
    import torch

    is_cut = video_start is not None or video_end is not None
    rule = None if timestamps is None else TimestampRule(check_timestamps(timestamps), is_cut)

    def consume(timeline: Timeline, places: list[int], read: ReadFrames) -> SampledVideo:
        converter = RgbConverter(reader.file.name)
        out = None
        row = 0
        distinct = sorted(set(places))
        for place, frame in zip(distinct, read(distinct), strict=True):
            pixels = converter.convert(frame)
            if out is None:
                out = np.empty((len(places), *pixels.shape), np.uint8)
            for _ in range(places.count(place)):
                out[row] = pixels
                row += 1
        assert out is not None, "one frame at least is chosen"
        times = None if rule is None else rule.apply(timeline, places, reader.file.name).seconds
        return SampledVideo(
            torch.from_numpy(out).permute(0, 3, 1, 2),
            torch.tensor(places, dtype=torch.int64, device="cpu"),
            timeline.count,
            timeline.fps,
            timeline.duration,
            reader.file.counts,
            timestamps=times,
        )

    watch = Watch(describe_source(source), timeout, cancel)
    with open_reader(source, watch=watch, threads=threads, on_error=on_error) as reader:
        sampled = reader.read(chooser(choose, watch.name, video_start, video_end), consume)
        return replace(sampled, damage=reader.damage)


def check_on_error(on_error: Any) -> None:
    """Raises :class:`InvalidArgumentError` for what is none of :data:`OnError`."""
    if not isinstance(on_error, str) or on_error not in get_args(OnError):
        raise InvalidArgumentError(
            f"on_error is {short_repr(on_error)}: expected 'raise', 'partial' or 'conceal'"
        )


@contextmanager
def open_reader(
    source: VideoSource, *, watch: Watch, threads: int | None, on_error: OnError
) -> Iterator[VideoReader]:
    """Fetch a video where it has to be, and give what reads its frames; as :func:`sample_video`."""
    check_on_error(on_error)
    try:
        with open_media(source, watch) as media:
            kind = not_video(head_of(media)) or mp4_fault(media)
            if kind is not None:
                raise UnreadableMediaError(f"{watch.name}: is {kind}")
            file = VideoFile(media, watch.name, watch, decoder_threads(threads))
            yield VideoReader(file, on_error)
    except BaseException:
        return_freed_memory()
        raise


def chooser(
    choose: Choose, name: str, video_start: float | None, video_end: float | None
) -> Callable[[Timeline], list[int]]:
    """``choose`` for the frames of a part of a video, with its answer checked.

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
    """As many as FFmpeg takes for so many cores, if it is not said.

    Raises:
        InvalidArgumentError: ``threads`` is no whole number from 0 on.
    """
    if threads is not None and number_from_zero("threads", threads) > 0:
        return positive_integer("threads", threads)
    cores = _core.thread_count()
    return min(cores + 1, _MOST_THREADS) if cores > 1 else 1


def read_video_file(ele: dict[str, Any], rules: VideoRules, count: FrameCounter) -> SampledVideo:
    """Decode as many frames of ``ele["video"]``, evenly spaced, as ``count`` says.

    Args:
        ele: the video of a message; may hold :data:`READING_OPTIONS`, for :func:`sample_video`.
        rules: say which numbers of ``ele`` are impossible.
        count: :meth:`VideoRules.count_frames`, or what stands for it.
    """
    rules.check_counts(ele)
    options = {key: ele[key] for key in READING_OPTIONS if ele.get(key) is not None}
    return sample_video(
        ele["video"], lambda total, fps: frame_indices(total, count(ele, total, fps)), **options
    )
