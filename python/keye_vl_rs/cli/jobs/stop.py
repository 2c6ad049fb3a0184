"""Stop a run on a signal, or if nothing more can be written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from keye_vl_rs.batch.engine import StopFlag

__all__ = ["RunStopFlag", "ended_by_ctrl_c", "stop_on_signals"]


class RunStopFlag(StopFlag):
    """Tell a run to stop; set once, by a signal or an error.

    Attributes:
        signal: the signal that set the flag; None if none did.
        disk_full: whether the flag was set because nothing more can be written.
    """

    def __init__(self) -> None:
        """Create a flag that is not set."""
        super().__init__()
        self.signal: int | None = None
        self.disk_full = False


@contextmanager
def stop_on_signals(stop: RunStopFlag) -> Iterator[None]:
    """Set ``stop`` on SIGINT or SIGTERM, and record the signal in it.

    A second signal raises KeyboardInterrupt. Handlers are installed only in the main thread, the
    only one that Python delivers signals to, and not for signals that are ignored, as under nohup.
    """

    def handle(number: int, frame: object) -> None:
        if stop.signal is not None:
            raise KeyboardInterrupt
        stop.signal = number
        stop.set()

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the process at once, without KeyboardInterrupt; use it around slow imports.

    Modules may swallow the exception while they are imported. Nothing may be in progress that has
    to be cleaned up.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
