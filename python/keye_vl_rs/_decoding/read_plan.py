"""Plan which frames and packets of a video would be read, without decoding any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._decoding.damage import Damage, FrameDamage
from keye_vl_rs._decoding.decoder import UnexpectedFramesError
from keye_vl_rs._decoding.indexed_frames import IndexedFrames
from keye_vl_rs._decoding.reader import Choose, VideoReader
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_index import VideoIndex
from keye_vl_rs.errors import NoFramesError

__all__ = ["ReadPlan", "plan_reading"]

# AVI states the order of decoding. For codecs with frames in another order of presentation, its
# timestamps are not those of the frames.
_WITH_B_FRAMES = frozenset({"h264", "hevc"})


@dataclass(frozen=True)
class ReadPlan:
    """Hold what :meth:`VideoReader.read` would read of a video, as its packets announce it.

    Attributes:
        index: the packets, and what the file says about the stream.
        timeline: the frames that were chosen from.
        indices: the indices of the chosen frames, sorted, possibly with repeats.
        packets_needed: number of packets to decode, each counted once.
        damage: what is known to be damaged or missing, or None.
        frames_are_certain: whether packets say which frames there are. If not, only decoding does,
            and ``timeline`` is an estimate.
        packets_are_certain: whether ``packets_needed`` is what a reader decodes first; it decodes
            more if it finds damage, or other frames than the packets announce.
    """

    index: VideoIndex
    timeline: Timeline
    indices: list[int]
    packets_needed: int
    damage: Damage | None
    frames_are_certain: bool
    packets_are_certain: bool


def plan_reading(reader: VideoReader, choose: Choose) -> ReadPlan:
    """Choose frames like :meth:`VideoReader.read`, and find the packets that they need.

    Args:
        reader: the reader of a video; with ``on_error="partial"`` or "conceal", it warns about
            damage that is known without decoding.
        choose: as for :meth:`VideoReader.read`.

    Raises:
        As :meth:`VideoReader.read`, except for what only decoding shows.
    """
    index = reader.index()
    table = index.table
    # The only packet of a truncated file may still be decoded.
    if not any(table.shown) and index.truncated is None:
        raise NoFramesError(f"{reader.file.name}: no packet of the video stream has a picture")
    frames, gaps = None, []
    if index.timeline is not None:
        frames = IndexedFrames(reader.file, table, index.timeline, index.codec)
        gaps = [frames.locate(report) for report in index.gaps]

    timeline, indices = _choose(reader, index, gaps, choose)
    needed = range(len(table)) if frames is None else _find_needed(reader, index, frames, indices)
    return ReadPlan(
        index=index,
        timeline=timeline,
        indices=indices,
        packets_needed=len(needed),
        damage=reader.damage,
        frames_are_certain=frames is not None,
        packets_are_certain=not (
            frames is None
            or reader.file.sparse
            or table.suspect
            or table.reports
            or (index.stream.container == "avi" and index.codec in _WITH_B_FRAMES)
        ),
    )


def _choose(
    reader: VideoReader, index: VideoIndex, gaps: Sequence[FrameDamage], choose: Choose
) -> tuple[Timeline, list[int]]:
    """Return the timeline that an attempt to read would have, and the indices chosen from it."""
    for attempt in reader.attempts_with(
        index, index.announced, _undecoded, gaps, choose, index.truncated, None
    ):
        with attempt:
            return attempt.timeline, attempt.indices
    raise AssertionError("an attempt without frames does not fail")


def _undecoded(wanted: Sequence[int]) -> Iterator[tuple[Any, None]]:
    """Yield nothing in place of each frame: a source whose frames nobody looks at."""
    return ((None, None) for _ in wanted)


def _find_needed(
    reader: VideoReader, index: VideoIndex, frames: IndexedFrames, indices: Sequence[int]
) -> set[int]:
    """Return the packets to decode for some frames, and to notice a truncated file."""
    wanted = sorted(set(indices))
    try:
        needed = frames.find_needed(wanted, fast=frames.can_read_fast)
    except UnexpectedFramesError:
        needed = frames.find_needed(wanted, fast=False)
    last = index.announced.last_frames()
    if not index.end_stated and reader.on_error != "conceal" and not {*last} <= {*wanted}:
        needed |= frames.find_needed(last, fast=False)
    return needed
