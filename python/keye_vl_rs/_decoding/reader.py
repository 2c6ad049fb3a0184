"""One opened video, read as often as it takes to get the sampled frames right."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

from keye_vl_rs._decoding.counted import count_frames
from keye_vl_rs._decoding.damage import (
    FOR_WHAT_IS_THERE,
    Damage,
    DamagedFrameError,
    Spoilt,
    find_damage,
)
from keye_vl_rs._decoding.decoder import UnexpectedFramesError
from keye_vl_rs._decoding.listed import ListedFrames
from keye_vl_rs._decoding.listing import Listing, list_video
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._decoding.video_file import VideoFile
from keye_vl_rs._util.stack_level import level_of_caller
from keye_vl_rs.errors import (
    ConcealedDamageWarning,
    DecodeError,
    InvalidArgumentError,
    PartialVideoWarning,
)

__all__ = ["OnError", "ReadFrames", "VideoReader"]

logger = logging.getLogger(__name__)

# Frames that wait for their user, who then need not wait for a decoder that works at a later part.
_AHEAD_BYTES = 64 << 20
_AHEAD_LEAST = 2
# The packet that was cut is the last one in the order of decoding, whose frame may be presented
# before as many as decoders hold back.
_LAST_FRAMES = 16
# Codecs whose decoders show damage with several threads as well: by an error, a frame that is
# missing, or its mark. Others show it in FFmpeg's log alone, or lose it between threads; and of VP8
# threads make something else of the same damage in every call, without any report.
_REPORTING_WITH_THREADS = frozenset({"av1", "h264", "hevc", "vp9"})

OnError = Literal["raise", "partial", "conceal"]
ReadFrames = Callable[[Sequence[int]], Iterator[Any]]
# Yields for each of some frames what was decoded and what is wrong with it.
Source = Callable[[Sequence[int]], Iterator[tuple[Any, Spoilt | None]]]
FindDamage = Callable[[Sequence[int]], Spoilt | None]
Choose = Callable[[Timeline], list[int]]
Result = TypeVar("Result")
Consume = Callable[[Timeline, list[int], ReadFrames], Result]


@dataclass
class VideoReader:
    """Reads the frames of one video.

    Attributes:
        file: the video.
        on_error: what becomes of a video that is truncated or damaged: "raise" for an error,
            "partial" for what comes before the damage, "conceal" for what the decoder makes of it;
            the last two with a warning.
        damage: what is wrong with the frames of the last result; None if nothing is.
    """

    file: VideoFile
    on_error: OnError = "raise"
    damage: Damage | None = field(default=None, init=False)

    def read(self, choose: Choose, consume: Consume[Result]) -> Result:
        """Let ``consume`` have the frames that ``choose`` picks.

        A report of the decoder spoils the frames from its packet to the next restart. A video is
        first decoded in the fastest way; where anything is reported, or other frames come than the
        packets announce, it is decoded again with one thread a decoder. That tells which packet a
        report is about, and gives the same frames in every call.

        Args:
            choose: is told when frames are presented and gives the places of those that are wanted.
            consume: is told the same, the places, and a function that decodes the frames of some of
                them (sorted, each once) as ``av.VideoFrame``. It is called anew, from the start, if
                frames come out that were not announced, or that are damaged.

        Raises:
            DecodeError, NoFramesError, UnreadableMediaError, NoVideoStreamError: as they say.
            MediaTimeoutError, CancelledError: the deadline has passed; the flag was set.
        """
        file = self.file
        listing = list_video(file)
        file.counts.packets = len(listing.table)
        # 4:2:0 with 8 bits, as most are.
        frame_bytes = max(1, listing.frame_pixels * 3 // 2)
        file.ahead = max(_AHEAD_LEAST, _AHEAD_BYTES // frame_bytes)
        if listing.truncated is not None and self.on_error == "raise":
            raise DecodeError(f"{listing.truncated}; {FOR_WHAT_IS_THERE}")
        timeline = listing.timeline
        if timeline is not None:
            frames = ListedFrames(file, listing.table, timeline, listing.codec)
            gaps = [frames.locate(report) for report in listing.gaps]
            end: FindDamage | None = None
            if not listing.end_stated:
                end = partial(find_damage, frames.read_carefully)
            ways: list[Source] = [frames.read_carefully]
            if listing.codec in _REPORTING_WITH_THREADS:
                ways.insert(0, frames.read_fast)
            for way in ways:
                try:
                    return self._consume(
                        listing, timeline, way, gaps, choose, consume, listing.truncated, end
                    )
                except UnexpectedFramesError:
                    logger.debug("%s: other frames come than its packets announce", file.name)
        counted = count_frames(file, listing.table, keep_going=self.on_error != "raise")
        if counted.ended is not None and self.on_error == "raise":
            raise DecodeError(f"{counted.ended}; {FOR_WHAT_IS_THERE}")
        ended = counted.ended or listing.truncated
        end = None if listing.end_stated else counted.find_damage
        return self._consume(
            listing,
            counted.timeline,
            counted.read,
            counted.gaps,
            choose,
            consume,
            ended,
            end,
        )

    def _consume(
        self,
        listing: Listing,
        timeline: Timeline,
        source: Source,
        gaps: Sequence[Spoilt],
        choose: Choose,
        consume: Consume[Result],
        ended: str | None,
        end: FindDamage | None,
    ) -> Result:
        """Let ``consume`` have frames of a source, and fewer frames until none is damaged.

        ``gaps`` are where frames are missing; ``ended`` says why the timeline ends before the video
        does, None if it does not. ``end``, if the file may end too early without a word, tells what
        spoils some frames; the last ones are looked at also where none is sampled.
        """
        self._check_duration(timeline)
        while True:
            try:
                places = self._choose(listing, choose, timeline)
            except InvalidArgumentError as error:
                if ended is None:
                    raise
                raise InvalidArgumentError(f"{error} ({ended})") from error
            spoilt: dict[int, Spoilt] = {}
            gap = next((one for one in gaps if one.since <= places[-1]), None)
            try:
                if self.on_error != "conceal":
                    self._check_unsampled(timeline, places, source, gap, end)
                read = partial(self._frames, source, timeline, spoilt)
                result = consume(timeline, places, read)
            except DamagedFrameError as damaged:
                if self.on_error != "partial" or damaged.since == 0:
                    raise damaged.with_choices() from damaged.__cause__
                timeline, ended = timeline.first(damaged.since), str(damaged)
                continue
            self._tell(timeline, places, spoilt, gap, ended)
            return result

    def _check_unsampled(
        self,
        timeline: Timeline,
        places: list[int],
        source: Source,
        gap: Spoilt | None,
        end: FindDamage | None,
    ) -> None:
        """Raise for damage that no sampled frame may show: a gap, or the end of the file."""
        why = gap
        last = range(max(0, timeline.count - _LAST_FRAMES), timeline.count)
        if why is None and end is not None and not frozenset(last) <= frozenset(places):
            why = end(last)
        if why is None:
            return
        # Damage is told from where it begins, and sampled frames may show some before.
        before = sorted({place for place in places if place < why.since})
        raise self._error(timeline, (find_damage(source, before) if before else None) or why)

    def _frames(
        self, source: Source, timeline: Timeline, spoilt: dict[int, Spoilt], wanted: Sequence[int]
    ) -> Iterator[Any]:
        """Yield the frames of a source; note damaged ones in ``spoilt``, or raise."""
        latest = None
        # Damaged frames at the start of which nothing came out are shown as the first that did.
        waiting = 0
        for place, (frame, why) in zip(wanted, source(wanted), strict=True):
            if why is not None:
                if self.on_error != "conceal":
                    raise self._error(timeline, why)
                spoilt[place] = why
            if frame is None and latest is None:
                waiting += 1
                continue
            latest = latest if frame is None else frame
            for _ in range(waiting + 1):
                yield latest
            waiting = 0
        if waiting:
            reason = next(iter(spoilt.values())).reason
            raise DecodeError(f"{self.file.name}: no sampled frame can be decoded: {reason}")

    def _error(self, timeline: Timeline, why: Spoilt) -> DamagedFrameError:
        return DamagedFrameError(self._describe(timeline, why), why.since)

    def _describe(self, timeline: Timeline, why: Spoilt) -> str:
        since = timeline.seconds(why.since)
        return f"{self.file.name}: is damaged from {since:.3f} s on: {why.reason}"

    def _choose(self, listing: Listing, choose: Choose, timeline: Timeline) -> list[int]:
        places = choose(timeline)
        pixels = len(places) * listing.frame_pixels
        what = f"{len(places):,} sampled frames have {pixels:,} pixels"
        self.file.limits.check("sampled_pixels", pixels, self.file.name, what)
        return places

    def _check_duration(self, timeline: Timeline) -> None:
        seconds = timeline.duration
        what = f"is of {seconds:,.0f} seconds"
        self.file.limits.check("duration", seconds, self.file.name, what)

    def _tell(
        self,
        timeline: Timeline,
        places: list[int],
        spoilt: dict[int, Spoilt],
        gap: Spoilt | None,
        ended: str | None,
    ) -> None:
        """Record what is wrong with a result, and warn of it."""
        self.damage = None
        first = min(spoilt, default=None)
        why = gap if first is None or (gap is not None and gap.since <= first) else spoilt[first]
        if why is not None:
            frames = tuple(number for number, place in enumerate(places) if place in spoilt)
            text = self._describe(timeline, why)
            self.damage = Damage(text if ended is None else f"{text}; {ended}", frames)
            warnings.warn(
                f"{text}: {len(frames)} of {len(places)} sampled frames are what the decoder makes "
                "of it",
                ConcealedDamageWarning,
                stacklevel=level_of_caller(),
            )
        elif ended is not None:
            self.damage = Damage(ended)
        if ended is not None:
            until = timeline.seconds(timeline.count - 1)
            warnings.warn(
                f"{ended}: only what is presented up to {until:.3f} s is used",
                PartialVideoWarning,
                stacklevel=level_of_caller(),
            )
