"""Decode the sampled frames of a video whose packets have timestamps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import IO, Any

from keye_vl_rs._decoding.damage import (
    MISSING_FRAMES,
    DamageMap,
    FrameDamage,
    PacketReport,
    describe_reason,
)
from keye_vl_rs._decoding.damage_tracking import (
    CheckedFrame,
    DamageTrackingDecoder,
    find_reported_packets,
)
from keye_vl_rs._decoding.decoder import (
    DecodeCounts,
    DecoderInput,
    SegmentDecoder,
    UnexpectedFramesError,
)
from keye_vl_rs._decoding.ffmpeg_log import CapturedLog, OtherThreadsLog, captured_log
from keye_vl_rs._decoding.packets import PacketTable
from keye_vl_rs._decoding.plan import Segment, can_run_in_parallel, plan_segments
from keye_vl_rs._decoding.prefetch import prefetch
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs.errors import DecodeError

__all__ = ["IndexedFrames"]

# Parallel decoders keep cores busy where the frame threads of a single one wait for each other: a
# minute of 1080p takes 3.5 s instead of 4.1 s on two cores. Each holds a dozen frames.
_MAX_FAST_DECODERS = 2
# Codecs whose decoders reveal damage with several threads too: by an error, a missing frame, or its
# mark. Others reveal it only in FFmpeg's log, or lose it between threads; with VP8, threads produce
# a different frame from the same damage each time, without any report.
_REPORTING_WITH_THREADS = frozenset({"av1", "h264", "hevc", "vp9"})
# Codecs for which FFmpeg reports some damage only in its log: these get one thread per decoder, to
# attribute the messages. Other such codecs never take the fast path.
_LOGGING_ONLY = frozenset({"hevc"})
# How many packets a restart must save, besides those that the decoder holds back to reorder frames:
# the packets that its threads decode at once, and that are lost when it is drained.
_MIN_SAVED_PACKETS = 8

# Messages of FFmpeg's H.264 decoder about pictures from before the packet where it started.
_UNSEEN_REFERENCE_MESSAGES = (
    "mmco: unref short failure",
    "co located POCs unavailable",
    "reference picture missing during reorder",
    "Missing reference picture",
)


def _decode_unless_reported(
    decoder: SegmentDecoder, log: CapturedLog, others: OtherThreadsLog | None, segment: Segment
) -> Generator[Any, None, None]:
    """Yield the frames of a segment until FFmpeg's log reports damage.

    A frame returned while its thread is still decoding it lacks the mark of damage, but by the end
    of a segment all threads have logged what they found.
    """
    log.take()
    if others is not None:
        others.take()
    for frame in chain(decoder.decode(segment), (None,)):
        lines = log.take() + ([] if others is None else others.take())
        if segment.since is not None:
            lines = [line for line in lines if not line.text.startswith(_UNSEEN_REFERENCE_MESSAGES)]
        if any(line.reports_damage for line in lines):
            raise UnexpectedFramesError
        if frame is not None:
            yield frame


@contextmanager
def _restored_position(media: str | IO[bytes]) -> Iterator[None]:
    """Restore the position of an open file after other code has read it."""
    position = None if isinstance(media, str) else media.tell()
    try:
        yield
    finally:
        if not isinstance(media, str) and position is not None:
            media.seek(position)


class IndexedFrames:
    """Find the frames of a video by the timestamps of its packets.

    Attributes:
        can_read_fast: whether :meth:`read_fast` notices damage to videos of this codec.
    """

    def __init__(self, file: VideoFile, table: PacketTable, timeline: Timeline, codec: str) -> None:
        """Take a timeline with the time of every frame, and FFmpeg's name of the codec."""
        assert timeline.times is not None, "every packet has a timestamp"
        self._file, self._table = file, table
        self._times = timeline.times
        self._logs_only = codec in _LOGGING_ONLY
        self.can_read_fast = codec in _REPORTING_WITH_THREADS
        of_time = {time: index for index, time in enumerate(table.pts) if table.shown[index]}
        self._order = [of_time[time] for time in timeline.times]

    def read_fast(self, wanted: Sequence[int]) -> Iterator[tuple[Any, None]]:
        """Yield some frames, decoding with frame threads and skipping unneeded packets.

        Args:
            wanted: indices in presentation order, sorted, without duplicates.

        Raises:
            UnexpectedFramesError: frames differ from the announced ones, or damage is reported; use
                :meth:`read_tracking_damage` then.
        """
        file, table = self._file, self._table
        segments, in_parallel = self._plan_fast(wanted)
        # Each worker opens the file itself. Which packets are decoded does not depend on the number
        # of threads, so damage is found with any number.
        threads = file.threads
        workers = min(_MAX_FAST_DECODERS, threads) if in_parallel else 1

        @contextmanager
        def worker() -> Iterator[Callable[[Segment], Generator[Any, None, None]]]:
            counts = DecodeCounts()
            per_worker = 1 if self._logs_only else max(1, threads // workers)
            # Capture until the decoder is closed, because its threads may log until then.
            with (
                captured_log() as log,
                self._opened(counts, "AUTO", per_worker, reorder=table.reorder) as video,
            ):
                decoder = SegmentDecoder(video)
                others = None
                if not self._logs_only:
                    others = OtherThreadsLog(video.stream.codec_context.codec.name)
                try:
                    yield partial(_decode_unless_reported, decoder, log, others)
                finally:
                    file.add_counts(counts)

        try:
            for frame in prefetch(
                segments, worker, file.deadline, workers=workers, buffer_size=file.prefetch_frames
            ):
                yield frame, None
        except DecodeError as error:
            # A decoder may fail the same way because of a skipped packet as because of damage.
            raise UnexpectedFramesError from error

    def _plan_fast(self, wanted: Sequence[int]) -> tuple[list[Segment], bool]:
        """Return what :meth:`read_fast` decodes, and whether parallel decoders share it.

        Raises:
            UnexpectedFramesError: as for :meth:`read_fast`.
        """
        targets = sorted(self._order[index] for index in wanted)
        if self._is_suspect(targets):
            raise UnexpectedFramesError
        segments = plan_segments(self._table, targets, min_saved=0)
        if isinstance(self._file.media, str) and can_run_in_parallel(
            segments, _MAX_FAST_DECODERS, buffer_size=self._file.prefetch_frames
        ):
            return segments, True
        min_saved = _MIN_SAVED_PACKETS + self._table.reorder
        return plan_segments(self._table, targets, min_saved=min_saved), False

    def find_needed(self, wanted: Sequence[int], *, fast: bool) -> set[int]:
        """Return the packets that have to be decoded for some frames.

        Args:
            wanted: indices in presentation order, sorted, without duplicates.
            fast: whether :meth:`read_fast` decodes them, or :meth:`read_tracking_damage`.

        Raises:
            UnexpectedFramesError: as for :meth:`read_fast`.
        """
        if fast:
            segments, _ = self._plan_fast(wanted)
            needed = {index for segment in segments for index in segment.indices}
        else:
            targets = sorted(self._order[index] for index in wanted)
            segments = plan_segments(self._table, targets, min_saved=0)
            needed = set()
            for segment in segments:
                needed.update(range(segment.indices[0], segment.targets[-1] + 1))
        # A decoder that starts later is primed with the first packet.
        return needed | {0}

    def read_tracking_damage(
        self, wanted: Sequence[int]
    ) -> Iterator[tuple[Any, FrameDamage | None]]:
        """Yield some frames with their damage, each error attributed to a packet.

        The result does not depend on the number of threads. Where the decoder returned nothing for
        a packet, the frame is the previous one, or the next one, or None.

        Args:
            wanted: indices in presentation order, sorted, without duplicates.

        Raises:
            UnexpectedFramesError: frames differ from the announced ones, and no reported damage
                explains it.
            DecodeError: reading fails.
        """
        file, table = self._file, self._table
        targets = sorted(self._order[index] for index in wanted)
        segments = plan_segments(table, targets, min_saved=0)
        intra_only = len(table.restarts) == len(table)
        workers = file.threads if isinstance(file.media, str) else 1
        if workers > 1 and not can_run_in_parallel(
            segments, workers, buffer_size=file.prefetch_frames
        ):
            workers = min(_MAX_FAST_DECODERS, workers)
            if not can_run_in_parallel(segments, workers, buffer_size=file.prefetch_frames):
                workers = 1

        @contextmanager
        def worker() -> Iterator[Callable[[Segment], Generator[CheckedFrame, None, None]]]:
            counts = DecodeCounts()

            def find(indices: range) -> frozenset[int]:
                with (
                    _restored_position(file.media),
                    captured_log() as log,
                    self._opened(counts) as video,
                ):
                    return find_reported_packets(video, log, indices)

            def decode_reopened(segment: Segment) -> Generator[CheckedFrame, None, None]:
                with self._opened(counts) as video:
                    yield from DamageTrackingDecoder(video, log, find).decode(segment)

            try:
                with captured_log() as log:
                    if not intra_only:
                        yield decode_reopened
                        return
                    with self._opened(counts) as video:
                        yield DamageTrackingDecoder(video, log, find).decode
            finally:
                file.add_counts(counts)

        damage = DamageMap(table.restarts, table.pts)
        found = prefetch(
            segments, worker, file.deadline, workers=workers, buffer_size=file.prefetch_frames
        )
        for index, checked in zip(wanted, found, strict=True):
            damaged = None
            if checked.report is not None:
                begins = damage.begins(checked.report)
                since = 0 if begins is None else bisect_left(self._times, begins)
                # A damaged packet can affect frames presented before its own.
                damaged = FrameDamage(checked.report.reason, min(since, index))
            yield checked.frame, damaged

    def locate(self, report: PacketReport) -> FrameDamage:
        """Return where the frames are missing that a report is about."""
        time = self._table.pts[report.index]
        since = 0 if time is None else bisect_left(self._times, time)
        return FrameDamage(f"{MISSING_FRAMES}{describe_reason(report.reason)}", since)

    @contextmanager
    def _opened(
        self, counts: DecodeCounts, threading: str = "SLICE", threads: int = 1, *, reorder: int = 0
    ) -> Iterator[DecoderInput]:
        """Open the file for one decoder, which adds its work to ``counts``."""
        file = self._file
        with file.opened(threading, threads, reorder=reorder) as (container, stream):
            yield DecoderInput(container, stream, self._table, file.name, file.deadline, counts)

    def _is_suspect(self, targets: Sequence[int]) -> bool:
        """Tell if packets that the targets may need were reported, or have unreadable headers."""
        table = self._table
        damage = DamageMap(table.restarts, table.pts)
        for report in table.reports:
            damage.add(report)
        if damage and any(damage.find(target) is not None for target in targets):
            return True
        if not table.suspect:
            return False
        segments = plan_segments(table, targets, min_saved=0)
        needed = (index for segment in segments for index in segment.indices)
        return not frozenset(table.suspect).isdisjoint(needed)
