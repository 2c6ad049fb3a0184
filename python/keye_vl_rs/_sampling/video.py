"""The sampled frames of one video, at its own size."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs._decoding.reader import OnError, ReadFrames
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs._media.deadline import CancelFlag, Deadline
from keye_vl_rs._media.sources import MediaSource as VideoSource
from keye_vl_rs._media.sources import describe_source
from keye_vl_rs._sampling.indices import frame_indices
from keye_vl_rs._sampling.reading import chooser, open_reader, read_sampled
from keye_vl_rs._sampling.rules import FrameCounter, VideoRules
from keye_vl_rs._sampling.timestamps import TimestampKind, TimestampRule, check_timestamps
from keye_vl_rs.errors import InvalidArgumentError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from keye_vl_rs._sampling.reading import Choose

__all__ = [
    "READING_OPTIONS",
    "SampledVideo",
    "VideoSource",
    "read_video_file",
    "sample_video",
    "video_name",
]

# How the file of a video is read, of the options of a message.
READING_OPTIONS = ("video_start", "video_end", "timeout", "on_error", "timestamps")


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
    is_cut = video_start is not None or video_end is not None
    rule = None if timestamps is None else TimestampRule(check_timestamps(timestamps), is_cut)

    deadline = Deadline(describe_source(source), timeout, cancel)
    with open_reader(source, watch=deadline, threads=threads, on_error=on_error) as reader:
        sampled = read_sampled(
            reader,
            chooser(choose, deadline.name, video_start, video_end),
            lambda _, size, count: _FrameArray(reader.file, size, count, rule),
        )
        return replace(sampled, damage=reader.damage)


class _FrameArray:
    """Collects sampled frames in one array, for :func:`read_sampled`."""

    def __init__(
        self, file: VideoFile, size: tuple[int, int], count: int, rule: TimestampRule | None
    ) -> None:
        """Allocate memory for ``count`` frames of ``size``, (height, width)."""
        import numpy as np

        self._file = file
        self._rule = rule
        self._frames = np.empty((count, *size, 3), np.uint8)
        self._filled = 0

    def add(self, frame: Any, pixels: NDArray[np.uint8]) -> None:
        """Append the pixels of a frame, (H, W, 3)."""
        self._frames[self._filled] = pixels
        self._filled += 1

    def settle(self) -> None:
        """Do nothing: no frame is held."""

    def finish(self, timeline: Timeline, places: list[int], read: ReadFrames) -> SampledVideo:
        """Return the frames, whose ``damage`` is not known yet."""
        import torch

        times = None
        if self._rule is not None:
            times = self._rule.apply(timeline, places, self._file.name).seconds
        return SampledVideo(
            torch.from_numpy(self._frames).permute(0, 3, 1, 2),
            torch.tensor(places, dtype=torch.int64, device="cpu"),
            timeline.count,
            timeline.fps,
            timeline.duration,
            self._file.counts,
            timestamps=times,
        )


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
