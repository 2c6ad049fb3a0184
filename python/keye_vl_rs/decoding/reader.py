"""One opened video, read as often as it takes to get the sampled frames right."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Literal, TypeVar

from keye_vl_rs.decoding.ahead import run_ahead
from keye_vl_rs.decoding.container import demux, open_video
from keye_vl_rs.decoding.decoder import (
    DecodeCounts,
    SegmentDecoder,
    UnexpectedFramesError,
    decode_all,
)
from keye_vl_rs.decoding.packets import PacketTable, list_packets
from keye_vl_rs.decoding.plan import Segment, can_share, plan_segments
from keye_vl_rs.decoding.timeline import Timeline
from keye_vl_rs.decoding.truncation import find_truncation
from keye_vl_rs.errors import DecodeError, NoFramesError, PartialVideoWarning
from keye_vl_rs.limits import Limits, current_limits

if TYPE_CHECKING:
    from keye_vl_rs.watch import Watch

__all__ = ["OnError", "ReadFrames", "VideoReader"]

logger = logging.getLogger(__name__)

# Decoders side by side keep cores busy where the frame threads of one wait for each other: a minute
# of 1080p takes 3.5 instead of 4.1 s on two cores. Each holds a dozen frames.
_DECODERS = 2
# Frames that wait for their user, who then need not wait for a decoder that works at a later part.
_AHEAD_BYTES = 64 << 20
_AHEAD_LEAST = 2

OnError = Literal["raise", "partial"]
ReadFrames = Callable[[Sequence[int]], Iterator[Any]]
Result = TypeVar("Result")
Frames = Generator[Any, None, None]


@dataclass
class VideoReader:
    """Reads the frames of one video.

    Attributes:
        media: a path, or an open file that can seek.
        name: what errors call it.
        watch: the deadline and the cancel flag.
        threads: of the decoder.
        on_error: what becomes of a video of which not all can be read: an error, or what comes
            before the damage with a :class:`PartialVideoWarning`.
        limits: what the video may ask for; those of the call that makes this object.
        counts: what reading took so far.
    """

    media: str | IO[bytes]
    name: str
    watch: Watch
    threads: int
    on_error: OnError = "raise"
    limits: Limits = field(default_factory=current_limits)
    counts: DecodeCounts = field(default_factory=DecodeCounts)
    _counting: Lock = field(default_factory=Lock, init=False, repr=False)
    _frame_pixels: int = field(default=0, init=False, repr=False)
    _ahead: int = field(default=1, init=False, repr=False)

    def read(
        self,
        choose: Callable[[Timeline], list[int]],
        consume: Callable[[Timeline, list[int], ReadFrames], Result],
    ) -> Result:
        """Let ``consume`` have the frames that ``choose`` picks.

        Args:
            choose: is told when frames are presented and gives the places of those that are wanted.
            consume: is told the same, the places, and a function that decodes the frames of some of
                them (sorted, each once) as ``av.VideoFrame``. It is called anew, from the start, if
                frames come out that were not announced.

        Raises:
            DecodeError, NoFramesError, UnreadableMediaError, NoVideoStreamError: as they say.
            MediaTimeoutError, CancelledError: the deadline has passed; the flag was set.
        """
        table, timeline, damage = self._list()
        if damage is not None and self.on_error == "raise":
            raise DecodeError(damage)
        if timeline is not None:
            places = self._choose(choose, timeline)
            for needed_only in (True, False):
                read = self._by_packets(table, timeline, needed_only=needed_only)
                try:
                    result = consume(timeline, places, read)
                except UnexpectedFramesError:
                    logger.debug("%s: other frames come than its packets announce", self.name)
                except DecodeError as error:
                    # A decoder that misses what was left out may say the same as at a damage.
                    logger.debug("%s", error)
                    if not needed_only:
                        if self.on_error == "raise":
                            raise
                        damage = str(error)
                else:
                    self._warn(damage, timeline)
                    return result
        timeline, error_text = self._count()
        result = consume(timeline, self._choose(choose, timeline), self._by_count)
        self._warn(error_text or damage, timeline)
        return result

    def _list(self) -> tuple[PacketTable, Timeline | None, str | None]:
        """The packets, when their frames are presented if they all say so, and what is missing."""
        with self._opened() as (container, stream):
            packets = demux(container, stream, self.name, self.watch)
            table = list_packets(self._limited(packets), stream)
            self._frame_pixels = stream.width * stream.height
            self.counts.packets = len(table)
            # 4:2:0 with 8 bits, as most are.
            frame_bytes = max(1, stream.width * stream.height * 3 // 2)
            self._ahead = max(_AHEAD_LEAST, _AHEAD_BYTES // frame_bytes)
            missing = find_truncation(
                self.media,
                container.format.name,
                complete=stream.frames <= len(table),
                damaged_tail=table.damaged_tail,
            )
            if missing is not None and (table.damaged_tail or container.format.name == "mpegts"):
                table = table.without_last()
            times = table.shown_times
            if missing is not None and times is not None:
                # Of what is presented before the last ones, something may be missing.
                times = times[: max(1, len(times) - table.reorder)]
            timeline = None
            if times is not None:
                timeline = Timeline.of(stream, self.name, len(times), times, table.last_ticks)
                self._check_duration(timeline)
        if missing is None:
            return table, timeline, None
        until = timeline.seconds(timeline.count - 1) if timeline is not None else 0.0
        damage = (
            f"{self.name}: is truncated: {missing}; its last whole frame is presented at "
            f"{until:.3f} s"
        )
        return table, timeline, damage

    def _by_packets(
        self, table: PacketTable, timeline: Timeline, *, needed_only: bool
    ) -> ReadFrames:
        """Decode the packets that the wanted frames need, or all up to the last one's."""
        assert timeline.times is not None, "packets say when their frames are presented"
        of_time = {time: place for place, time in enumerate(table.pts) if table.shown[place]}
        order = [of_time[time] for time in timeline.times]

        def read(wanted: Sequence[int]) -> Iterator[Any]:
            targets = sorted(order[place] for place in wanted)
            segments = [Segment(range(targets[-1] + 1), targets, None)]
            workers, threads = 1, self.threads
            if needed_only:
                segments = plan_segments(table, targets, worth=0)
                # Each has a decoder and a place in the file of its own.
                workers = min(_DECODERS, threads) if isinstance(self.media, str) else 1
                if workers == 1 or not can_share(segments, workers, ahead=self._ahead):
                    workers = 1
                    segments = plan_segments(table, targets, worth=threads + table.reorder)

            @contextmanager
            def worker() -> Iterator[Callable[[Segment], Frames]]:
                counts = DecodeCounts()
                with self._opened("AUTO", max(1, threads // workers)) as (container, stream):
                    decoder = SegmentDecoder(
                        container, stream, table, name=self.name, watch=self.watch, counts=counts
                    )
                    try:
                        yield decoder.decode
                    finally:
                        self._add(counts)

            return run_ahead(segments, worker, self.watch, workers=workers, ahead=self._ahead)

        return read

    def _by_count(self, wanted: Sequence[int]) -> Iterator[Any]:
        """Decode everything and take frames by their number."""

        def frames(decode: Callable[[], Iterator[Any]]) -> Frames:
            left = list(reversed(wanted))
            for place, frame in enumerate(decode()):
                if place == left[-1]:
                    yield frame
                    left.pop()
                    if not left:
                        return
            raise DecodeError(f"{self.name}: decoding ended before frame {left[-1]}")

        @contextmanager
        def worker() -> Iterator[Callable[[None], Frames]]:
            with self._opened("SLICE", self.threads) as (container, stream):
                yield lambda _: frames(lambda: self._decode_all(container, stream))

        return run_ahead([None], worker, self.watch, workers=1, ahead=self._ahead)

    def _count(self) -> tuple[Timeline, str | None]:
        """List the presented frames by decoding all of them, and say what ended that early."""
        times: list[int | None] = []
        damage = None
        # Frame threads may keep an error to themselves; here each must show where it happens.
        with self._opened("SLICE", self.threads) as (container, stream):
            try:
                for frame in self._limited(self._decode_all(container, stream)):
                    times.append(frame.pts)
            except DecodeError as error:
                if self.on_error == "raise" or not times:
                    raise
                damage = str(error)
            if not times:
                raise NoFramesError(f"{self.name}: no frame of its video stream can be decoded")
            known = [time for time in times if time is not None]
            sorted_ = len(known) == len(times) and all(a < b for a, b in pairwise(known))
            timeline = Timeline.of(
                stream, self.name, len(times), known if sorted_ else None, last_ticks=None
            )
        self._check_duration(timeline)
        return timeline, damage

    def _choose(self, choose: Callable[[Timeline], list[int]], timeline: Timeline) -> list[int]:
        places = choose(timeline)
        pixels = len(places) * self._frame_pixels
        what = f"{len(places):,} sampled frames have {pixels:,} pixels"
        self.limits.check("sampled_pixels", pixels, self.name, what)
        return places

    def _limited(self, frames: Iterator[Any]) -> Iterator[Any]:
        """The same frames, or packets of frames, while there are not too many."""
        for number, frame in enumerate(frames, 1):
            if number > self.limits.frames:
                self.limits.check("frames", number, self.name, f"holds {number:,} frames and more")
            yield frame

    def _check_duration(self, timeline: Timeline) -> None:
        seconds = timeline.duration
        self.limits.check("duration", seconds, self.name, f"is of {seconds:,.0f} seconds")

    def _decode_all(self, container: Any, stream: Any) -> Iterator[Any]:
        return decode_all(container, stream, name=self.name, watch=self.watch, counts=self.counts)

    @contextmanager
    def _opened(self, threading: str = "SLICE", threads: int = 1) -> Iterator[tuple[Any, Any]]:
        """The container and its stream, whose decoder runs as ``threading`` says."""
        with open_video(self.media, self.name, self.watch, self.limits) as (container, stream):
            stream.thread_type = threading
            stream.codec_context.thread_count = threads
            yield container, stream

    def _add(self, counts: DecodeCounts) -> None:
        with self._counting:
            self.counts.add(counts)

    def _warn(self, damage: str | None, timeline: Timeline) -> None:
        if damage is not None:
            until = timeline.seconds(timeline.count - 1)
            warnings.warn(
                f"{damage}: only what is presented up to {until:.3f} s is used",
                PartialVideoWarning,
                stacklevel=2,
            )
