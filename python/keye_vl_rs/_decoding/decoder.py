"""Decode selected packets of a stream, and check the frames that come out."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.container import demux, reason
from keye_vl_rs._decoding.frame_copy import clear_frame
from keye_vl_rs._decoding.packets import PacketTable
from keye_vl_rs._decoding.plan import Segment
from keye_vl_rs.errors import DecodeError

if TYPE_CHECKING:
    from keye_vl_rs._media.deadline import Deadline

__all__ = [
    "DecodeCounts",
    "DecoderInput",
    "PacketCursor",
    "SegmentDecoder",
    "UnexpectedFramesError",
    "decode_all",
    "prime_decoder",
]

# Seeking saves reading, not decoding: it pays off from this many bytes on.
_SEEK_BYTES = 4 << 20
# Formats with an index, in which seeks are exact.
_INDEXED = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
# Formats in which a packet may contain one field of a frame whose other field is not disposable.
_FIELD_FORMATS = frozenset({"h264", "hevc", "mpeg", "mpegts"})


@dataclass
class DecodeCounts:
    """Count the work that decoding took.

    Attributes:
        packets: packets of the video stream; 0 if they were not read in advance.
        decoded: packets that were decoded; those decoded repeatedly count each time.
        restarts: how often decoding restarted at a key frame.
        seeks: how often reading jumped forward.
    """

    packets: int = 0
    decoded: int = 0
    restarts: int = 0
    seeks: int = 0

    def add(self, other: DecodeCounts) -> None:
        """Add the work of another decoder on the same packets."""
        self.decoded += other.decoded
        self.restarts += other.restarts
        self.seeks += other.seeks


@dataclass(frozen=True)
class DecoderInput:
    """Hold a video opened for one decoder, and what the decoder needs to know about it.

    Attributes:
        container: the open container, at its start.
        stream: its video stream.
        table: the packets of the stream.
        name: the name of the video in messages.
        deadline: the deadline and the cancel flag.
        counts: updated with the work done.
    """

    container: Any
    stream: Any
    table: PacketTable
    name: str
    deadline: Deadline
    counts: DecodeCounts


class UnexpectedFramesError(Exception):
    """Report that decoded and announced frames differ, or damage; never reaches a user."""


class SegmentDecoder:
    """Decode segments of one stream, in the order of the stream."""

    def __init__(self, video: DecoderInput) -> None:
        """Take a video whose packets all have timestamps."""
        self._cursor = PacketCursor(video)
        self._context = video.stream.codec_context
        times = video.table.times
        assert times is not None, "every packet has a timestamp"
        self._times = times
        self._table = video.table
        self._name = video.name
        self._counts = video.counts
        self._in_fields = video.container.format.name in _FIELD_FORMATS
        self._used = False

    def decode(self, segment: Segment) -> Generator[Any, None, None]:
        """Yield the frames of a segment's targets, in presentation order.

        Raises:
            UnexpectedFramesError: packets or frames differ from the table, or cannot be checked.
            DecodeError: reading or decoding fails.
        """
        context, name = self._context, self._name
        if not self._used and segment.indices[0] > 0:
            prime_decoder(context, self._cursor)
            self._counts.decoded += 1
            self._used = True
        if self._used:
            context.flush_buffers()
        self._used = True
        self._counts.restarts += segment.since is not None
        check = _Check(self._times, self._table.shown, segment, fields=self._in_fields)
        for number, index in enumerate(segment.indices):
            packet = self._cursor.take(index, start=number == 0)
            self._counts.decoded += 1
            try:
                frames = _decode(context, packet, name, check.last)
            except DecodeError:
                if self._table.pictures[index]:
                    raise
                continue
            yield from check.expect(frames)
        yield from check.expect(_decode(context, None, name, check.last))
        check.finish()


def prime_decoder(context: Any, cursor: PacketCursor) -> None:
    """Decode the first packet of the stream, and discard its frame.

    For some codecs this packet says what holds for the whole stream: the encoder of an H.264
    stream, whose bugs FFmpeg works around, or the tables of a Motion JPEG. Flush the decoder before
    using it.
    """
    import av

    packet = cursor.take(0, start=False)
    # The frame is not wanted, so damage to it does not matter.
    for one in (packet, None):
        with suppress(av.FFmpegError, ValueError):
            for frame in context.decode(one):
                clear_frame(frame)


def decode_all(
    container: Any, stream: Any, *, name: str, deadline: Deadline, counts: DecodeCounts
) -> Iterator[Any]:
    """Yield every frame of a stream in decoder output order, ignoring the errors of others.

    Raises:
        DecodeError: reading fails.
    """
    import av

    for packet in chain(demux(container, stream, name, deadline), (None,)):
        counts.decoded += packet is not None
        with suppress(av.FFmpegError, ValueError):
            yield from stream.codec_context.decode(packet)


def _decode(context: Any, packet: Any, name: str, last: Any) -> list[Any]:
    """Return the frames that come out for a packet, or for the end of the stream."""
    import av

    try:
        frames: list[Any] = context.decode(packet)
    except (av.FFmpegError, ValueError) as error:
        time = (last.time if last is not None else None) or 0.0
        raise DecodeError(f"{name}: decoding failed at {time:.3f} s: {reason(error)}") from error
    return frames


class PacketCursor:
    """Read packets forward."""

    def __init__(self, video: DecoderInput) -> None:
        """Take a video at its start."""
        self._container, self._stream, self._table = video.container, video.stream, video.table
        self._counts = video.counts
        self._packets = demux(video.container, video.stream, video.name, video.deadline)
        self._next = 0
        self._can_seek = video.container.format.name in _INDEXED

    def take(self, index: int, *, start: bool) -> Any:
        """Return the packet at ``index``, which comes after the last one that was read.

        ``start`` says that the decoder is empty, so that a seek loses nothing.
        """
        if start and self._can_seek:
            skipped = self._table.offsets[index] - self._table.offsets[self._next]
            if skipped >= _SEEK_BYTES and (found := self._seek(index)) is not None:
                return found
        for packet in self._packets:
            self._expect(packet)
            if self._next > index:
                return packet
        raise UnexpectedFramesError

    def _seek(self, index: int) -> Any:
        """Seek to ``index`` or before it; return the packet if it is the one at ``index``."""
        self._counts.seeks += 1
        self._container.seek(self._table.pts[index], stream=self._stream)
        packet = next(self._packets, None)
        found = None if packet is None else self._table.index_of.get(packet.pts)
        # A packet that was read before is found again: continue from it.
        if found is None or found > index:
            raise UnexpectedFramesError
        self._next = found
        self._expect(packet)
        return packet if self._next > index else None

    def _expect(self, packet: Any) -> None:
        at, table = self._next, self._table
        if at >= len(table) or (packet.pts, packet.size) != (table.pts[at], table.sizes[at]):
            raise UnexpectedFramesError
        self._next += 1


class _Check:
    """Compare a segment's frames with those that its packets announce."""

    def __init__(
        self, times: Sequence[int], shown: Sequence[bool], segment: Segment, *, fields: bool
    ) -> None:
        since = segment.since
        announced = (times[index] for index in segment.indices if shown[index])
        self._expected = sorted(time for time in announced if since is None or time >= since)
        self._targets = {times[index] for index in segment.targets}
        self._since = since
        self._seen = 0
        skips = len(segment.indices) <= segment.indices[-1]
        # Whether the other field of an interlaced frame may have been skipped.
        self._fields = fields and skips
        self.last: Any = None

    def expect(self, frames: Sequence[Any]) -> Iterator[Any]:
        """Yield the targets among ``frames``, which must be the ones that are due."""
        for frame in frames:
            if self._since is not None and (frame.pts is None or frame.pts < self._since):
                continue
            if self._seen >= len(self._expected) or frame.pts != self._expected[self._seen]:
                raise UnexpectedFramesError
            if self._fields and frame.interlaced_frame:
                raise UnexpectedFramesError
            # Concealment depends on which packets were skipped and on the timing of threads.
            if frame.is_corrupt:
                raise UnexpectedFramesError
            self._seen += 1
            self.last = frame
            if frame.pts in self._targets:
                yield frame

    def finish(self) -> None:
        """Raise UnexpectedFramesError if frames are missing."""
        if self._seen < len(self._expected):
            raise UnexpectedFramesError
