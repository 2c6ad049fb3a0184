"""Decode a whole video in order, where its packets do not say which frames it has."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from keye_vl_rs._decoding.container import demux
from keye_vl_rs._decoding.damage import (
    CORRUPT_FRAME,
    MISSING_FRAMES,
    NO_PICTURE,
    UNREADABLE_HEADERS,
    DamageMap,
    FrameDamage,
    PacketReport,
    describe_reason,
)
from keye_vl_rs._decoding.damage_tracking import decode_with_reports
from keye_vl_rs._decoding.decoder import decode_all
from keye_vl_rs._decoding.ffmpeg_log import captured_log
from keye_vl_rs._decoding.frame_copy import FrameCopier
from keye_vl_rs._decoding.packets import PacketTable
from keye_vl_rs._decoding.prefetch import prefetch
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs._decoding.video_index import limit_frames
from keye_vl_rs.errors import DecodeError, NoFramesError

__all__ = ["SequentialFrames", "scan_frames"]


@dataclass
class SequentialFrames:
    """Read the frames of a video, numbered by decoding all of them in order.

    Attributes:
        file: the video.
        timeline: when the frames are presented.
        ended: error message if the end of the video is missing, or None.
        gaps: where frames are missing, and why.
    """

    file: VideoFile
    timeline: Timeline
    ended: str | None
    gaps: list[FrameDamage]
    _damaged: dict[int, FrameDamage]
    _single_threaded: bool

    def find_damage(self, indices: Sequence[int]) -> FrameDamage | None:
        """Return the damage of the first damaged frame among some frames, or None."""
        return next((self._damaged[index] for index in indices if index in self._damaged), None)

    def read(self, wanted: Sequence[int]) -> Iterator[tuple[Any, FrameDamage | None]]:
        """Decode everything up to the last wanted frame, and yield the wanted ones.

        Args:
            wanted: indices in presentation order, sorted, without duplicates.
        """
        file = self.file
        threads = 1 if self._single_threaded else file.threads
        copier = FrameCopier()

        def frames(container: Any, stream: Any) -> Generator[Any, None, None]:
            left = list(reversed(wanted))
            decoded = decode_all(
                container, stream, name=file.name, deadline=file.deadline, counts=file.counts
            )
            for index, frame in enumerate(decoded):
                if index == left[-1]:
                    yield copier.copy(frame) if self._single_threaded else frame
                    left.pop()
                    if not left:
                        return
            raise DecodeError(f"{file.name}: decoding ended before frame {left[-1]}")

        @contextmanager
        def worker() -> Iterator[Callable[[None], Generator[Any, None, None]]]:
            with file.opened("SLICE", threads) as (container, stream):
                yield lambda _: frames(container, stream)

        found = prefetch([None], worker, file.deadline, workers=1, buffer_size=file.prefetch_frames)
        for index, frame in zip(wanted, found, strict=True):
            yield frame, self._damaged.get(index)


@dataclass
class _Counts:
    """Collect the frames and the damage found so far while decoding all packets."""

    damage: DamageMap
    times: list[int | None] = field(default_factory=list)
    # The index of the packet of each frame.
    sources: list[int] = field(default_factory=list)


def scan_frames(file: VideoFile, table: PacketTable, *, keep_going: bool) -> SequentialFrames:
    """Decode all frames with one thread and list them.

    Args:
        file: the video.
        table: its packets.
        keep_going: whether to return the frames before a read error instead of raising it.

    Raises:
        DecodeError: reading fails.
        NoFramesError: no frame can be decoded.
    """
    ended = None
    counts = _Counts(DamageMap(table.restarts, table.pts))
    with captured_log() as log, file.opened() as (container, stream):
        context = stream.codec_context
        context.copy_opaque = True
        codec = context.codec.canonical_name
        packets = demux(container, stream, file.name, file.deadline)
        try:
            for index, packet in enumerate(limit_frames(packets, file.limits, file.name)):
                # PyAV looks this object up by its identity, which all users of the small integers
                # share: once one of them is done with its packet, the others find nothing.
                packet.opaque = [index]
                file.counts.decoded += 1
                frames, reports = decode_with_reports(context, packet, log)
                if reports and index < len(table) and table.pictures[index]:
                    counts.damage.add(PacketReport(index, reports[0]))
                _note(counts, frames, index, file)
        except DecodeError as error:
            if not keep_going or not counts.times:
                raise
            ended = str(error)
        frames, reports = decode_with_reports(context, None, log)
        _note(counts, frames, len(table) - 1, file)
        times = counts.times
        if not times:
            why = f": {reports[0]}" if reports else ""
            raise NoFramesError(f"{file.name}: no frame of the video stream can be decoded{why}")
        known = [time for time in times if time is not None]
        sorted_ = len(known) == len(times) and all(a < b for a, b in pairwise(known))
        timeline = Timeline.of(
            stream, file.name, len(times), known if sorted_ else None, last_ticks=None
        )
    for index in sorted(frozenset(table.suspect) - frozenset(counts.sources)):
        counts.damage.add(PacketReport(index, UNREADABLE_HEADERS))
    first: dict[PacketReport, int] = {}
    damaged = {}
    for index, source in enumerate(counts.sources):
        report = counts.damage.find(source)
        if report is not None:
            damaged[index] = FrameDamage(report.reason, first.setdefault(report, index))
    return SequentialFrames(
        file=file,
        timeline=timeline,
        ended=ended or _missing_end(counts, table, timeline, file),
        gaps=_lost_start(counts, table) + (_find_gaps(counts, table) if counts.damage else []),
        _damaged=damaged,
        # Frames of a damaged video depend on the number of threads and on how long their buffers
        # are held, and FFmpeg reports little of the damage to HEVC.
        _single_threaded=bool(counts.damage) or codec == "hevc",
    )


def _lost_start(counts: _Counts, table: PacketTable) -> list[FrameDamage]:
    """Report missing frames before the first one, after a packet without a picture."""
    before = range(min(counts.sources))
    lost = any(table.shown[index] for index in before)
    if lost and not all(table.pictures[index] for index in before):
        return [FrameDamage(f"{MISSING_FRAMES}{NO_PICTURE}", 0)]
    return []


def _find_gaps(counts: _Counts, table: PacketTable) -> list[FrameDamage]:
    """Return where damaged packets yielded no frame, in decoding order."""
    came = frozenset(counts.sources)
    start = table.restarts[0] if table.restarts else 0
    gaps = []
    for index in range(start, max(came)):
        report = counts.damage.find(index) if index not in came and table.pictures[index] else None
        if report is not None:
            since = next(n for n, source in enumerate(counts.sources) if source > index)
            gaps.append(FrameDamage(f"{MISSING_FRAMES}{describe_reason(report.reason)}", since))
            break
    return gaps


def _note(counts: _Counts, frames: Sequence[Any], index: int, file: VideoFile) -> None:
    """Record the frames that came out when a packet was decoded."""
    for number, frame in enumerate(frames, len(counts.times) + 1):
        if number > file.limits.frames:
            what = f"a video of at least {number:,} frames"
            file.limits.check("frames", number, file.name, what)
        opaque = frame.opaque
        source = index if opaque is None else opaque[0]
        if frame.is_corrupt:
            counts.damage.add(PacketReport(source, CORRUPT_FRAME))
        counts.times.append(frame.pts)
        counts.sources.append(source)


def _missing_end(
    counts: _Counts, table: PacketTable, timeline: Timeline, file: VideoFile
) -> str | None:
    """Return an error message if the last packets contain pictures but yielded no frames."""
    missing = range(max(counts.sources) + 1, len(table))
    for index in missing:
        report = counts.damage.find(index) if table.pictures[index] else None
        if report is not None:
            until = timeline.seconds(timeline.count - 1)
            return (
                f"{file.name} is damaged at its end: {describe_reason(report.reason)}; its last "
                f"frame is presented at {until:.3f} s"
            )
    return None
