"""Decoding a whole video to learn which frames it has, where its packets do not say."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from keye_vl_rs._decoding.ahead import run_ahead
from keye_vl_rs._decoding.careful import decode_reporting
from keye_vl_rs._decoding.container import demux
from keye_vl_rs._decoding.damage import DamageMap, Report, Spoilt
from keye_vl_rs._decoding.decoder import decode_all
from keye_vl_rs._decoding.ffmpeg_log import captured_log
from keye_vl_rs._decoding.frame_copy import FrameCopier
from keye_vl_rs._decoding.listing import limited
from keye_vl_rs._decoding.packets import PacketTable
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs.errors import DecodeError, NoFramesError

__all__ = ["CountedFrames", "count_frames"]


@dataclass
class CountedFrames:
    """The frames of a video by their number.

    Attributes:
        timeline: when they are presented.
        ended: what ended the video early, or is missing at its end; None if nothing is.
        gaps: where frames are missing, and why.
    """

    file: VideoFile
    timeline: Timeline
    ended: str | None
    gaps: list[Spoilt]
    _spoilt: dict[int, Spoilt]
    _is_careful: bool

    def find_damage(self, places: Sequence[int]) -> Spoilt | None:
        """Return what spoils the first damaged one of some frames, None if none is."""
        return next((self._spoilt[place] for place in places if place in self._spoilt), None)

    def read(self, wanted: Sequence[int]) -> Iterator[tuple[Any, Spoilt | None]]:
        """Decode everything up to the last of some frames and take them by their number.

        Args:
            wanted: places in the order of presentation, sorted, each once.
        """
        file = self.file
        threads = 1 if self._is_careful else file.threads
        copier = FrameCopier()

        def frames(container: Any, stream: Any) -> Generator[Any, None, None]:
            left = list(reversed(wanted))
            decoded = decode_all(
                container, stream, name=file.name, watch=file.watch, counts=file.counts
            )
            for place, frame in enumerate(decoded):
                if place == left[-1]:
                    yield copier.copy(frame) if self._is_careful else frame
                    left.pop()
                    if not left:
                        return
            raise DecodeError(f"{file.name}: decoding ended before frame {left[-1]}")

        @contextmanager
        def worker() -> Iterator[Callable[[None], Generator[Any, None, None]]]:
            with file.opened("SLICE", threads) as (container, stream):
                yield lambda _: frames(container, stream)

        found = run_ahead([None], worker, file.watch, workers=1, ahead=file.ahead)
        for place, frame in zip(wanted, found, strict=True):
            yield frame, self._spoilt.get(place)


@dataclass
class _Counts:
    """What comes out while all packets are decoded."""

    damage: DamageMap
    times: list[int | None] = field(default_factory=list)
    # For each frame the place of its packet.
    sources: list[int] = field(default_factory=list)


def count_frames(file: VideoFile, table: PacketTable, *, keep_going: bool) -> CountedFrames:
    """List the presented frames by decoding all of them, with one thread.

    Args:
        file: the video.
        table: its packets.
        keep_going: whether what was read before an error of reading is a result.

    Raises:
        DecodeError: reading fails.
        NoFramesError: no frame comes out.
    """
    ended = None
    counts = _Counts(DamageMap(table.restarts, table.pts))
    with captured_log() as log, file.opened() as (container, stream):
        context = stream.codec_context
        context.copy_opaque = True
        codec = context.codec.canonical_name
        packets = demux(container, stream, file.name, file.watch)
        try:
            for place, packet in enumerate(limited(packets, file.limits, file.name)):
                packet.opaque = place
                file.counts.decoded += 1
                frames, reports = decode_reporting(context, packet, log)
                if reports and place < len(table) and table.pictures[place]:
                    counts.damage.add(Report(place, reports[0]))
                _note(counts, frames, place, file)
        except DecodeError as error:
            if not keep_going or not counts.times:
                raise
            ended = str(error)
        frames, reports = decode_reporting(context, None, log)
        _note(counts, frames, len(table) - 1, file)
        times = counts.times
        if not times:
            why = f": {reports[0]}" if reports else ""
            raise NoFramesError(f"{file.name}: no frame of its video stream can be decoded{why}")
        known = [time for time in times if time is not None]
        sorted_ = len(known) == len(times) and all(a < b for a, b in pairwise(known))
        timeline = Timeline.of(
            stream, file.name, len(times), known if sorted_ else None, last_ticks=None
        )
    for place in sorted(frozenset(table.suspect) - frozenset(counts.sources)):
        counts.damage.add(Report(place, "the headers of a packet cannot be read"))
    first: dict[Report, int] = {}
    spoilt = {}
    for place, source in enumerate(counts.sources):
        report = counts.damage.find(source)
        if report is not None:
            spoilt[place] = Spoilt(report.reason, first.setdefault(report, place))
    return CountedFrames(
        file=file,
        timeline=timeline,
        ended=ended or _missing_end(counts, table, timeline, file),
        gaps=_lost_start(counts, table) + (_find_gaps(counts, table) if counts.damage else []),
        _spoilt=spoilt,
        # The frames of a damaged video differ with the number of threads and with what is held of
        # them, and FFmpeg says little of damage to HEVC.
        _is_careful=bool(counts.damage) or codec == "hevc",
    )


def _lost_start(counts: _Counts, table: PacketTable) -> list[Spoilt]:
    """Return that frames are missing in front of the first one, behind a packet without picture."""
    before = range(min(counts.sources))
    lost = any(table.shown[place] for place in before)
    if lost and not all(table.pictures[place] for place in before):
        return [Spoilt("frames are missing: a packet holds no picture", 0)]
    return []


def _find_gaps(counts: _Counts, table: PacketTable) -> list[Spoilt]:
    """Return where damaged packets with pictures gave no frame, in the order of decoding."""
    came = frozenset(counts.sources)
    start = table.restarts[0] if table.restarts else 0
    gaps = []
    for place in range(start, max(came)):
        report = counts.damage.find(place) if place not in came and table.pictures[place] else None
        if report is not None:
            since = next(n for n, source in enumerate(counts.sources) if source > place)
            gaps.append(Spoilt(f"frames are missing: {report.reason}", since))
            break
    return gaps


def _note(counts: _Counts, frames: Sequence[Any], place: int, file: VideoFile) -> None:
    """Add frames that came out when a packet was decoded."""
    for number, frame in enumerate(frames, len(counts.times) + 1):
        if number > file.limits.frames:
            file.limits.check("frames", number, file.name, f"holds {number:,} frames and more")
        source = frame.opaque if isinstance(frame.opaque, int) else place
        if frame.is_corrupt:
            counts.damage.add(Report(source, "the decoder marks the frame as damaged"))
        counts.times.append(frame.pts)
        counts.sources.append(source)


def _missing_end(
    counts: _Counts, table: PacketTable, timeline: Timeline, file: VideoFile
) -> str | None:
    """Say what is missing at the end, if the last packets hold pictures of which no frame came."""
    missing = range(max(counts.sources) + 1, len(table))
    for place in missing:
        report = counts.damage.find(place) if table.pictures[place] else None
        if report is not None:
            until = timeline.seconds(timeline.count - 1)
            return (
                f"{file.name}: is damaged at its end: {report.reason}; its last frame is "
                f"presented at {until:.3f} s"
            )
    return None
