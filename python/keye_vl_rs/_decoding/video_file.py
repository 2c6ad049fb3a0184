"""Hold a video file with the options to decode it; it can be opened any number of times."""

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
    from keye_vl_rs._media.deadline import Deadline

__all__ = ["VideoFile"]

# The most frames that FFmpeg's H.264 decoder holds back to reorder them.
_MAX_HELD_BACK = 15


@dataclass
class VideoFile:
    """Hold a video file and the options to decode it with.

    Attributes:
        media: a path, or a seekable open file.
        name: the name of the video in messages.
        deadline: the deadline and the cancel flag.
        threads: threads per decoder.
        limits: the limits that the video must stay within; by default those of the current call.
        counts: the work done so far.
        prefetch_frames: how many decoded frames may be buffered ahead of the consumer.
        sparse: whether the contents of packets are missing from ``media``, so that they can be
            listed but not decoded.
    """

    media: str | IO[bytes]
    name: str
    deadline: Deadline
    threads: int
    limits: Limits = field(default_factory=current_limits)
    counts: DecodeCounts = field(default_factory=DecodeCounts)
    prefetch_frames: int = 1
    sparse: bool = False
    _counting: Lock = field(default_factory=Lock, init=False, repr=False)

    @contextmanager
    def opened(
        self, threading: str = "SLICE", threads: int = 1, *, reorder: int = 0
    ) -> Iterator[tuple[Any, Any]]:
        """Open the file and yield its container and its video stream.

        Args:
            threading: FFmpeg's threading mode for the decoder: SLICE, FRAME or AUTO.
            threads: threads of the decoder.
            reorder: how many frames the decoder holds back to reorder this stream.
        """
        with open_video(self.media, self.name, self.deadline, self.limits) as (container, stream):
            context = stream.codec_context
            if threading != "SLICE" and context.codec.canonical_name == "h264":
                # FFmpeg may return a frame while another thread is still decoding it, without the
                # mark of damage that is found later. Delaying output by one packet per thread
                # avoids that.
                threads = max(1, min(threads, _MAX_HELD_BACK - reorder))
                if threads > 1 and hasattr(context, "reorder_depth"):
                    context.reorder_depth = reorder + threads
            stream.thread_type = threading
            context.thread_count = threads
            yield container, stream

    def add_counts(self, counts: DecodeCounts) -> None:
        """Add the work of a decoder that ran in another thread."""
        with self._counting:
            self.counts.add(counts)
