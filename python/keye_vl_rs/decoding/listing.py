"""Listing the packets of a video: one pass over the file without decoding."""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from keye_vl_rs.decoding.container import demux
from keye_vl_rs.decoding.damage import Report
from keye_vl_rs.decoding.ffmpeg_log import CapturedLog, captured_log
from keye_vl_rs.decoding.packets import PacketTable, list_packets
from keye_vl_rs.decoding.timeline import Timeline
from keye_vl_rs.decoding.truncation import find_truncation

if TYPE_CHECKING:
    from keye_vl_rs.decoding.video_file import VideoFile
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
# A recording jumps where frames are further apart than so many seconds, and than so many of its
# usual steps: where reception broke off, or recordings were joined.
_JUMP_S = 1
_JUMP_STEPS = 10
# FFmpeg's levels of an error and of a warning.
_ERROR = 16
_WARNING = 24
# A step between two frames that is longer than the usual one by more than this shows that frames
# are missing between them.
_GAP = 1.5
# Frames on each side of a report among which the gap is looked for, beside those that wait to be
# put in order.
_NEIGHBOURS = 2
# Warnings that packets are damaged or lost: of MPEG transport streams, and of MXF.
_WARNINGS = ("Packet corrupt", "sync lost")
# What leaves no gap, since other packets get the times of those that are lost: a page of Ogg.
_LOST_PAGE = "CRC mismatch"
# Nor does a packet that is cut.
_WITHOUT_GAP = (_LOST_PAGE, "Truncating packet")
# Where more of the steps are that long, the rate varies, and they show nothing.
_MOST_GAPS = 0.05


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
    if truncated is None and times:
        last_words = next((report.reason for report in lost if report.place >= len(table)), "")
        is_cut = last_words.startswith(_LOST_PAGE) or _ends_early(container, stream, times)
        if last_words and is_cut:
            truncated = f"what follows cannot be read: {last_words}"
    gaps: list[Report] = []
    if times is not None:
        gaps = _with_gaps(lost, table, times, stream.time_base) + _without_pictures(table, times)
        if opening and not gaps:
            gaps = _gap_of_opening(opening[0], table, times, stream.time_base)
        # What comes behind the gap may refer to what is missing there.
        table = replace(table, reports=table.reports + gaps)
        if truncated is not None:
            # Of what is presented before the last ones, something may be missing.
            times = times[: max(1, len(times) - table.reorder)]
    timeline = None
    if times is not None:
        has_gap = container.format.name in _RECORDINGS and _jumps(times, stream.time_base)
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


def _jumps(times: list[int], tick: Fraction) -> bool:
    """Tell if there is a step between frames that no frame rate explains."""
    steps = [after - before for before, after in pairwise(times)]
    longest = max(steps, default=0)
    return longest * tick > _JUMP_S and longest > _JUMP_STEPS * median(steps)


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
        or (line.level <= _WARNING and any(words in line.text for words in _WARNINGS))
    ]


def _ends_early(container: Any, stream: Any, times: list[int]) -> bool:
    """Tell if a file states a longer duration than its frames have, or none at all."""
    if container.duration is None or len(times) < 2:
        return True
    origin = Fraction(container.start_time or 0, 1_000_000)
    step = Fraction(times[-1] - times[0], len(times) - 1) * stream.time_base
    missing = Fraction(container.duration, 1_000_000) + origin - times[-1] * stream.time_base
    # Sound may last longer.
    return bool(missing > _GAP * step + (1 if len(container.streams) > 1 else step))


def _with_gaps(
    lost: list[Report], table: PacketTable, times: list[int], tick: Fraction
) -> list[Report]:
    """Return those of the reports beside which frames are missing.

    What the reader of a container cannot read may belong to another stream, or to none.
    """
    if not lost or len(times) < 2:
        return []
    steps = [after - before for before, after in pairwise(times)]
    longest = _GAP * median(steps)
    reach = table.reorder + _NEIGHBOURS
    found = []
    for report in lost:
        if report.place >= len(table):
            continue
        time = table.pts[report.place]
        near = bisect_left(times, time) if time is not None else 0
        gap = max(steps[max(0, near - reach) : near + reach], default=0)
        is_lost = gap > longest and not _is_jump(report.reason, gap * tick)
        if is_lost or report.reason.startswith(_WITHOUT_GAP):
            found.append(report)
    return found


def _gap_of_opening(
    text: str, table: PacketTable, times: list[int], tick: Fraction
) -> list[Report]:
    """Return a report on the first gap, for what was said before any packet was listed."""
    steps = [after - before for before, after in pairwise(times)]
    longest = _GAP * median(steps) if steps else 0
    gaps = [place for place, step in enumerate(steps) if step > longest]
    if not gaps or len(gaps) > max(1, _MOST_GAPS * len(steps)):
        return []
    if _is_jump(text, steps[gaps[0]] * tick):
        return []
    return [Report(table.place_of[times[gaps[0] + 1]], text)]


def _is_jump(text: str, seconds: Fraction) -> bool:
    """Tell where reception broke off, or recordings were joined: what is there is whole."""
    return text.startswith(_WARNINGS) and seconds > _JUMP_S


def _without_pictures(table: PacketTable, times: list[int]) -> list[Report]:
    """Return reports on packets that hold no picture where one is missing.

    Damage to the header of a picture makes something else of it. What was never a picture leaves no
    gap, or lies behind the last one.
    """
    if all(table.pictures):
        return []
    first = table.pictures.index(True) if any(table.pictures) else len(table)
    # Pictures come before the first place where decoding can start.
    lacks_start = bool(table.restarts) and first < table.restarts[0]
    steps = [after - before for before, after in pairwise(times)]
    longest = _GAP * median(steps) if steps else 0
    found = []
    for place, time in enumerate(table.pts):
        if table.pictures[place] or time is None:
            continue
        at = bisect_left(times, time)
        in_gap = 0 < at < len(times) and times[at] - times[at - 1] > longest
        if in_gap or (place < first and lacks_start):
            found.append(Report(place, "a packet holds no picture"))
    return found
