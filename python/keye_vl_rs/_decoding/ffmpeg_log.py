"""Capture FFmpeg's log while it reads and decodes.

Some decoders report damage only in the log: those of Motion JPEG and FFV1 return the frame as if it
were intact. PyAV ignores FFmpeg's log by default, and its callback is process-wide, so it is
installed while somebody listens and restored afterwards. Messages can be attributed to a decoder
only if FFmpeg logs them on the thread that calls it: use one thread per decoder to learn which
packet a message is about. Messages of decoder threads are captured as well, but not whose threads
they are.

PyAV's callback takes the GIL. If a thread that holds the GIL frees a decoder while one of the
decoder's threads is logging, both wait forever; therefore this package makes decoders idle before
it frees them (see ``container``).
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

__all__ = ["CapturedLog", "LogLine", "OtherThreadsLog", "captured_log"]

# FFmpeg's log levels; lower means more severe.
_ERROR = 16
_INFO = 32
# How many lines to keep for listeners that have not read them yet.
_MAX_LINES = 10_000
# Words in messages below the error level that report damage: FFmpeg skips or replaces part of the
# picture. It logs concealment when it decodes the packet; the frame that it marks as damaged may
# come out after others that refer to it.
_DAMAGE_WORDS = ("undecodable", "concealing", "damaged", "corrupt", "truncated")


@dataclass(frozen=True)
class LogLine:
    """Hold a line of FFmpeg's log.

    Attributes:
        level: FFmpeg's level: 16 is an error, lower is worse.
        name: the decoder or format that logged it.
        text: the message, without a full stop.
    """

    level: int
    name: str
    text: str

    @classmethod
    def of(cls, level: int, name: str, text: str) -> LogLine:
        """Create a line from what PyAV captured."""
        # Other text follows it in messages, so drop the full stop.
        return cls(level, name, shorten(text.strip().rstrip(".")))

    @property
    def reports_damage(self) -> bool:
        """Tell if the line is an error, or says that the picture is not what was encoded."""
        if self.level <= _ERROR:
            return True
        return self.level <= _INFO and any(word in self.text for word in _DAMAGE_WORDS)


class _Switch:
    """Switch PyAV's callback, on from the first listener to the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners = 0
        self._level_before: int | None = None
        self._skipped_before = True
        self._others: Any = None
        # Lines logged on threads without a listener: those of decoders, and of other users of PyAV.
        self._lines: list[tuple[int, str, str]] = []
        # How many of them were dropped, because decoders may listen for any length of time.
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
            # PyAV skips a line that equals the previous one, of any decoder.
            av.logging.set_skip_repeated(False)
            av.logging.set_level(max(_INFO, self._level_before or 0))

    def off(self) -> None:
        import av.logging

        with self._lock:
            self._drop(_MAX_LINES)
            self._listeners -= 1
            if self._listeners:
                return
            # A thread that waits for the GIL to log compares with the level, and fails on None.
            av.logging.set_level(av.logging.PANIC)
            time.sleep(0)
            av.logging.set_level(self._level_before)
            av.logging.set_skip_repeated(self._skipped_before)
            self._others.__exit__(None, None, None)
            self._drop(0)
            self._others = None

    def others(self, start: int) -> tuple[list[tuple[int, str, str]], int]:
        """Return the lines of other threads from a number on, and the number of the next line.

        Lines that were dropped in the meantime are missing.
        """
        with self._lock:
            return self._lines[max(0, start - self._dropped) :], self._dropped + len(self._lines)

    def _drop(self, max_lines: int) -> None:
        """Drop the oldest lines beyond ``max_lines``, and log them as PyAV would have."""
        count = len(self._lines) - max_lines
        if count > 0:
            dropped = self._lines[:count]
            del self._lines[:count]
            self._dropped += count
            self.forward(dropped)

    def forward(self, lines: list[tuple[int, str, str]]) -> None:
        """Log lines as PyAV would have, if the program has enabled FFmpeg's log."""
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
    """Enable PyAV's log callback while the block runs."""
    _switch.on()
    try:
        yield
    finally:
        _switch.off()


class CapturedLog:
    """Collect the lines that FFmpeg logged on one thread and that were not taken yet."""

    def __init__(self, raw: list[tuple[int, str, str]]) -> None:
        """Wrap the list that PyAV appends to."""
        self._raw = raw

    def take(self) -> list[LogLine]:
        """Return the lines since the last call."""
        if not self._raw:
            return []
        raw = self._raw.copy()
        self._raw.clear()
        _switch.forward(raw)
        return [LogLine.of(*line) for line in raw]


@contextmanager
def captured_log() -> Iterator[CapturedLog]:
    """Capture what FFmpeg logs on the thread that runs the block."""
    import av.logging

    with _enabled(), av.logging.Capture(local=True) as raw:
        yield CapturedLog(raw)


class OtherThreadsLog:
    """Collect the lines that one kind of decoder logs on threads without their own listener."""

    def __init__(self, codec: str) -> None:
        """Listen to decoders of one name, from now on."""
        self._codec = codec
        _, self._next = _switch.others(0)

    def take(self) -> list[LogLine]:
        """Return the lines since the last call, about this video or another one."""
        lines, self._next = _switch.others(self._next)
        return [LogLine.of(*line) for line in lines if line[1] == self._codec]
