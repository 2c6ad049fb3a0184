"""Define ``Attempt``: one try at reading frames, which the next one replaces if it fails."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from types import TracebackType
from typing import Any

from keye_vl_rs._decoding.damage import DamagedFrameError
from keye_vl_rs._decoding.decoder import UnexpectedFramesError
from keye_vl_rs._decoding.timeline import Timeline

__all__ = ["Attempt", "ReadFrames"]

ReadFrames = Callable[[Sequence[int]], Iterator[Any]]


class Attempt:
    """Try once to read frames; a context manager for the block that does so.

    Use it in a loop over :meth:`keye_vl_rs._decoding.reader.VideoReader.attempts`::

        for attempt in reader.attempts(choose):
            with attempt:
                frames = list(attempt.read(attempt.indices))

    If the frames are wrong or damaged, the block ends early, and the loop goes on with another
    attempt or raises an error. After a block that ends as it should, leave the loop: there is no
    further attempt. Errors of the block itself pass through.

    Attributes:
        timeline: the frames that can be read.
        indices: those that ``choose`` selected.
        read: takes some of them (sorted, without duplicates) and yields their frames as
            ``av.VideoFrame``.
        damaged: the indices of the damaged frames among those that were read.
        ended: why the timeline ends before the video does, or None.
    """

    def __init__(
        self,
        timeline: Timeline,
        indices: list[int],
        read: Callable[[Sequence[int]], Generator[Any, None, None]],
        damaged: dict[int, Any],
        ended: str | None,
        succeed: Callable[[], None],
    ) -> None:
        """Take what the block uses, and a function to call when it has ended."""
        self.timeline = timeline
        self.indices = indices
        self.read = read
        self.damaged = damaged
        self.ended = ended
        self._succeed = succeed
        self._error: DamagedFrameError | UnexpectedFramesError | None = None

    def __enter__(self) -> Attempt:
        """Return the attempt itself."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Keep the error if frames are wrong or damaged; warn of concealed damage if none is."""
        if error is None:
            self._succeed()
        elif isinstance(error, (DamagedFrameError, UnexpectedFramesError)):
            self._error = error
            return True
        return False

    def raise_error(self) -> None:
        """Raise the error that ended the block, if there is one.

        It is not kept, since its traceback refers to frames and decoders.
        """
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error
