"""Decode frames, and attribute each error to the packet that it is about.

With one thread, FFmpeg decodes a packet within the call that submits it: errors raised or logged
during the call, and frames marked as damaged, belong to that packet. With frame threads, FFmpeg
loses errors in a race between the thread that detects the damage and the one that returns the
frame, and conceals the same damage differently each time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from keye_vl_rs._decoding.container import reason
from keye_vl_rs._decoding.damage import CORRUPT_FRAME, UNREADABLE_HEADERS, DamageMap, PacketReport
from keye_vl_rs._decoding.decoder import (
    DecoderInput,
    PacketCursor,
    UnexpectedFramesError,
    prime_decoder,
)
from keye_vl_rs._decoding.ffmpeg_log import CapturedLog
from keye_vl_rs._decoding.frame_copy import FrameCopier, clear_frame
from keye_vl_rs._decoding.packets import PacketTable
from keye_vl_rs._decoding.plan import Segment

__all__ = ["CheckedFrame", "DamageTrackingDecoder", "decode_with_reports", "find_reported_packets"]


@dataclass(frozen=True)
class CheckedFrame:
    """Hold a wanted frame and its damage.

    Attributes:
        index: of its packet, in decoding order.
        frame: what the decoder returned; None if it returned nothing.
        report: the report that affects the frame, or None.
    """

    index: int
    frame: Any
    report: PacketReport | None


def decode_with_reports(context: Any, packet: Any, log: CapturedLog) -> tuple[list[Any], list[str]]:
    """Decode a packet, or None for the end of the stream; return the frames and the errors.

    The context must have one thread, and ``log`` must capture the calling thread.
    """
    import av

    reports: list[str] = []
    frames: list[Any] = []
    log.take()
    try:
        frames = context.decode(packet)
    except (av.FFmpegError, ValueError) as error:
        reports.append(reason(error))
    # The log is more specific than the exception.
    return frames, [line.text for line in log.take() if line.reports_damage] + reports


def find_reported_packets(video: DecoderInput, log: CapturedLog, indices: range) -> frozenset[int]:
    """Decode consecutive packets and return the indices of those that FFmpeg reports.

    Args:
        video: the video, at its start.
        log: the captured log of the calling thread.
        indices: the packets to decode, in decoding order.
    """
    cursor = PacketCursor(video)
    context, table = video.stream.codec_context, video.table
    if indices[0] > 0:
        prime_decoder(context, cursor)
    context.flush_buffers()
    found: set[int] = set()
    for index in (*indices, None):
        packet = None if index is None else cursor.take(index, start=index == indices[0])
        video.counts.decoded += index is not None
        frames, reports = decode_with_reports(context, packet, log)
        if reports:
            found.add(indices[-1] if index is None else index)
        marked = (table.index_of.get(frame.pts) for frame in frames if frame.is_corrupt)
        found.update(index for index in marked if index is not None)
    return frozenset(found)


class DamageTrackingDecoder:
    """Decode all packets of segments, and mark damaged frames.

    Its concealment depends on the segments that it decoded before, except for codecs in which each
    packet is a segment.
    """

    def __init__(
        self,
        video: DecoderInput,
        log: CapturedLog,
        find_reported_packets: Callable[[range], frozenset[int]],
    ) -> None:
        """Prepare to decode.

        Args:
            video: the video, whose packets all have timestamps.
            log: the captured log of the calling thread.
            find_reported_packets: decodes some packets with another decoder and returns the indices
                of those that FFmpeg reports.
        """
        self._cursor = PacketCursor(video)
        self._context = video.stream.codec_context
        self._table, self._log = video.table, log
        self._counts = video.counts
        times = video.table.times
        assert times is not None, "every packet has a timestamp"
        self._times = times
        self._find_reported_packets = find_reported_packets
        self._copier = FrameCopier()
        # After damage, FFmpeg's HEVC decoder returns frames late or not at all, even past the next
        # restart. Flushing it there helps.
        self._flushes_after_damage = self._context.codec.canonical_name == "hevc"
        self._used = False

    def decode(self, segment: Segment) -> Generator[CheckedFrame, None, None]:
        """Yield the frames of a segment's targets, in presentation order.

        Raises:
            UnexpectedFramesError: packets or frames differ from the table, and no reported damage
                explains it.
            DecodeError: reading fails.
        """
        if not self._used and segment.indices[0] > 0:
            prime_decoder(self._context, self._cursor)
            self._counts.decoded += 1
        self._context.flush_buffers()
        self._used = True
        self._counts.restarts += segment.since is not None
        check = _Check(self._table, self._times, segment, self._confirm)
        first, last = segment.indices[0], segment.targets[-1]
        for index in range(first, last + 1):
            if self._flushes_after_damage and check.is_damaged_before(index):
                frames, _ = decode_with_reports(self._context, None, self._log)
                yield from self._copy_frames(check.expect(frames))
                self._context.flush_buffers()
            packet = self._cursor.take(index, start=index == first)
            self._counts.decoded += 1
            frames, reports = decode_with_reports(self._context, packet, self._log)
            if reports and self._table.pictures[index]:
                check.report(index, reports[0])
            yield from self._copy_frames(check.expect(frames))
            if self._context.codec.intra_only:
                for frame in frames:
                    clear_frame(frame)
        frames, reports = decode_with_reports(self._context, None, self._log)
        if reports:
            check.report(last, reports[0])
        yield from self._copy_frames(check.expect(frames))
        yield from self._copy_frames(check.finish())

    def _copy_frames(self, checked: Iterator[CheckedFrame]) -> Iterator[CheckedFrame]:
        """Yield the same frames, in memory of their own."""
        for one in checked:
            yield one if one.frame is None else replace(one, frame=self._copier.copy(one.frame))

    def _confirm(self, segment: Segment) -> frozenset[int]:
        """Return the packets of a segment that are also reported if decoding starts earlier.

        A decoder that starts midway complains about pictures that it never saw and that no frame
        needs.
        """
        first, last = segment.indices[0], segment.targets[-1]
        restarts = self._table.restarts
        before = bisect_left(restarts, first)
        return self._find_reported_packets(range(restarts[before - 1] if before else 0, last + 1))


class _Check:
    """Find damaged frames by comparing a segment's frames with the announced ones."""

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
        # Packets that may explain missing frames.
        self._suspect = DamageMap(table.restarts, times)
        for index in table.suspect:
            self._suspect.add(PacketReport(index, UNREADABLE_HEADERS))
        self._times = times
        self._segment, self._confirm = segment, confirm
        self._confirmed: frozenset[int] | None = None
        self._since = segment.since
        self._targets = frozenset(segment.targets)
        announced = [
            index
            for index in range(segment.indices[0], segment.targets[-1] + 1)
            if table.shown[index] and (segment.since is None or times[index] >= segment.since)
        ]
        # The announced frames in presentation order, the next one last.
        self._left = sorted(announced, key=lambda index: times[index], reverse=True)
        self._index_of = {times[index]: index for index in announced}
        self._latest: Any = None

    def report(self, index: int, text: str) -> None:
        """Record an error on a packet."""
        if self._since is not None:
            if self._times[index] < self._since:
                return
            if self._confirmed is None:
                self._confirmed = self._confirm(self._segment)
            if index not in self._confirmed:
                return
        self._damage.add(PacketReport(index, text))

    def is_damaged_before(self, index: int) -> bool:
        """Tell if ``index`` is a restart, and a report affects the packet before it."""
        at = bisect_left(self._restarts, index)
        if index == self._segment.indices[0] or self._restarts[at : at + 1] != [index]:
            return False
        return self._damage.find(index - 1) is not None

    def expect(self, frames: Sequence[Any]) -> Iterator[CheckedFrame]:
        """Yield the targets among the given frames, and those that should have come before them."""
        for frame in frames:
            index = self._index_of.get(frame.pts)
            if index is None:
                if self._since is not None and (frame.pts is None or frame.pts < self._since):
                    continue
                if not self._damage:
                    raise UnexpectedFramesError
                continue
            if frame.is_corrupt:
                self.report(index, CORRUPT_FRAME)
            time = self._times[index]
            if not self._left or self._times[self._left[-1]] > time:
                # It came before, or too late to be put in order.
                if not self._damage:
                    raise UnexpectedFramesError
                continue
            yield from self._missing(time, instead=frame)
            self._left.pop()
            self._latest = frame
            if index in self._targets:
                yield CheckedFrame(index, frame, self._damage.find(index))

    def finish(self) -> Iterator[CheckedFrame]:
        """Yield the targets that did not come."""
        yield from self._missing(None, instead=None)

    def _missing(self, until: int | None, instead: Any) -> Iterator[CheckedFrame]:
        """Yield the announced targets before a timestamp that did not come.

        A missing frame is shown as the previous one, or else as the next one, as players do.
        """
        while self._left and (until is None or self._times[self._left[-1]] < until):
            index = self._left.pop()
            report = self._damage.find(index) or self._suspect.find(index)
            if report is None:
                raise UnexpectedFramesError
            self._damage.add(report)
            if index in self._targets:
                shown = self._latest if self._latest is not None else instead
                yield CheckedFrame(index, shown, report)
