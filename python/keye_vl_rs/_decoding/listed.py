"""Decoding the sampled frames of a video whose packets say when they are presented."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import IO, Any

from keye_vl_rs._decoding.ahead import run_ahead
from keye_vl_rs._decoding.careful import CarefulDecoder, CheckedFrame, find_reports
from keye_vl_rs._decoding.damage import DamageMap, Report, Spoilt
from keye_vl_rs._decoding.decoder import DecodeCounts, SegmentDecoder, UnexpectedFramesError
from keye_vl_rs._decoding.ffmpeg_log import CapturedLog, OtherThreads, captured_log
from keye_vl_rs._decoding.packets import PacketTable
from keye_vl_rs._decoding.plan import Segment, can_share, plan_segments
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs.errors import DecodeError

__all__ = ["ListedFrames"]

# Decoders side by side keep cores busy where the frame threads of one wait for each other: a minute
# of 1080p takes 3.5 instead of 4.1 s on two cores. Each holds a dozen frames.
_DECODERS = 2
# Codecs some of whose damage FFmpeg reports in its log alone: heard with one thread a decoder.
# Other codecs for which that holds are always decoded carefully.
_LOGGING_ONLY = frozenset({"hevc"})
# How many packets starting anew must spare, beside those that a decoder holds back to put frames in
# order: what the threads of a decoder work at together, and lose when it is stopped.
_WORTH = 8

# What FFmpeg's H.264 decoder says of pictures before the place where it started: it never saw them.
_NEVER_SEEN = (
    "mmco: unref short failure",
    "co located POCs unavailable",
    "reference picture missing during reorder",
    "Missing reference picture",
)


def _decode_unless_reported(
    decoder: SegmentDecoder, log: CapturedLog, others: OtherThreads | None, segment: Segment
) -> Generator[Any, None, None]:
    """Yield the frames of a segment as long as FFmpeg's log reports no damage.

    A frame that is handed out while its thread still decodes it lacks the mark of damage. At the
    end of a segment all threads have said what they found.
    """
    log.take()
    if others is not None:
        others.take()
    for frame in chain(decoder.decode(segment), (None,)):
        lines = log.take() + ([] if others is None else others.take())
        if segment.since is not None:
            lines = [line for line in lines if not line.text.startswith(_NEVER_SEEN)]
        if any(line.reports_damage for line in lines):
            raise UnexpectedFramesError
        if frame is not None:
            yield frame


@contextmanager
def _position_kept(media: str | IO[bytes]) -> Iterator[None]:
    """Let an open file be read anew in the middle of a reading that goes on afterwards."""
    position = None if isinstance(media, str) else media.tell()
    try:
        yield
    finally:
        if not isinstance(media, str) and position is not None:
            media.seek(position)


class ListedFrames:
    """The frames of a video by the times that its packets state."""

    def __init__(self, file: VideoFile, table: PacketTable, timeline: Timeline, codec: str) -> None:
        """Take a timeline with the time of every frame, and FFmpeg's name of the codec."""
        assert timeline.times is not None, "packets say when their frames are presented"
        self._file, self._table = file, table
        self._times = timeline.times
        self._logs_only = codec in _LOGGING_ONLY
        of_time = {time: place for place, time in enumerate(table.pts) if table.shown[place]}
        self._order = [of_time[time] for time in timeline.times]

    def read_fast(self, wanted: Sequence[int]) -> Iterator[tuple[Any, None]]:
        """Decode some frames, with frame threads and without packets that none of them needs.

        Args:
            wanted: places in the order of presentation, sorted, each once.

        Raises:
            UnexpectedFramesError: other frames come out than were announced, or damage is reported:
                :meth:`read_carefully` tells what is right.
        """
        file, table = self._file, self._table
        targets = sorted(self._order[place] for place in wanted)
        if self._is_suspect(targets):
            raise UnexpectedFramesError
        segments = plan_segments(table, targets, worth=0)
        threads, workers = file.threads, 1
        # Each has a decoder and a place in the file of its own. Which packets are decoded does not
        # depend on the number of threads, so that the same damage is met with any.
        if isinstance(file.media, str) and can_share(segments, _DECODERS, ahead=file.ahead):
            workers = min(_DECODERS, threads)
        else:
            segments = plan_segments(table, targets, worth=_WORTH + table.reorder)

        @contextmanager
        def worker() -> Iterator[Callable[[Segment], Generator[Any, None, None]]]:
            counts = DecodeCounts()
            per_worker = 1 if self._logs_only else max(1, threads // workers)
            # Until the decoder is closed, so that its threads have somebody to tell.
            with (
                captured_log() as log,
                file.opened("AUTO", per_worker, reorder=table.reorder) as (container, stream),
            ):
                decoder = SegmentDecoder(
                    container, stream, table, name=file.name, watch=file.watch, counts=counts
                )
                others = None
                if not self._logs_only:
                    others = OtherThreads(stream.codec_context.codec.name)
                try:
                    yield partial(_decode_unless_reported, decoder, log, others)
                finally:
                    file.add_counts(counts)

        try:
            for frame in run_ahead(segments, worker, file.watch, workers=workers, ahead=file.ahead):
                yield frame, None
        except DecodeError as error:
            # A decoder that misses what was left out may say the same as at a damage.
            raise UnexpectedFramesError from error

    def read_carefully(self, wanted: Sequence[int]) -> Iterator[tuple[Any, Spoilt | None]]:
        """Decode some frames so that each report is about a packet, and say which are spoilt.

        The result does not depend on how many threads there are. Where the decoder made nothing of
        a packet the frame is the one before it, or behind it, or None.

        Raises:
            UnexpectedFramesError: other frames come out than were announced, and no damage is
                reported that would explain it.
            DecodeError: reading fails.
        """
        file, table = self._file, self._table
        targets = sorted(self._order[place] for place in wanted)
        segments = plan_segments(table, targets, worth=0)
        intra_only = len(table.restarts) == len(table)
        workers = file.threads if isinstance(file.media, str) else 1
        if workers > 1 and not can_share(segments, workers, ahead=file.ahead):
            workers = min(_DECODERS, workers)
            if not can_share(segments, workers, ahead=file.ahead):
                workers = 1

        @contextmanager
        def worker() -> Iterator[Callable[[Segment], Generator[CheckedFrame, None, None]]]:
            counts = DecodeCounts()
            shared: dict[str, Any] = {"name": file.name, "watch": file.watch, "counts": counts}

            def find(places: range) -> frozenset[int]:
                with (
                    _position_kept(file.media),
                    captured_log() as log,
                    file.opened() as (container, stream),
                ):
                    return find_reports(container, stream, table, log, places, **shared)

            def decode_anew(segment: Segment) -> Generator[CheckedFrame, None, None]:
                with file.opened() as (container, stream):
                    decoder = CarefulDecoder(container, stream, table, log, find, **shared)
                    yield from decoder.decode(segment)

            try:
                with captured_log() as log:
                    if not intra_only:
                        yield decode_anew
                        return
                    with file.opened() as (container, stream):
                        yield CarefulDecoder(container, stream, table, log, find, **shared).decode
            finally:
                file.add_counts(counts)

        damage = DamageMap(table.restarts, table.pts)
        found = run_ahead(segments, worker, file.watch, workers=workers, ahead=file.ahead)
        for place, checked in zip(wanted, found, strict=True):
            spoilt = None
            if checked.report is not None:
                begins = damage.begins(checked.report)
                since = 0 if begins is None else bisect_left(self._times, begins)
                # Packets out of their order spoil what is presented before their own frames.
                spoilt = Spoilt(checked.report.reason, min(since, place))
            yield checked.frame, spoilt

    def locate(self, report: Report) -> Spoilt:
        """Say before which frame those are missing that a report is about."""
        time = self._table.pts[report.place]
        since = 0 if time is None else bisect_left(self._times, time)
        return Spoilt(f"frames are missing: {report.reason}", since)

    def _is_suspect(self, targets: Sequence[int]) -> bool:
        """Tell if packets that the targets may need were reported already, or cannot be read."""
        table = self._table
        damage = DamageMap(table.restarts, table.pts)
        for report in table.reports:
            damage.add(report)
        if damage and any(damage.find(target) is not None for target in targets):
            return True
        if not table.suspect:
            return False
        segments = plan_segments(table, targets, worth=0)
        needed = (place for segment in segments for place in segment.places)
        return not frozenset(table.suspect).isdisjoint(needed)
