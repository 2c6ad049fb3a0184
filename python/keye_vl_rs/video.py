"""Decoding and sampling of one video.

A first pass reads the container without decoding and lists when each frame is presented; the
second decodes up to the last sampled frame and converts the sampled ones alone. Where the
container's times cannot be relied on, the frames are counted by decoding them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any

from keye_vl_rs._rgb import RgbWriter
from keye_vl_rs._sources import MediaSource as VideoSource
from keye_vl_rs._sources import describe_source, open_media
from keye_vl_rs.errors import (
    DecodeError,
    InvalidArgumentError,
    NoFramesError,
    NoVideoStreamError,
    UnreadableMediaError,
)

if TYPE_CHECKING:
    import torch

__all__ = ["SampledVideo", "VideoSource", "describe_source", "sample_video"]

logger = logging.getLogger(__name__)

# FFmpeg shows a text file, known by its suffix, as a video of a terminal.
_TEXT_FORMATS = frozenset({"adf", "bin", "idf", "tty", "xbin"})
# FFmpeg prefers a stream with this many frames to a picture, whatever their bit rates.
_ENOUGH_FRAMES = 5


@dataclass(frozen=True)
class SampledVideo:
    """The sampled frames of one video.

    Attributes:
        frames: uint8 (T, 3, H, W), a view of channels-last (T, H, W, 3) memory, at the size at
            which the file is presented (rotation applied).
        indices: int64 (T,), the frames' places in the order of presentation.
        total_frames: how many frames the video presents.
        fps: average frames per second, as the container states it.
        duration: seconds from the first frame's start to the last one's end.

    """

    frames: torch.Tensor
    indices: torch.Tensor
    total_frames: int
    fps: float
    duration: float


def sample_video(
    source: VideoSource,
    choose: Callable[[int, float], torch.Tensor | Sequence[int]],
    *,
    threads: int | None = None,
) -> SampledVideo:
    """Decode a video and convert the frames that ``choose`` picks to RGB.

    The frames have the bytes that decord gives: FFmpeg's own colour conversion, with the matrix and
    range that the file states.

    Args:
        source: a path, a ``file://`` or http(s) address, or the file's bytes.
        choose: called with the number of frames and the average frames per second; returns at least
            one index, sorted, possibly with repeats. It is called a second time if decoding shows
            another number of frames than the container's times do.
        threads: decoder threads; as many as FFmpeg finds cores if None or 0.

    Raises:
        MediaNotFoundError: there is no such file.
        EmptyMediaError: the file has no bytes.
        UnreadableMediaError: it is not a video, or damaged beyond opening.
        NoVideoStreamError: it holds no video stream.
        NoFramesError: no frame can be decoded.
        DecodeError: decoding fails before the last sampled frame.
        MediaError: it is a directory, or cannot be read or fetched.
        InvalidArgumentError: the source is of another type, or ``choose`` returns indices that are
            missing, unsorted or out of range.

    """
    with open_media(source) as media:
        reader = _Reader(media, describe_source(source), threads or 0)
        timeline = reader.read_timeline()
        if timeline is not None:
            indices = _choose(choose, timeline)
            frames = reader.read_frames(indices.tolist(), timeline.times)
            if frames is not None:
                return timeline.sampled(frames, indices)
            logger.debug("%s: frames are not presented as its packets say", reader.name)
        timeline = reader.count_frames()
        indices = _choose(choose, timeline)
        frames = reader.read_frames(indices.tolist(), None)
        assert frames is not None, "None is for frames that differ from given times"
        return timeline.sampled(frames, indices)


@dataclass(frozen=True)
class _Timeline:
    """The presented frames: their times in stream ticks (None where unknown), rate and duration."""

    times: list[int] | list[None]
    fps: float
    duration: float

    @classmethod
    def of(cls, stream: Any, times: list[int] | list[None], last_ticks: int | None) -> _Timeline:
        first, last = times[0], times[-1]
        tick = Fraction(stream.time_base or 0)
        span = (last - first) * tick if first is not None and last is not None else Fraction(0)
        rate = stream.average_rate
        if not rate and span > 0:
            rate = (len(times) - 1) / span
        rate = Fraction(rate or stream.guessed_rate or 1)
        if span <= 0:
            return cls(times, float(rate), float(len(times) / rate))
        return cls(
            times, float(rate), float(span + (last_ticks * tick if last_ticks else 1 / rate))
        )

    def sampled(self, frames: torch.Tensor, indices: torch.Tensor) -> SampledVideo:
        return SampledVideo(frames, indices, len(self.times), self.fps, self.duration)


def _choose(
    choose: Callable[[int, float], torch.Tensor | Sequence[int]], timeline: _Timeline
) -> torch.Tensor:
    import torch

    total = len(timeline.times)
    indices = torch.as_tensor(choose(total, timeline.fps)).cpu()
    if indices.ndim != 1 or not len(indices):
        raise InvalidArgumentError(f"choose picked no frame of {total}: {indices.tolist()}")
    if indices.is_floating_point() or indices.is_complex():
        raise InvalidArgumentError(f"choose must pick integers, not {indices.dtype}")
    indices = indices.to(torch.int64)
    if indices[0] < 0 or indices[-1] >= total or (indices.diff() < 0).any():
        raise InvalidArgumentError(
            f"choose must pick sorted indices from 0 to {total - 1}, not {indices.tolist()}"
        )
    return indices


class _Reader:
    """Reads one opened source, from its start, as often as it is asked to."""

    def __init__(self, media: str | IO[bytes], name: str, threads: int) -> None:
        self.name = name
        self._media = media
        self._threads = threads

    def read_timeline(self) -> _Timeline | None:
        """List the presented frames from the packets; None if their times are missing or shared."""
        with self._opened() as (container, stream):
            durations: dict[int | None, int | None] = {}
            packets = presented = 0
            for packet in self._packets(container, stream):
                if packet.size:
                    packets += 1
                    # The frames that an edit list cuts off are decoded and never shown.
                    if not packet.is_discard:
                        presented += 1
                        durations[packet.pts] = packet.duration
            if stream.frames > packets:
                logger.warning(
                    "%s: truncated: %d of the %d frames that its header lists are there",
                    self.name,
                    packets,
                    stream.frames,
                )
            if not presented or len(durations) != presented or None in durations:
                return None
            times = sorted(time for time in durations if time is not None)
            return _Timeline.of(stream, times, durations[times[-1]])

    def count_frames(self) -> _Timeline:
        """List the presented frames by decoding all of them."""
        with self._opened() as (container, stream):
            # Frame threads may keep an error to themselves; here each must show where it happens.
            times = [frame.pts for frame in self._decode(container, stream, "SLICE")]
            if not times:
                raise NoFramesError(f"{self.name}: no frame of its video stream can be decoded")
            known = [time for time in times if time is not None]
            if len(known) < len(times) or any(a >= b for a, b in pairwise(known)):
                return _Timeline.of(stream, [None] * len(times), None)
            return _Timeline.of(stream, known, None)

    def read_frames(
        self, indices: list[int], times: list[int] | list[None] | None
    ) -> torch.Tensor | None:
        """Decode up to the last of ``indices`` and convert those frames.

        Returns (T, 3, H, W), or None as soon as other frames than those of ``times`` come out.
        """
        threading = "AUTO" if times is not None else "SLICE"
        writer = RgbWriter(self.name, len(indices))
        with self._opened() as (container, stream):
            for place, frame in enumerate(self._decode(container, stream, threading)):
                if times is not None and (place >= len(times) or frame.pts != times[place]):
                    return None
                if indices[writer.written] == place:
                    writer.write(frame)
                while writer.written < len(indices) and indices[writer.written] == place:
                    writer.repeat()
                if writer.written == len(indices):
                    return writer.finish()
        if times is not None:
            return None
        raise DecodeError(f"{self.name}: decoding ended before frame {indices[writer.written]}")

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        import av

        media = self._media
        # Without its protocol, a file whose name has a colon would be taken for an address.
        if isinstance(media, str):
            media = f"file:{media}"
        else:
            media.seek(0)
        try:
            container = av.open(media, metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            raise UnreadableMediaError(
                f"{self.name}: is not a video, or damaged: {_reason(error)}"
            ) from error
        with container:
            if container.format.name in _TEXT_FORMATS:
                raise UnreadableMediaError(f"{self.name}: is a text, not a video")
            stream = _best_video(container)
            if stream is None:
                raise NoVideoStreamError(f"{self.name}: holds no video stream")
            if stream.codec_context is None:
                raise UnreadableMediaError(f"{self.name}: FFmpeg has no decoder for its video")
            yield container, stream

    def _packets(self, container: Any, stream: Any) -> Iterator[Any]:
        import av

        try:
            yield from container.demux(stream)
        except (av.FFmpegError, ValueError) as error:
            raise DecodeError(f"{self.name}: reading failed: {_reason(error)}") from error

    def _decode(self, container: Any, stream: Any, threading: str) -> Iterator[Any]:
        import av

        stream.thread_type = threading
        stream.codec_context.thread_count = self._threads
        count, seconds = 0, 0.0
        for packet in self._packets(container, stream):
            try:
                frames = packet.decode()
            except (av.FFmpegError, ValueError) as error:
                raise DecodeError(
                    f"{self.name}: decoding failed after {count} frames, at {seconds:.3f} s: "
                    f"{_reason(error)}"
                ) from error
            for frame in frames:
                count, seconds = count + 1, frame.time or seconds
                yield frame


def _best_video(container: Any) -> Any:
    """The video stream that decord reads: of several, the first with the highest bit rate.

    Its FFmpeg 4.1 did not look at which stream the file marks as the default; later ones do. A
    stream of a few pictures, and one for people who see or hear badly, comes behind.
    """
    from av.stream import Disposition

    pictures = Disposition.attached_pic | Disposition.timed_thumbnails
    impaired = Disposition.hearing_impaired | Disposition.visual_impaired

    def merit(stream: Any) -> tuple[bool, int, int]:
        # A count of 0 is one that the container does not state.
        frames = min(stream.frames or _ENOUGH_FRAMES, _ENOUGH_FRAMES)
        context = stream.codec_context
        return not stream.disposition & impaired, frames, (context and context.bit_rate) or 0

    videos = (one for one in container.streams.video if not one.disposition & pictures)
    return max(videos, key=merit, default=None)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
