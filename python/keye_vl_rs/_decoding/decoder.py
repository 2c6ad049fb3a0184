"""Feeding a decoder some of a stream's packets, and checking what comes out."""

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
    from keye_vl_rs._media.deadline import Watch

__all__ = [
    "DecodeCounts",
    "PacketCursor",
    "SegmentDecoder",
    "UnexpectedFramesError",
    "decode_all",
    "prime_decoder",
]

# Seeking spares reading, not decoding: it is worth its own costs from this many bytes on.
_SEEK_BYTES = 4 << 20
# Formats with an index by which a seek is exact.
_INDEXED = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"})
# In these a packet may hold one field of a frame: the other need not be as disposable.
_FIELD_FORMATS = frozenset({"h264", "hevc", "mpeg", "mpegts"})


@dataclass
class DecodeCounts:
    """How much work decoding took.

    Attributes:
        packets: of the video stream; 0 where they were not listed.
        decoded: packets that were decoded, each as often as it was.
        restarts: how often decoding started anew at a key frame.
        seeks: how often reading jumped forward.
    """

    packets: int = 0
    decoded: int = 0
    restarts: int = 0
    seeks: int = 0

    def add(self, other: DecodeCounts) -> None:
        """Count what was done elsewhere, of the same packets."""
        self.decoded += other.decoded
        self.restarts += other.restarts
        self.seeks += other.seeks


class UnexpectedFramesError(Exception):
    """Other frames came out than the packets announced, or damaged ones. Never reaches a user."""


class SegmentDecoder:
    """Decodes segments of one stream, in the order in which they lie in it."""

    def __init__(
        self,
        container: Any,
        stream: Any,
        table: PacketTable,
        *,
        name: str,
        watch: Watch,
        counts: DecodeCounts,
    ) -> None:
        """The container stands at its start; ``table`` lists the packets of the stream."""
        self._cursor = PacketCursor(container, stream, table, name, watch, counts)
        self._context = stream.codec_context
        times = table.times
        assert times is not None, "every packet says when it is presented"
        self._times = times
        self._table = table
        self._name = name
        self._counts = counts
        self._in_fields = container.format.name in _FIELD_FORMATS
        self._used = False

    def decode(self, segment: Segment) -> Generator[Any, None, None]:
        """The frames of a segment's targets, in the order of presentation.

        Raises:
            UnexpectedFramesError: packets or frames are not those of the table, or may not be.
            DecodeError: reading or decoding fails.
        """
        context, name = self._context, self._name
        if not self._used and segment.places[0] > 0:
            prime_decoder(context, self._cursor)
            self._counts.decoded += 1
            self._used = True
        if self._used:
            context.flush_buffers()
        self._used = True
        self._counts.restarts += segment.since is not None
        check = _Check(self._times, self._table.shown, segment, fields=self._in_fields)
        for index, place in enumerate(segment.places):
            packet = self._cursor.take(place, start=index == 0)
            self._counts.decoded += 1
            try:
                frames = _decode(context, packet, name, check.last)
            except DecodeError:
                if self._table.pictures[place]:
                    raise
                continue
            yield from check.expect(frames)
        yield from check.expect(_decode(context, None, name, check.last))
        check.finish()


def prime_decoder(context: Any, cursor: PacketCursor) -> None:
    """Let a decoder see the first packet of the stream, and forget its frame.

    Some tell there what holds for all: which encoder with which faults made a stream of H.264, or
    the tables of a Motion JPEG. The decoder is to be flushed before it is used.
    """
    import av

    packet = cursor.take(0, start=False)
    # Nobody asked for its frame, so that damage to it does not matter.
    for one in (packet, None):
        with suppress(av.FFmpegError, ValueError):
            for frame in context.decode(one):
                clear_frame(frame)


def decode_all(
    container: Any, stream: Any, *, name: str, watch: Watch, counts: DecodeCounts
) -> Iterator[Any]:
    """Yield every frame that comes out, in that order, whatever the decoder says of others.

    Raises:
        DecodeError: reading fails.
    """
    import av

    for packet in chain(demux(container, stream, name, watch), (None,)):
        counts.decoded += packet is not None
        with suppress(av.FFmpegError, ValueError):
            yield from stream.codec_context.decode(packet)


def _decode(context: Any, packet: Any, name: str, last: Any) -> list[Any]:
    """The frames that come out for a packet, or for the end of the stream."""
    import av

    try:
        frames: list[Any] = context.decode(packet)
    except (av.FFmpegError, ValueError) as error:
        time = (last.time if last is not None else None) or 0.0
        raise DecodeError(f"{name}: decoding failed at {time:.3f} s: {reason(error)}") from error
    return frames


class PacketCursor:
    """Reads packets forward."""

    def __init__(
        self,
        container: Any,
        stream: Any,
        table: PacketTable,
        name: str,
        watch: Watch,
        counts: DecodeCounts,
    ) -> None:
        """Take a container that stands at its start, and the table of the stream's packets."""
        self._container, self._stream, self._table = container, stream, table
        self._name, self._watch, self._counts = name, watch, counts
        self._packets = demux(container, stream, name, watch)
        self._next = 0
        self._can_seek = container.format.name in _INDEXED

    def take(self, place: int, *, start: bool) -> Any:
        """The packet at ``place``, which lies behind the last one.

        ``start`` says that the decoder holds nothing that a jump would lose.
        """
        if start and self._can_seek:
            skipped = self._table.offsets[place] - self._table.offsets[self._next]
            if skipped >= _SEEK_BYTES and (found := self._seek(place)) is not None:
                return found
        for packet in self._packets:
            self._expect(packet)
            if self._next > place:
                return packet
        raise UnexpectedFramesError

    def _seek(self, place: int) -> Any:
        """Jump to ``place`` or before it; the packet if it is that at ``place``."""
        self._counts.seeks += 1
        self._container.seek(self._table.pts[place], stream=self._stream)
        packet = next(self._packets, None)
        found = None if packet is None else self._table.place_of.get(packet.pts)
        # One before the place that was read up to is found there again: reading goes on from it.
        if found is None or found > place:
            raise UnexpectedFramesError
        self._next = found
        self._expect(packet)
        return packet if self._next > place else None

    def _expect(self, packet: Any) -> None:
        at, table = self._next, self._table
        if at >= len(table) or (packet.pts, packet.size) != (table.pts[at], table.sizes[at]):
            raise UnexpectedFramesError
        self._next += 1


class _Check:
    """Compares the frames of a segment with those that its packets announce."""

    def __init__(
        self, times: Sequence[int], shown: Sequence[bool], segment: Segment, *, fields: bool
    ) -> None:
        since = segment.since
        announced = (times[place] for place in segment.places if shown[place])
        self._expected = sorted(time for time in announced if since is None or time >= since)
        self._targets = {times[place] for place in segment.targets}
        self._since = since
        self._seen = 0
        self._spared = len(segment.places) <= segment.places[-1]
        # Whether an interlaced frame may come from two packets of which one was left out.
        self._fields = fields and self._spared
        self.last: Any = None

    def expect(self, frames: Sequence[Any]) -> Iterator[Any]:
        """The targets among ``frames``."""
        for frame in frames:
            if self._since is not None and (frame.pts is None or frame.pts < self._since):
                continue
            if self._seen >= len(self._expected) or frame.pts != self._expected[self._seen]:
                raise UnexpectedFramesError
            if self._fields and frame.interlaced_frame:
                raise UnexpectedFramesError
            # How damage is concealed depends on what was left out and on when threads run.
            if frame.is_corrupt:
                raise UnexpectedFramesError
            self._seen += 1
            self.last = frame
            if frame.pts in self._targets:
                yield frame

    def finish(self) -> None:
        """All must have come."""
        if self._seen < len(self._expected):
            raise UnexpectedFramesError
