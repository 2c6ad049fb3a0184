"""Sample the frames of one video, at its own size."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.damage import Damage
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs._decoding.reader import OnError, ReadFrames
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs._media.deadline import CancelFlag
from keye_vl_rs._media.sources import MediaSource as VideoSource
from keye_vl_rs._sampling.open_video import OpenVideo, open_video, spaced_frames
from keye_vl_rs._sampling.reading import read_sampled
from keye_vl_rs._sampling.rules import FrameCounter, VideoRules
from keye_vl_rs._sampling.timestamps import TimestampKind, TimestampRule
from keye_vl_rs._sampling.video_options import VideoOptions

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from keye_vl_rs._sampling.reading import Choose

__all__ = [
    "SampledVideo",
    "VideoSource",
    "read_video_file",
    "sample_video",
]


@dataclass(frozen=True)
class SampledVideo:
    """Hold the sampled frames of one video.

    Attributes:
        frames: uint8 (T, 3, H, W), a view of channels-last (T, H, W, 3) memory, at the size at
            which the file is presented (rotation applied).
        indices: int64 (T,), the frames' indices in presentation order.
        total_frames: number of frames of the video.
        fps: average frames per second, as the container states it; computed from the packets if
            that is missing or implausible.
        duration: seconds from the first frame's start to the last one's end.
        counts: how much of the file was decoded.
        damage: how the frames are damaged, or None.
        timestamps: (T,) float32, seconds from the first frame of the file; None if they were not
            requested.
    """

    frames: torch.Tensor
    indices: torch.Tensor
    total_frames: int
    fps: float
    duration: float
    counts: DecodeCounts = field(default_factory=DecodeCounts, compare=False)
    damage: Damage | None = None
    timestamps: torch.Tensor | None = field(default=None, compare=False)


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
    """Decode the frames of a video that ``choose`` selects, and convert them to RGB.

    The bytes equal those of decord: FFmpeg's own colour conversion, with the matrix and range that
    the file states. Packets that no selected frame depends on are not decoded.

    Args:
        source: a path, a ``file://``, http(s) or ``data:`` address, base64, the file's bytes, or a
            binary file object.
        choose: takes the number of frames (from ``video_start`` to ``video_end``) and the average
            frames per second; returns at least one index, sorted, possibly with repeats. It is
            called again if decoding yields a different number of frames than the packets announced.
        video_start: seconds; ignore frames that are presented before.
        video_end: seconds; ignore frames that are presented after.
        threads: number of decoder threads; None or 0 for one more than
            :func:`keye_vl_rs._core.thread_count`, up to 16.
        timeout: limit in seconds on the duration of the call; None for no limit.
        cancel: a ``threading.Event``, or any object with ``is_set()``, that cancels the call.
        on_error: how to handle a truncated or damaged video: "raise" an error, return a "partial"
            result, the frames before the damage, or "conceal" the damage as the decoder does. The
            last two warn.
        timestamps: how frame times are computed, as for :func:`keye_vl_rs.preprocess_video`; None
            to omit them.

    Raises:
        MediaNotFoundError: the file does not exist.
        EmptyMediaError: the file is empty.
        UnreadableMediaError: it is not a video, or too damaged to be opened.
        NoVideoStreamError: it has no video stream.
        NoFramesError: no frame can be decoded.
        DecodeError: the file is truncated, or a sampled frame is damaged.
        MediaTimeoutError: the call took longer than ``timeout``.
        CancelledError: ``cancel`` was set.
        MediaError: the source is a directory, or cannot be read or fetched.
        InvalidArgumentError: the source is of an unsupported type, ``choose`` returned no indices,
            or unsorted or invalid ones, or no frame is presented between ``video_start`` and
            ``video_end``.
    """
    options = VideoOptions(
        source=source,
        video_start=video_start,
        video_end=video_end,
        timeout=timeout,
        on_error=on_error,
        timestamps="published" if timestamps is None else timestamps,
    )
    with open_video(options, choose, threads=threads, cancel=cancel) as video:
        return _read_frames(video, None if timestamps is None else video.times)


def _read_frames(video: OpenVideo, times: TimestampRule | None) -> SampledVideo:
    """Decode the frames that ``video.select`` selects; ``times`` is None to omit their times."""
    reader = video.reader
    sampled = read_sampled(
        reader,
        video.select,
        lambda _, size, count: _FrameArray(reader.file, size, count, times),
    )
    return replace(sampled, damage=reader.damage)


class _FrameArray:
    """Collect frames in one array, as a sink for :func:`read_sampled`."""

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

    def trim(self) -> None:
        """Do nothing: no frame is kept."""

    def finish(self, timeline: Timeline, indices: list[int], read: ReadFrames) -> SampledVideo:
        """Return the frames; ``damage`` is not set."""
        import torch

        times = None
        if self._rule is not None:
            times = self._rule.apply(timeline, indices, self._file.name).seconds
        return SampledVideo(
            torch.from_numpy(self._frames).permute(0, 3, 1, 2),
            torch.tensor(indices, dtype=torch.int64, device="cpu"),
            timeline.count,
            timeline.fps,
            timeline.duration,
            self._file.counts,
            timestamps=times,
        )


def read_video_file(
    options: VideoOptions, rules: VideoRules, count: FrameCounter | None = None
) -> SampledVideo:
    """Decode evenly spaced frames of a video file.

    Args:
        options: the file, with its options.
        rules: the defaults for what ``options`` does not say.
        count: as for :func:`~keye_vl_rs._sampling.open_video.spaced_frames`.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as for :func:`sample_video`.
    """
    with open_video(options, spaced_frames(options, rules, count)) as video:
        return _read_frames(video, video.times)
