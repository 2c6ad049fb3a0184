"""Read the sampled frames of a video, by the fastest method that gets them right.

It chooses the method, and handles damage. Frames leave it as the decoder returned them, not as RGB.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

from keye_vl_rs._decoding.attempt import Attempt, ReadFrames
from keye_vl_rs._decoding.damage import (
    PARTIAL_HINT,
    Damage,
    DamagedFrameError,
    FrameDamage,
    describe_reason,
    find_damage,
)
from keye_vl_rs._decoding.decoder import UnexpectedFramesError
from keye_vl_rs._decoding.indexed_frames import IndexedFrames
from keye_vl_rs._decoding.sequential_frames import scan_frames
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs._decoding.video_index import VideoIndex, index_video
from keye_vl_rs._util.stack_level import level_of_caller
from keye_vl_rs.errors import (
    ConcealedDamageWarning,
    DecodeError,
    InvalidArgumentError,
    PartialVideoWarning,
)

__all__ = ["OnError", "ReadFrames", "VideoReader"]

logger = logging.getLogger(__name__)

# The buffer of decoded frames; it keeps the consumer supplied while a decoder is at a later part.
_PREFETCH_BYTES = 64 << 20
_MIN_PREFETCH_FRAMES = 2

OnError = Literal["raise", "partial", "conceal"]
# Yields, for each wanted frame, the decoded frame and its damage.
Source = Callable[[Sequence[int]], Iterator[tuple[Any, FrameDamage | None]]]
FindDamage = Callable[[Sequence[int]], FrameDamage | None]
Choose = Callable[[Timeline], list[int]]
Result = TypeVar("Result")
Consume = Callable[[Timeline, list[int], ReadFrames], Result]


@dataclass
class VideoReader:
    """Read the frames of one video.

    Attributes:
        file: the video.
        on_error: what to do with a truncated or damaged video: "raise" raises an error, "partial"
            returns the frames before the damage, "conceal" returns what the decoder makes of it;
            the last two warn.
        damage: the damage in the last result, or None.
        video_index: the packets of the file, once they were listed.
    """

    file: VideoFile
    on_error: OnError = "raise"
    damage: Damage | None = field(default=None, init=False)
    video_index: VideoIndex | None = field(default=None, init=False)

    def read(self, choose: Choose, consume: Consume[Result]) -> Result:
        """Select frames with ``choose``, decode them, and return the result of ``consume``.

        Args:
            choose: as for :meth:`attempts`.
            consume: takes the ``timeline``, the ``indices`` and the function ``read`` of an
                :class:`Attempt`. It is called again, from the start, for another attempt.

        Raises:
            As :meth:`attempts`.
        """
        for attempt in self.attempts(choose):
            with attempt:
                return consume(attempt.timeline, attempt.indices, attempt.read)
        raise AssertionError("the last attempt ends with a result or an error")

    def attempts(self, choose: Choose, *, fast: bool = True) -> Generator[Attempt, None, None]:
        """Select frames with ``choose``, and yield ways to read them, until one succeeds.

        The fastest method decodes first. If it reports damage, or returns other frames than the
        packets announced, the video is decoded again with one thread per decoder. That attributes
        each error to a packet and returns the same frames in every call. An error affects the
        frames from its packet to the next restart.

        Args:
            choose: takes the timeline of each attempt; returns the indices of the wanted frames.
            fast: whether to try the method that cannot say which frames are damaged.

        Raises:
            DecodeError: reading fails, or the video is truncated or damaged.
            NoFramesError: no frame can be decoded.
            UnreadableMediaError: the file is not a video.
            NoVideoStreamError: the file has no video stream.
            LimitError: the video exceeds a limit.
            MediaTimeoutError, CancelledError: the deadline passed, or the call was cancelled.
        """
        file = self.file
        video_index = self.index()
        timeline = video_index.timeline
        if timeline is not None:
            frames = IndexedFrames(file, video_index.table, timeline, video_index.codec)
            gaps = [frames.locate(report) for report in video_index.gaps]
            end: FindDamage | None = None
            if not video_index.end_stated:
                end = partial(find_damage, frames.read_tracking_damage)
            sources: list[Source] = [frames.read_tracking_damage]
            if fast and frames.can_read_fast:
                sources.insert(0, frames.read_fast)
            for source in sources:
                try:
                    yield from self.attempts_with(
                        video_index, timeline, source, gaps, choose, video_index.truncated, end
                    )
                    return
                except UnexpectedFramesError:
                    logger.debug("%s: frames differ from those that packets announce", file.name)
        scanned = scan_frames(file, video_index.table, keep_going=self.on_error != "raise")
        if scanned.ended is not None and self.on_error == "raise":
            raise DecodeError(f"{scanned.ended}; {PARTIAL_HINT}")
        ended = scanned.ended or video_index.truncated
        end = None if video_index.end_stated else scanned.find_damage
        yield from self.attempts_with(
            video_index, scanned.timeline, scanned.read, scanned.gaps, choose, ended, end
        )

    def index(self) -> VideoIndex:
        """List the packets of the file.

        Raises:
            As :meth:`attempts`, except for what only decoding shows.
        """
        file = self.file
        self.video_index = video_index = index_video(file)
        file.counts.packets = len(video_index.table)
        # Assume 8-bit 4:2:0, as most videos are.
        frame_bytes = max(1, video_index.frame_pixels * 3 // 2)
        file.prefetch_frames = max(_MIN_PREFETCH_FRAMES, _PREFETCH_BYTES // frame_bytes)
        if video_index.truncated is not None and self.on_error == "raise":
            raise DecodeError(f"{video_index.truncated}; {PARTIAL_HINT}")
        return video_index

    def attempts_with(
        self,
        video_index: VideoIndex,
        timeline: Timeline,
        source: Source,
        gaps: Sequence[FrameDamage],
        choose: Choose,
        ended: str | None,
        end: FindDamage | None,
    ) -> Generator[Attempt, None, None]:
        """Yield attempts with one source; with "partial", another with fewer frames after damage.

        Args:
            video_index: the index of the video.
            timeline: the frames that the source can read.
            source: reads frames.
            gaps: where frames are missing.
            choose: as for :meth:`attempts`.
            ended: error message if the timeline ends before the video does, or None.
            end: finds damage among some frames, if truncation of the file would go unnoticed; the
                last frames are then checked even if they are not sampled.
        """
        seconds = timeline.duration
        what = f"a video of {seconds:,.0f} seconds"
        self.file.limits.check("duration", seconds, self.file.name, what)
        while True:
            try:
                indices = self._choose(video_index, choose, timeline)
            except InvalidArgumentError as error:
                if ended is None:
                    raise
                raise InvalidArgumentError(f"{error} ({ended})") from error
            damaged: dict[int, FrameDamage] = {}
            gap = next((one for one in gaps if one.since <= indices[-1]), None)
            try:
                if self.on_error != "conceal":
                    self._check_unsampled(timeline, indices, source, gap, end)
                attempt = Attempt(
                    timeline,
                    indices,
                    partial(self._frames, source, timeline, damaged),
                    damaged,
                    ended,
                    partial(self._warn, timeline, indices, damaged, gap, ended),
                )
                yield attempt
                attempt.raise_error()
                return
            except DamagedFrameError as error:
                if self.on_error != "partial" or error.since == 0:
                    raise error.with_choices() from error.__cause__
                timeline, ended = timeline.first(error.since), str(error)

    def _check_unsampled(
        self,
        timeline: Timeline,
        indices: list[int],
        source: Source,
        gap: FrameDamage | None,
        end: FindDamage | None,
    ) -> None:
        """Raise for damage that the sampled frames may not show: a gap, or the end of the file."""
        why = gap
        last = timeline.last_frames()
        if why is None and end is not None and not frozenset(last) <= frozenset(indices):
            why = end(last)
        if why is None:
            return
        # Report the earliest damage; sampled frames may show some before this.
        before = sorted({index for index in indices if index < why.since})
        raise self._error(timeline, (find_damage(source, before) if before else None) or why)

    def _frames(
        self,
        source: Source,
        timeline: Timeline,
        damaged: dict[int, FrameDamage],
        wanted: Sequence[int],
    ) -> Generator[Any, None, None]:
        """Yield the frames of a source; record damaged frames in ``damaged``, or raise."""
        latest = None
        # Damaged frames at the start without any output are shown as the first frame that comes.
        waiting = 0
        for index, (frame, why) in zip(wanted, source(wanted), strict=True):
            if why is not None:
                if self.on_error != "conceal":
                    raise self._error(timeline, why)
                damaged[index] = why
            if frame is None and latest is None:
                waiting += 1
                continue
            latest = latest if frame is None else frame
            for _ in range(waiting + 1):
                yield latest
            waiting = 0
        if waiting:
            reason = next(iter(damaged.values())).reason
            raise DecodeError(
                f"{self.file.name}: none of the sampled frames can be decoded: "
                f"{describe_reason(reason)}"
            )

    def _error(self, timeline: Timeline, why: FrameDamage) -> DamagedFrameError:
        return DamagedFrameError(self._describe(timeline, why), why.since)

    def _describe(self, timeline: Timeline, why: FrameDamage) -> str:
        since = timeline.seconds(why.since)
        return f"{self.file.name} is damaged from {since:.3f} s on: {describe_reason(why.reason)}"

    def _choose(self, video_index: VideoIndex, choose: Choose, timeline: Timeline) -> list[int]:
        indices = choose(timeline)
        pixels = len(indices) * video_index.frame_pixels
        what = f"a sample of {len(indices):,} frames with {pixels:,} pixels"
        self.file.limits.check("sampled_pixels", pixels, self.file.name, what)
        return indices

    def _warn(
        self,
        timeline: Timeline,
        indices: list[int],
        damaged: dict[int, FrameDamage],
        gap: FrameDamage | None,
        ended: str | None,
    ) -> None:
        """Record the damage in a result, and warn about it."""
        self.damage = None
        first = min(damaged, default=None)
        why = gap if first is None or (gap is not None and gap.since <= first) else damaged[first]
        if why is not None:
            frames = tuple(number for number, index in enumerate(indices) if index in damaged)
            text = self._describe(timeline, why)
            self.damage = Damage(text if ended is None else f"{text}; {ended}", frames)
            warnings.warn(
                f"{text}; {len(frames)} of {len(indices)} sampled frames are damaged, and shown as "
                "the decoder conceals them",
                ConcealedDamageWarning,
                stacklevel=level_of_caller(),
            )
        elif ended is not None:
            self.damage = Damage(ended)
        if ended is not None:
            until = timeline.seconds(timeline.count - 1)
            warnings.warn(
                f"{ended}; using only the frames up to {until:.3f} s",
                PartialVideoWarning,
                stacklevel=level_of_caller(),
            )
