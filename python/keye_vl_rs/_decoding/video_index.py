"""Index the packets of a video in one pass over the file, without decoding."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.container import demux
from keye_vl_rs._decoding.damage import PacketReport, describe_reason
from keye_vl_rs._decoding.ffmpeg_log import CapturedLog, captured_log
from keye_vl_rs._decoding.missing_frames import (
    GAP_FACTOR,
    OGG_CRC_MISMATCH,
    PACKET_WARNINGS,
    FrameIntervals,
    find_gaps,
)
from keye_vl_rs._decoding.packets import PacketTable, list_packets
from keye_vl_rs._decoding.stream_info import StreamInfo
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.truncation import find_truncation

if TYPE_CHECKING:
    from keye_vl_rs._decoding.video_file import VideoFile
    from keye_vl_rs.limits import Limits

__all__ = ["VideoIndex", "index_video", "limit_frames"]

logger = logging.getLogger(__name__)

# Formats of recorded broadcasts, by FFmpeg's names.
_RECORDINGS = frozenset({"mpeg", "mpegts"})
# Formats that do not state the length of a file, by FFmpeg's names: truncation shows only when the
# last frames are decoded.
_END_UNSTATED = frozenset(
    {"asf", "gif", "h263", "h264", "hevc", "m4v", "mjpeg", "mpeg", "mpegvideo", "nut", "obu", "vc1"}
)
# FFmpeg's log levels.
_ERROR = 16
_WARNING = 24


@dataclass(frozen=True)
class VideoIndex:
    """Hold the result of reading all packets of a video.

    Attributes:
        table: the packets.
        timeline: when their frames are presented; None if a packet has no timestamp.
        announced: the timeline; where there is none, an estimate of it from the number of packets
            and the stated frame rate.
        truncated: error message that says what is missing at the end of the file, or None.
        gaps: reports of the demuxer next to which frames are missing.
        frame_pixels: width times height.
        stream: what the file says about the stream.
        end_stated: False for formats that do not state where a file ends.
    """

    table: PacketTable
    timeline: Timeline | None
    announced: Timeline
    truncated: str | None
    gaps: list[PacketReport]
    frame_pixels: int
    stream: StreamInfo
    end_stated: bool

    @property
    def codec(self) -> str:
        """Return FFmpeg's name of the codec."""
        return self.stream.codec


def index_video(file: VideoFile) -> VideoIndex:
    """Open a video and read all packets of its stream.

    Raises:
        DecodeError: reading fails.
        LimitError: there are more packets than ``limits.frames``.
        MediaTimeoutError, CancelledError: the deadline passed, or the call was cancelled.
    """
    # FFmpeg reads much of a file while opening it, so capture the log from the start.
    with captured_log() as log, file.opened() as (container, stream):
        opening = _about_packets(log, container.format.name)
        lost: list[PacketReport] = []
        packets = limit_frames(
            demux(container, stream, file.name, file.deadline), file.limits, file.name
        )
        table = list_packets(
            _reporting(packets, container.format.name, log, lost), stream, sparse=file.sparse
        )
        return _build_index(file, container, stream, table, opening, lost)


def _build_index(
    file: VideoFile,
    container: Any,
    stream: Any,
    table: PacketTable,
    opening: list[str],
    lost: list[PacketReport],
) -> VideoIndex:
    """Interpret the packets and the demuxer's log."""
    name = file.name
    if container.format.name in _RECORDINGS:
        _hide_head(table, name)
    if container.format.name == "obu" and table.pictures and not table.pictures[-1]:
        # FFmpeg drops the unit that is cut off, without a word.
        table.damaged_tail = True
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
    last_words = next((report.reason for report in lost if report.index >= len(table)), None)
    if (
        truncated is None
        and times
        and last_words is not None
        and (last_words.startswith(OGG_CRC_MISMATCH) or _ends_early(container, stream, times))
    ):
        truncated = f"the rest cannot be read: {describe_reason(last_words)}"
    gaps: list[PacketReport] = []
    if times is not None:
        gaps = find_gaps(FrameIntervals(times, stream.time_base), table, lost, opening)
        # Frames after the gap may refer to missing ones.
        table = replace(table, reports=table.reports + gaps)
        if truncated is not None:
            # The last frames in decoding order may be missing among the last ones in presentation
            # order.
            times = times[: max(1, len(times) - table.reorder)]
    timeline = None
    if times is not None:
        is_recording = container.format.name in _RECORDINGS
        has_gap = is_recording and FrameIntervals(times, stream.time_base).has_jump()
        timeline = Timeline.of(stream, name, len(times), times, table.last_ticks, has_gap=has_gap)
    if truncated is not None:
        until = timeline.seconds(timeline.count - 1) if timeline is not None else 0.0
        truncated = (
            f"{name} is truncated: {truncated}; its last whole frame is presented at {until:.3f} s"
        )
    return VideoIndex(
        table=table,
        timeline=timeline,
        announced=timeline
        or Timeline.of(stream, name, max(1, sum(table.shown)), None, last_ticks=None),
        truncated=truncated,
        gaps=gaps,
        frame_pixels=stream.width * stream.height,
        stream=StreamInfo.of(container, stream),
        end_stated=container.format.name not in _END_UNSTATED,
    )


def _hide_head(table: PacketTable, name: str) -> None:
    """Hide the frames before the first packet at which decoding can start.

    A recording of a broadcast can begin anywhere. Unreadable packets there are left to be reported.
    """
    first = table.restarts[0] if table.restarts else 0
    if first == 0 or (table.suspect and table.suspect[0] <= first):
        return
    start = table.pts[first]
    for index, time in enumerate(table.pts):
        # Leading pictures refer to missing ones.
        if index < first or (time is not None and start is not None and time < start):
            table.shown[index] = False
    logger.warning(
        "%s begins in the middle of a group of pictures; skipping its first %d, which cannot be "
        "decoded",
        *(name, first),
    )


def limit_frames(items: Iterator[Any], limits: Limits, name: str) -> Iterator[Any]:
    """Yield the given frames or packets; raise LimitError after ``limits.frames`` of them."""
    for number, item in enumerate(items, 1):
        if number > limits.frames:
            limits.check("frames", number, name, f"a video of at least {number:,} frames")
        yield item


def _reporting(
    packets: Iterator[Any], format_name: str, log: CapturedLog, lost: list[PacketReport]
) -> Iterator[Any]:
    """Yield the packets, and collect what the demuxer logs before each of them in ``lost``."""
    index = -1
    for index, packet in enumerate(packets):
        lost.extend(PacketReport(index, text) for text in _about_packets(log, format_name))
        yield packet
    lost.extend(PacketReport(index + 1, text) for text in _about_packets(log, format_name))


def _about_packets(log: CapturedLog, format_name: str) -> list[str]:
    """Return the demuxer's log messages about lost or damaged packets."""
    return [
        line.text
        for line in log.take()
        # Files that end within a frame are detected by their length.
        if line.name in (format_name, "") and "partial" not in line.text
        # Most warnings concern other streams or harmless oddities of files.
        if line.level <= _ERROR
        or (line.level <= _WARNING and any(words in line.text for words in PACKET_WARNINGS))
    ]


def _ends_early(container: Any, stream: Any, times: list[int]) -> bool:
    """Tell if a file states a longer duration than its frames have, or none."""
    if container.duration is None or len(times) < 2:
        return True
    origin = Fraction(container.start_time or 0, 1_000_000)
    step = Fraction(times[-1] - times[0], len(times) - 1) * stream.time_base
    missing = Fraction(container.duration, 1_000_000) + origin - times[-1] * stream.time_base
    # Audio may last longer.
    return bool(missing > GAP_FACTOR * step + (1 if len(container.streams) > 1 else step))
