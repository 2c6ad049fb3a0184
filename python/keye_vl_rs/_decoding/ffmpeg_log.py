"""Capturing what FFmpeg logs while it reads and decodes.

Some decoders report damage in their log alone: Motion JPEG and FFV1 return the frame as if it were
whole. PyAV ignores FFmpeg's log by default, and its callback belongs to the whole process, so it is
set while somebody listens and put back afterwards. Only what FFmpeg logs on the thread that calls
it can be told apart: listen to decoders with one thread to learn what a report is about. What the
threads of decoders log is heard as well, but not whose threads they are.

PyAV's callback takes the GIL. A decoder with threads of its own that is freed by a thread which
holds the GIL, while one of its threads logs, would wait for ever; the decoders of this package are
therefore made idle before they are freed (see ``container``).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._util.shorten import shorten

__all__ = ["CapturedLog", "LogLine", "OtherThreads", "captured_log"]

# FFmpeg's levels: the lower, the more severe.
_ERROR = 16
_INFO = 32
# Lines of decoders that others may still want to read.
_MOST_LINES = 10_000
# Words of what is no error to FFmpeg: it leaves out or replaces a part of the picture. That it
# conceals damage is said when a packet is decoded; its frame, with the mark, may come after others
# that refer to it.
_DAMAGE_WORDS = ("undecodable", "concealing", "damaged", "corrupt", "truncated")


@dataclass(frozen=True)
class LogLine:
    """One line of FFmpeg's log.

    Attributes:
        level: FFmpeg's number, 16 for an error and less for what is worse.
        name: of the decoder or the format that logged it.
        text: the message, without a full stop.
    """

    level: int
    name: str
    text: str

    @classmethod
    def of(cls, level: int, name: str, text: str) -> LogLine:
        """Make a line of what PyAV captured."""
        # Messages go on behind it, so that it has no full stop.
        return cls(level, name, shorten(text.strip().rstrip(".")))

    @property
    def reports_damage(self) -> bool:
        """True for an error, and for a message that the picture is not what was encoded."""
        if self.level <= _ERROR:
            return True
        return self.level <= _INFO and any(word in self.text for word in _DAMAGE_WORDS)


class _Switch:
    """Turns PyAV's callback on with the first listener and off with the last one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners = 0
        self._level_before: int | None = None
        self._skipped_before = True
        self._others: Any = None
        # What FFmpeg logs on threads that nobody listens on: those of decoders, and of other users.
        self._lines: list[tuple[int, str, str]] = []
        # How many of them were dropped, for decoders may listen without end.
        self._dropped = 0

    def on(self) -> None:
        import av.logging

        with self._lock:
            self._listeners += 1
            if self._listeners > 1:
                return
            self._level_before = av.logging.get_level()
            self._skipped_before = av.logging.get_skip_repeated()
            self._others = av.logging.Capture(local=False)
            self._lines = self._others.__enter__()
            # PyAV leaves out a line that equals the last one of any decoder.
            av.logging.set_skip_repeated(False)
            av.logging.set_level(max(_INFO, self._level_before or 0))

    def off(self) -> None:
        import av.logging

        with self._lock:
            self._drop(_MOST_LINES)
            self._listeners -= 1
            if self._listeners:
                return
            # A thread that waits for the GIL to log compares with the level, which None cannot be.
            av.logging.set_level(av.logging.PANIC)
            time.sleep(0)
            av.logging.set_level(self._level_before)
            av.logging.set_skip_repeated(self._skipped_before)
            self._others.__exit__(None, None, None)
            self._drop(0)
            self._others = None

    def others(self, start: int) -> tuple[list[tuple[int, str, str]], int]:
        """Return the lines of other threads from a number on, and the number of the next one.

        A reader who is that late misses those that were dropped.
        """
        with self._lock:
            return self._lines[max(0, start - self._dropped) :], self._dropped + len(self._lines)

    def _drop(self, most: int) -> None:
        """Keep no more lines than ``most``, and log the others as PyAV would have."""
        count = len(self._lines) - most
        if count > 0:
            dropped = self._lines[:count]
            del self._lines[:count]
            self._dropped += count
            self.forward(dropped)

    def forward(self, lines: list[tuple[int, str, str]]) -> None:
        """Log the lines as PyAV would have, where the program has turned FFmpeg's log on."""
        import av.logging

        level = self._level_before
        if level is None:
            return
        for severity, name, text in lines:
            if severity <= level:
                logger = logging.getLogger(f"libav.{name or 'generic'}")
                logger.log(av.logging.adapt_level(severity), shorten(text.strip()))


_switch = _Switch()


@contextmanager
def _enabled() -> Iterator[None]:
    """Have PyAV pass FFmpeg's log on while the block runs."""
    _switch.on()
    try:
        yield
    finally:
        _switch.off()


class CapturedLog:
    """What FFmpeg logged on one thread and nobody has taken yet."""

    def __init__(self, raw: list[tuple[int, str, str]]) -> None:
        """Wrap the list that PyAV adds to."""
        self._raw = raw

    def take(self) -> list[LogLine]:
        """Return the lines that came since the last call."""
        if not self._raw:
            return []
        raw = self._raw.copy()
        self._raw.clear()
        _switch.forward(raw)
        return [LogLine.of(*line) for line in raw]


@contextmanager
def captured_log() -> Iterator[CapturedLog]:
    """Collect what FFmpeg logs on the thread that runs the block."""
    import av.logging

    with _enabled(), av.logging.Capture(local=True) as raw:
        yield CapturedLog(raw)


class OtherThreads:
    """The log of threads that nobody listens on, while somebody listens on his own."""

    def __init__(self, codec: str) -> None:
        """Hear decoders of one name, from now on."""
        self._codec = codec
        _, self._next = _switch.others(0)

    def take(self) -> list[LogLine]:
        """Return the lines that came since the last call, about this video or another one."""
        lines, self._next = _switch.others(self._next)
        return [LogLine.of(*line) for line in lines if line[1] == self._codec]
