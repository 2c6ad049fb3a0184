"""One video file, to be opened as often as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import IO, TYPE_CHECKING, Any

from keye_vl_rs._decoding.container import open_video
from keye_vl_rs._decoding.decoder import DecodeCounts
from keye_vl_rs.limits import Limits, current_limits

if TYPE_CHECKING:
    from keye_vl_rs._media.deadline import Watch

__all__ = ["VideoFile"]

# FFmpeg's H.264 decoder holds back no more frames than these to put them in order.
_MOST_HELD_BACK = 15


@dataclass
class VideoFile:
    """A video file and how it is decoded.

    Attributes:
        media: a path, or an open file that can seek.
        name: what errors call it.
        watch: the deadline and the cancel flag.
        threads: of the decoder.
        limits: what the video may ask for; those of the call that makes this object.
        counts: what reading took so far.
        ahead: how many decoded frames may wait for their user.
    """

    media: str | IO[bytes]
    name: str
    watch: Watch
    threads: int
    limits: Limits = field(default_factory=current_limits)
    counts: DecodeCounts = field(default_factory=DecodeCounts)
    ahead: int = 1
    _counting: Lock = field(default_factory=Lock, init=False, repr=False)

    @contextmanager
    def opened(
        self, threading: str = "SLICE", threads: int = 1, *, reorder: int = 0
    ) -> Iterator[tuple[Any, Any]]:
        """Open the file and give its container and its stream.

        Args:
            threading: how the decoder uses threads, as FFmpeg names it: SLICE, FRAME or AUTO.
            threads: of the decoder.
            reorder: how many frames the stream makes a decoder hold back to put them in order.
        """
        with open_video(self.media, self.name, self.watch, self.limits) as (container, stream):
            context = stream.codec_context
            if threading != "SLICE" and context.codec.canonical_name == "h264":
                # A frame that is handed out while another thread still decodes it lacks the mark
                # of damage that is found later. Held back by as many packets as there are threads,
                # it is whole.
                threads = max(1, min(threads, _MOST_HELD_BACK - reorder))
                if threads > 1 and hasattr(context, "reorder_depth"):
                    context.reorder_depth = reorder + threads
            stream.thread_type = threading
            context.thread_count = threads
            yield container, stream

    def add_counts(self, counts: DecodeCounts) -> None:
        """Count what a decoder did in a thread of its own."""
        with self._counting:
            self.counts.add(counts)
