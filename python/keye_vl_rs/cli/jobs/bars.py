"""Show progress bars: one for all videos, and one for each video in flight."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from keye_vl_rs.cli.standard_streams import as_displayed

if TYPE_CHECKING:
    from collections.abc import Hashable

    from rich.console import Console

    from keye_vl_rs._util.progress import Progress as VideoProgress

__all__ = ["Bars"]

# A video's bar is updated no more often than this.
_INTERVAL_S = 0.1
_STAGES = {"fetch": "downloading ", "decode": "", "redecode": "decoding again "}


class _Row:
    """Draw the bar of one video."""

    def __init__(self, task: TaskID, name: str) -> None:
        self.task = task
        self.name = name
        self.stage = "decode"
        self.fraction = 0.0
        self.updated = 0.0


class Bars:
    """Draw bars on a terminal that show the time left: of all videos, and within each in flight."""

    def __init__(self, console: Console, videos: int, *, disable: bool) -> None:
        """Prepare the bars.

        Args:
            console: a terminal.
            videos: number of videos. With a single one there is no bar for all.
            disable: show nothing.
        """
        self._console = console
        self._videos = videos
        self._disabled = disable
        self._finished = 0
        self._rows: dict[Hashable, _Row] = {}
        self._lock = threading.Lock()
        self._progress = Progress(
            BarColumn(),
            TextColumn("{task.fields[amount]}"),
            TimeRemainingColumn(),
            TextColumn(
                "{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")
            ),
            console=console,
            transient=True,
            disable=disable,
        )
        self._all = None if videos < 2 else self._progress.add_task("", total=videos, amount="")
        self._update_all()

    @property
    def disabled(self) -> bool:
        """Return whether nothing is shown, so that nobody needs to report progress."""
        return self._disabled

    def start(self) -> None:
        """Show the bars."""
        self._progress.start()

    def stop(self) -> None:
        """Remove the bars."""
        self._progress.stop()

    def add(self, job: Hashable, name: str) -> None:
        """Add the bar of a video that has been started."""
        shown = escape(as_displayed(name, self._console.file))
        with self._lock:
            self._rows[job] = _Row(self._progress.add_task(shown, total=None, amount=""), shown)

    def remove(self, job: Hashable) -> None:
        """Count a video as finished, and remove its bar if it has one."""
        with self._lock:
            row = self._rows.pop(job, None)
            self._finished += 1
            if row is not None:
                self._progress.remove_task(row.task)
            self._update_all()

    def advance(self, job: Hashable, progress: VideoProgress) -> None:
        """Show how far a video has come; called in the thread that works on it."""
        now = time.monotonic()
        with self._lock:
            row = self._rows.get(job)
            if row is None or (row.stage == progress.stage and now - row.updated < _INTERVAL_S):
                return
            if row.stage != progress.stage:
                # The time left is that of the stage.
                row.stage = progress.stage
                self._progress.reset(
                    row.task, total=None, description=_STAGES[progress.stage] + row.name
                )
            row.updated = now
            done, total, amount = _amount(progress)
            self._progress.update(row.task, completed=done, total=total, amount=amount)
            if progress.stage == "decode" and total:
                row.fraction = done / total
            self._update_all()

    def _update_all(self) -> None:
        if self._all is not None:
            self._progress.update(
                self._all,
                completed=self._finished + sum(row.fraction for row in self._rows.values()),
                amount=f"{self._finished}/{self._videos}",
            )


def _amount(progress: VideoProgress) -> tuple[float, float | None, str]:
    """Return what is done, the total, or None if it is unknown, and a text that states both."""
    if progress.stage == "fetch":
        total = progress.bytes_total
        of_total = "" if total is None else f" of {decimal(total)}"
        return progress.bytes_done, total, decimal(progress.bytes_done) + of_total
    if progress.seconds_total <= 0:
        text = f"{progress.frames_done} of {progress.frames_total} frames"
        return progress.frames_done, progress.frames_total, text
    text = f"{_clock(progress.seconds_done)} of {_clock(progress.seconds_total)}"
    return progress.seconds_done, progress.seconds_total, text


def _clock(seconds: float) -> str:
    """Return seconds as 1:05, or 1:02:03 from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
