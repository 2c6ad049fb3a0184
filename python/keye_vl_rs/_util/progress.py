"""Report the progress of a call that reads a video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError

if TYPE_CHECKING:
    Stage: TypeAlias = Literal["fetch", "decode", "redecode"]

__all__ = ["Progress", "ProgressCallback", "ProgressReporter"]


@dataclass(frozen=True)
class Progress:
    """Tell how far a call that reads a video has come.

    Within a stage, what is done never decreases. Totals change if the video turns out to differ
    from what its packets announce, or is damaged.

    Attributes:
        stage: "fetch" while an address is downloaded; "decode" while sampled frames are decoded,
            compared and written; "redecode" while frames that did not fit ``buffer_bytes`` are
            decoded again.
        seconds_done: seconds from the first sampled frame to the latest one; 0 for "fetch" and for
            a list of frames.
        seconds_total: seconds from the first sampled frame to the last one, likewise.
        frames_done: number of sampled frames that are done.
        frames_total: number of sampled frames; in "redecode", of those that are decoded again.
        bytes_done: bytes received; 0 after "fetch".
        bytes_total: bytes of the whole download; None if the server does not state it, and after
            "fetch".
    """

    stage: Stage
    seconds_done: float = 0.0
    seconds_total: float = 0.0
    frames_done: int = 0
    frames_total: int = 0
    bytes_done: int = 0
    bytes_total: int | None = None


ProgressCallback: TypeAlias = Callable[[Progress], Any]


class ProgressReporter:
    """Call a caller's callback, but not for work that is done a second time.

    Args:
        callback: called with each :class:`Progress`; its exceptions end the operation.

    Raises:
        InvalidArgumentError: ``callback`` cannot be called.
    """

    def __init__(self, callback: ProgressCallback) -> None:
        """Check the callback."""
        if not callable(callback):
            raise InvalidArgumentError(
                f"progress is {short_repr(callback)}: expected a function that takes a "
                "keye_vl_rs.Progress"
            )
        self._callback = callback
        # The frames and seconds that were reported, by stage; of "fetch" the bytes.
        self._reported: dict[str, tuple[float, float]] = {}

    def fetched(self, done: int, total: int | None) -> None:
        """Report bytes of a download, unless as many were reported before."""
        if self._advances("fetch", done, 0.0):
            self._callback(Progress("fetch", bytes_done=done, bytes_total=total))

    def decoded(
        self,
        frames: tuple[int, int],
        seconds: tuple[float, float] = (0.0, 0.0),
        stage: Stage = "decode",
    ) -> None:
        """Report sampled frames, unless as many were reported before a method started over.

        Args:
            frames: how many are done, and how many there are.
            seconds: seconds of the video that are done, and their total.
            stage: "decode" or "redecode".
        """
        if self._advances(stage, frames[0], seconds[0]):
            self._callback(Progress(stage, *seconds, *frames))

    def _advances(self, stage: str, done: float, seconds: float) -> bool:
        before, seconds_before = self._reported.get(stage, (-1, 0.0))
        if done <= before or seconds < seconds_before:
            return False
        self._reported[stage] = done, seconds
        return True
