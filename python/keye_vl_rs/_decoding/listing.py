"""Listing the packets of a video: one pass over the file without decoding."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.container import demux
from keye_vl_rs._decoding.damage import Report
from keye_vl_rs._decoding.ffmpeg_log import CapturedLog, captured_log
from keye_vl_rs._decoding.gaps import GAP, LOST_PAGE, PACKET_WARNINGS, Steps, find_gaps
from keye_vl_rs._decoding.packets import PacketTable, list_packets
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.truncation import find_truncation

if TYPE_CHECKING:
    from keye_vl_rs._decoding.video_file import VideoFile
    from keye_vl_rs.limits import Limits

__all__ = ["Listing", "limited", "list_video"]

logger = logging.getLogger(__name__)

# Formats of what was recorded from a broadcast, by FFmpeg's names.
_RECORDINGS = frozenset({"mpeg", "mpegts"})
# Formats in which nothing says how long a file is, by FFmpeg's names: where one was cut shows only
# when its last frames are decoded.
_END_UNSTATED = frozenset(
    {"asf", "gif", "h263", "h264", "hevc", "m4v", "mjpeg", "mpeg", "mpegvideo", "nut", "obu", "vc1"}
)
# FFmpeg's levels of an error and of a warning.
_ERROR = 16
_WARNING = 24


@dataclass(frozen=True)
class Listing:
    """What a video's packets say.

    Attributes:
        table: the packets.
        timeline: when their frames are presented; None unless all packets say so.
        truncated: what is missing at the end of the file, for an error message; None if nothing is.
        gaps: reports of the container's reader beside which frames are missing.
        frame_pixels: width times height.
        codec: FFmpeg's name.
        end_stated: False for a format that says nowhere where a file of it ends.
    """

    table: PacketTable
    timeline: Timeline | None
    truncated: str | None
    gaps: list[Report]
    frame_pixels: int
    codec: str
    end_stated: bool


def list_video(file: VideoFile) -> Listing:
    """Open a video and read all packets of its stream.

    Raises:
        DecodeError: reading fails.
        LimitError: there are more packets than ``limits.frames``.
        MediaTimeoutError, CancelledError: as ``watch`` says.
    """
    # Much of a file is read while it is opened.
    with captured_log() as log, file.opened() as (container, stream):
        opening = _about_packets(log, container.format.name)
        lost: list[Report] = []
        packets = limited(demux(container, stream, file.name, file.watch), file.limits, file.name)
        table = list_packets(_reporting(packets, container.format.name, log, lost), stream)
        return _listing(file, container, stream, table, opening, lost)


def _listing(
    file: VideoFile,
    container: Any,
    stream: Any,
    table: PacketTable,
    opening: list[str],
    lost: list[Report],
) -> Listing:
    """Say what packets mean, and what the container's reader said of them."""
    name = file.name
    if container.format.name in _RECORDINGS:
        _hide_head(table, name)
    truncated = find_truncation(
        file.media,
        container.format.name,
        complete=stream.frames <= len(table),
        damaged_tail=table.damaged_tail,
        frame_bytes=table.sizes[0] if table.sizes else 0,
        last_byte=table.last_byte,
    )
    if truncated is not None and (table.damaged_tail or container.format.name == "mpegts"):
        table = table.without_last()
    times = table.shown_times
    last_words = next((report.reason for report in lost if report.place >= len(table)), None)
    if (
        truncated is None
        and times
        and last_words is not None
        and (last_words.startswith(LOST_PAGE) or _ends_early(container, stream, times))
    ):
        truncated = f"what follows cannot be read: {last_words}"
    gaps: list[Report] = []
    if times is not None:
        gaps = find_gaps(Steps(times, stream.time_base), table, lost, opening)
        # What comes behind the gap may refer to what is missing there.
        table = replace(table, reports=table.reports + gaps)
        if truncated is not None:
            # Of what is presented before the last ones, something may be missing.
            times = times[: max(1, len(times) - table.reorder)]
    timeline = None
    if times is not None:
        is_recording = container.format.name in _RECORDINGS
        has_gap = is_recording and Steps(times, stream.time_base).has_jump()
        timeline = Timeline.of(stream, name, len(times), times, table.last_ticks, has_gap=has_gap)
    if truncated is not None:
        until = timeline.seconds(timeline.count - 1) if timeline is not None else 0.0
        truncated = (
            f"{name}: is truncated: {truncated}; its last whole frame is presented at {until:.3f} s"
        )
    codec = stream.codec_context.codec.canonical_name
    return Listing(
        table=table,
        timeline=timeline,
        truncated=truncated,
        gaps=gaps,
        frame_pixels=stream.width * stream.height,
        codec=codec,
        end_stated=container.format.name not in _END_UNSTATED,
    )


def _hide_head(table: PacketTable, name: str) -> None:
    """Announce no frames for what comes before the first place where decoding can start.

    A recording of a broadcast begins anywhere. What cannot be read there is left to be reported.
    """
    first = table.restarts[0] if table.restarts else 0
    if first == 0 or (table.suspect and table.suspect[0] <= first):
        return
    start = table.pts[first]
    for place, time in enumerate(table.pts):
        # Pictures that are presented before that place refer to what is missing.
        if place < first or (time is not None and start is not None and time < start):
            table.shown[place] = False
    logger.warning(
        "%s: begins in the middle of a group of pictures: its first %d cannot be decoded",
        *(name, first),
    )


def limited(items: Iterator[Any], limits: Limits, name: str) -> Iterator[Any]:
    """Yield the same frames, or packets of frames, while there are not too many."""
    for number, item in enumerate(items, 1):
        if number > limits.frames:
            limits.check("frames", number, name, f"holds {number:,} frames and more")
        yield item


def _reporting(
    packets: Iterator[Any], format_name: str, log: CapturedLog, lost: list[Report]
) -> Iterator[Any]:
    """Yield the same packets, and note what the container's reader logs before each of them."""
    place = -1
    for place, packet in enumerate(packets):
        lost.extend(Report(place, text) for text in _about_packets(log, format_name))
        yield packet
    lost.extend(Report(place + 1, text) for text in _about_packets(log, format_name))


def _about_packets(log: CapturedLog, format_name: str) -> list[str]:
    """Return what the container's reader logged of packets that are lost or damaged."""
    return [
        line.text
        for line in log.take()
        # A file that ends within a frame is found by its length.
        if line.name in (format_name, "") and "partial" not in line.text
        # Most warnings are about all kinds of streams and files.
        if line.level <= _ERROR
        or (line.level <= _WARNING and any(words in line.text for words in PACKET_WARNINGS))
    ]


def _ends_early(container: Any, stream: Any, times: list[int]) -> bool:
    """Tell if a file states a longer duration than its frames have, or none at all."""
    if container.duration is None or len(times) < 2:
        return True
    origin = Fraction(container.start_time or 0, 1_000_000)
    step = Fraction(times[-1] - times[0], len(times) - 1) * stream.time_base
    missing = Fraction(container.duration, 1_000_000) + origin - times[-1] * stream.time_base
    # Sound may last longer.
    return bool(missing > GAP * step + (1 if len(container.streams) > 1 else step))
