"""Yield the sampled frames of a video file one by one.

A method of decoding may turn out to be wrong when some of its frames were yielded already. The next
one then decodes them again: they must be the same, or the stream ends with an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keye_vl_rs._decoding.attempt import Attempt
from keye_vl_rs._decoding.damage import DamagedFrameError
from keye_vl_rs._decoding.rgb import RgbConverter
from keye_vl_rs._decoding.timeline import Timeline
from keye_vl_rs._sampling.open_video import OpenVideo, open_video
from keye_vl_rs.errors import DecodeError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from keye_vl_rs._media.deadline import CancelFlag
    from keye_vl_rs._sampling.reading import Choose
    from keye_vl_rs._sampling.video_options import VideoOptions

__all__ = ["SampledFrame", "stream_frames"]


@dataclass(frozen=True, eq=False)
class SampledFrame:
    """Hold one sampled frame of a video.

    Attributes:
        index: its index among all frames of the file or the list, in presentation order, from 0.
        time: seconds from the start of the video, as :func:`keye_vl_rs.preprocess_video` computes
            them.
        pixels: RGB, uint8 (H, W, 3), at the size at which the video is presented. The array is
            yours: nothing else refers to its memory.
        damaged: whether the frame shows what the decoder made of damage (``on_error="conceal"``).
    """

    index: int
    time: float
    pixels: NDArray[np.uint8]
    damaged: bool = False


def stream_frames(
    options: VideoOptions,
    choose: Choose,
    *,
    threads: int | None = None,
    cancel: CancelFlag | None = None,
) -> Generator[SampledFrame, None, None]:
    """Yield the frames that ``choose`` selects.

    Everything that is open is closed when the generator ends or is closed.

    Args:
        options: as for :func:`~keye_vl_rs._sampling.open_video.open_video`.
        choose: as there.
        threads: as there.
        cancel: as there.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as there. With "partial" and
            "conceal", one thread per decoder decodes from the start: no other method tells which
            frames are damaged before it has returned them.
    """
    with open_video(options, choose, threads=threads, cancel=cancel) as video:
        stream = _Stream(video)
        for attempt in video.reader.attempts(stream.select, fast=options.on_error == "raise"):
            with attempt:
                yield from stream.frames(attempt)
                return


class _Stream:
    """Yield the frames of one video, over all attempts to read them."""

    def __init__(self, video: OpenVideo) -> None:
        """Start with no frame yielded."""
        self._video = video
        self._planned: list[int] = []
        self._total = 0
        self._is_shorter = False
        self._yielded = 0
        self._digest = _Digest()

    def select(self, timeline: Timeline) -> list[int]:
        """Return the indices of the frames to yield, those that were yielded among them."""
        kept = [index for index in self._planned if index < timeline.count]
        # "partial" ends the timeline before damage; the frames before it stay those of the plan.
        self._is_shorter = bool(kept) and timeline.count < self._total
        partial = self._is_shorter and self._video.options.on_error == "partial"
        found = kept if partial else self._video.select(timeline)
        if found[: self._yielded] != self._planned[: self._yielded]:
            raise self._wrong("decoding returns other frames than its packets announce")
        self._planned, self._total = found, timeline.count
        return found

    def frames(self, attempt: Attempt) -> Generator[SampledFrame, None, None]:
        """Yield the frames of an attempt that were not yielded by an earlier one."""
        import numpy as np

        name, indices = self._video.name, attempt.indices
        before, digest, done = self._yielded, _Digest(), 0
        if before and self._is_shorter and attempt.ended is None:
            raise self._wrong("decoding returns fewer frames than its packets announce")
        times = self._video.times.apply(attempt.timeline, indices, name).seconds.tolist()
        converter = RgbConverter(name)
        repeats = Counter(indices)
        try:
            with closing(attempt.read(list(repeats))) as decoded:
                for index, frame in zip(repeats, decoded, strict=True):
                    pixels = np.array(converter.convert(frame), order="C")
                    # Drop the frame's memory before the next one is allocated.
                    del frame
                    for left in reversed(range(repeats[index])):
                        own = pixels.copy() if left else pixels
                        digest.add(index, times[done], pixels)
                        done += 1
                        if done == before and not digest.equals(self._digest):
                            raise self._wrong("its frames differ when they are decoded again")
                        if done > before:
                            self._yielded, self._digest = done, digest
                            yield SampledFrame(
                                index, times[done - 1], own, index in attempt.damaged
                            )
                        del own
                    del pixels
        except DamagedFrameError as error:
            if done >= before:
                raise
            raise self._wrong(str(error.with_choices())) from error

    def _wrong(self, why: str) -> DecodeError:
        return DecodeError(
            f"{self._video.name}: {why}; some of the {self._yielded} frames that were already "
            "returned are wrong: discard them"
        )


class _Digest:
    """Digest frames, in order."""

    def __init__(self) -> None:
        """Start without frames."""
        # Imported here, so that the package is imported quickly.
        import hashlib

        self._hash: Any = hashlib.sha256()

    def add(self, index: int, time: float, pixels: NDArray[np.uint8]) -> None:
        """Add a frame."""
        self._hash.update(repr((index, time, pixels.shape)).encode())
        self._hash.update(pixels.data)

    def equals(self, other: _Digest) -> bool:
        """Return whether both have the same frames."""
        return bool(self._hash.digest() == other._hash.digest())
