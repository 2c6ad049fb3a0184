"""Decoding with every report of the decoder told to the packet that it is about.

With one thread FFmpeg decodes a packet within the call that hands it over: what it raises or logs
there, and a frame that it marks as damaged, belong to that packet. Frame threads lose reports, in a
race between the thread that finds the damage and the one that hands out the frame, and conceal the
same damage in another way each time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.container import reason
from keye_vl_rs._decoding.damage import DamageMap, Report
from keye_vl_rs._decoding.decoder import (
    DecodeCounts,
    PacketCursor,
    UnexpectedFramesError,
    prime_decoder,
)
from keye_vl_rs._decoding.ffmpeg_log import CapturedLog
from keye_vl_rs._decoding.frame_copy import FrameCopier, clear_frame
from keye_vl_rs._decoding.packets import PacketTable
from keye_vl_rs._decoding.plan import Segment

if TYPE_CHECKING:
    from keye_vl_rs._media.deadline import Watch

__all__ = ["CarefulDecoder", "CheckedFrame", "decode_reporting", "find_reports"]


@dataclass(frozen=True)
class CheckedFrame:
    """A wanted frame, and what is known against it.

    Attributes:
        place: of its packet, in the order of decoding.
        frame: what the decoder made of it; None where nothing came out.
        report: what spoils it; None where nothing does.
    """

    place: int
    frame: Any
    report: Report | None


def decode_reporting(context: Any, packet: Any, log: CapturedLog) -> tuple[list[Any], list[str]]:
    """Decode a packet, or None for the end of the stream, and return frames and reports.

    The context has one thread, and ``log`` is of this thread.
    """
    import av

    reports: list[str] = []
    frames: list[Any] = []
    log.take()
    try:
        frames = context.decode(packet)
    except (av.FFmpegError, ValueError) as error:
        reports.append(reason(error))
    # The log says what went wrong where the error only says that something did.
    return frames, [line.text for line in log.take() if line.reports_damage] + reports


def find_reports(
    container: Any,
    stream: Any,
    table: PacketTable,
    log: CapturedLog,
    places: range,
    *,
    name: str,
    watch: Watch,
    counts: DecodeCounts,
) -> frozenset[int]:
    """Decode packets that follow each other and return the places of those that are reported."""
    cursor = PacketCursor(container, stream, table, name, watch, counts)
    context = stream.codec_context
    if places[0] > 0:
        prime_decoder(context, cursor)
    context.flush_buffers()
    found: set[int] = set()
    for place in (*places, None):
        packet = None if place is None else cursor.take(place, start=place == places[0])
        counts.decoded += place is not None
        frames, reports = decode_reporting(context, packet, log)
        if reports:
            found.add(places[-1] if place is None else place)
        marked = (table.place_of.get(frame.pts) for frame in frames if frame.is_corrupt)
        found.update(place for place in marked if place is not None)
    return frozenset(found)


class CarefulDecoder:
    """Decodes segments of one stream, all their packets, and marks the frames that are damaged.

    What it makes of damage depends on the segments that it decoded before, unless each packet of
    the codec is a segment.
    """

    def __init__(
        self,
        container: Any,
        stream: Any,
        table: PacketTable,
        log: CapturedLog,
        find_reports: Callable[[range], frozenset[int]],
        *,
        name: str,
        watch: Watch,
        counts: DecodeCounts,
    ) -> None:
        """Prepare to decode.

        Args:
            container: at its start.
            stream: of the container.
            table: the packets of the stream.
            log: of this thread.
            find_reports: gives the places that a decoder of its own reports among some packets.
            name: what errors call the video.
            watch: the deadline and the cancel flag.
            counts: is added to.
        """
        self._cursor = PacketCursor(container, stream, table, name, watch, counts)
        self._context = stream.codec_context
        self._table, self._log = table, log
        self._counts = counts
        times = table.times
        assert times is not None, "every packet says when it is presented"
        self._times = times
        self._find_reports = find_reports
        self._copier = FrameCopier()
        # After damage FFmpeg's HEVC decoder hands out frames late, or not at all, beyond the next
        # restart: there it has to forget what it saw.
        self._starts_anew = self._context.codec.canonical_name == "hevc"
        self._used = False

    def decode(self, segment: Segment) -> Generator[CheckedFrame, None, None]:
        """Yield the frames of a segment's targets, in the order of presentation.

        Raises:
            UnexpectedFramesError: packets or frames are not those of the table, and no damage is
                reported that would explain it.
            DecodeError: reading fails.
        """
        if not self._used and segment.places[0] > 0:
            prime_decoder(self._context, self._cursor)
            self._counts.decoded += 1
        self._context.flush_buffers()
        self._used = True
        self._counts.restarts += segment.since is not None
        check = _Check(self._table, self._times, segment, self._confirm)
        first, last = segment.places[0], segment.targets[-1]
        for place in range(first, last + 1):
            if self._starts_anew and check.is_damaged_before(place):
                frames, _ = decode_reporting(self._context, None, self._log)
                yield from self._own(check.expect(frames))
                self._context.flush_buffers()
            packet = self._cursor.take(place, start=place == first)
            self._counts.decoded += 1
            frames, reports = decode_reporting(self._context, packet, self._log)
            if reports and self._table.pictures[place]:
                check.report(place, reports[0])
            yield from self._own(check.expect(frames))
            if self._context.codec.intra_only:
                for frame in frames:
                    clear_frame(frame)
        frames, reports = decode_reporting(self._context, None, self._log)
        if reports:
            check.report(last, reports[0])
        yield from self._own(check.expect(frames))
        yield from self._own(check.finish())

    def _own(self, checked: Iterator[CheckedFrame]) -> Iterator[CheckedFrame]:
        for one in checked:
            yield one if one.frame is None else replace(one, frame=self._copier.copy(one.frame))

    def _confirm(self, segment: Segment) -> frozenset[int]:
        """Return the places of a segment that are reported also if decoding starts earlier.

        Where decoding starts in the middle of a stream, decoders complain of pictures that they
        never saw and that no frame needs.
        """
        first, last = segment.places[0], segment.targets[-1]
        restarts = self._table.restarts
        before = bisect_left(restarts, first)
        return self._find_reports(range(restarts[before - 1] if before else 0, last + 1))


class _Check:
    """Compares the frames of a segment with those announced, and finds the damaged ones."""

    def __init__(
        self,
        table: PacketTable,
        times: Sequence[int],
        segment: Segment,
        confirm: Callable[[Segment], frozenset[int]],
    ) -> None:
        self._restarts = table.restarts
        self._damage = DamageMap(table.restarts, times)
        for report in table.reports:
            self._damage.add(report)
        # What may explain that frames are missing.
        self._suspect = DamageMap(table.restarts, times)
        for place in table.suspect:
            self._suspect.add(Report(place, "the headers of its packet cannot be read"))
        self._times = times
        self._segment, self._confirm = segment, confirm
        self._confirmed: frozenset[int] | None = None
        self._since = segment.since
        self._targets = frozenset(segment.targets)
        announced = [
            place
            for place in range(segment.places[0], segment.targets[-1] + 1)
            if table.shown[place] and (segment.since is None or times[place] >= segment.since)
        ]
        # The announced frames in the order of presentation, the next one last.
        self._left = sorted(announced, key=lambda place: times[place], reverse=True)
        self._place_of = {times[place]: place for place in announced}
        self._latest: Any = None

    def report(self, place: int, text: str) -> None:
        """Note what the decoder says of a packet."""
        if self._since is not None:
            if self._times[place] < self._since:
                return
            if self._confirmed is None:
                self._confirmed = self._confirm(self._segment)
            if place not in self._confirmed:
                return
        self._damage.add(Report(place, text))

    def is_damaged_before(self, place: int) -> bool:
        """Tell if ``place`` is a restart, and a report spoils what comes right before it."""
        at = bisect_left(self._restarts, place)
        if place == self._segment.places[0] or self._restarts[at : at + 1] != [place]:
            return False
        return self._damage.find(place - 1) is not None

    def expect(self, frames: Sequence[Any]) -> Iterator[CheckedFrame]:
        """Yield the targets among frames that came out, and those that should have."""
        for frame in frames:
            place = self._place_of.get(frame.pts)
            if place is None:
                if self._since is not None and (frame.pts is None or frame.pts < self._since):
                    continue
                if not self._damage:
                    raise UnexpectedFramesError
                continue
            if frame.is_corrupt:
                self.report(place, "the decoder marks the frame as damaged")
            time = self._times[place]
            if not self._left or self._times[self._left[-1]] > time:
                # It came before, or too late to be put in its place.
                if not self._damage:
                    raise UnexpectedFramesError
                continue
            yield from self._missing(time, instead=frame)
            self._left.pop()
            self._latest = frame
            if place in self._targets:
                yield CheckedFrame(place, frame, self._damage.find(place))

    def finish(self) -> Iterator[CheckedFrame]:
        """Yield the targets that did not come."""
        yield from self._missing(None, instead=None)

    def _missing(self, until: int | None, instead: Any) -> Iterator[CheckedFrame]:
        """Yield what was announced before a time and did not come.

        A frame that is missing is shown as the one before it, or else the one behind it, as players
        do.
        """
        while self._left and (until is None or self._times[self._left[-1]] < until):
            place = self._left.pop()
            report = self._damage.find(place) or self._suspect.find(place)
            if report is None:
                raise UnexpectedFramesError
            self._damage.add(report)
            if place in self._targets:
                shown = self._latest if self._latest is not None else instead
                yield CheckedFrame(place, shown, report)
