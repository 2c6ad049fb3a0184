"""Print progress, messages and results while videos are processed, and a summary at the end."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from keye_vl_rs._media.sources import describe_source
from keye_vl_rs.cli.jobs.bars import Bars
from keye_vl_rs.cli.report import print_summary
from keye_vl_rs.cli.standard_streams import as_displayed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keye_vl_rs._util.progress import Progress
    from keye_vl_rs.cli.jobs.run import Event, Task
    from keye_vl_rs.cli.outputs import Job

__all__ = ["Display"]

# The width of the table where standard output is no terminal.
PIPE_COLUMNS = 200


class Display:
    """Print results to standard output; progress, warnings and errors to standard error.

    Attributes:
        failures: number of videos that failed.
    """

    def __init__(self, jobs: Sequence[Job], *, as_json: bool) -> None:
        """Prepare the output of a run.

        Args:
            jobs: the videos, in the order of the summary.
            as_json: print one JSON object per line and video, as soon as each is done, in place of
                a summary.
        """
        self.failures = 0
        self._as_json = as_json
        self._jobs = jobs
        self._results: dict[Path, dict[str, Any]] = {}
        self._finished = 0
        self._console = Console(stderr=True)
        self._bars = Bars(
            self._console, len(jobs), disable=as_json or not self._console.is_terminal
        )

    @property
    def advance(self) -> Callable[[Job, Progress], None] | None:
        """Return the function that shows how far a video has come; None if nothing is shown."""
        return None if self._bars.disabled else self._bars.advance

    def __enter__(self) -> Display:
        """Show the progress bars."""
        self._bars.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Remove the progress bars."""
        self._bars.stop()

    def fail(self, source: str, text: str, error_type: str, old_output: Path | None = None) -> None:
        """Report that a video failed.

        Args:
            source: the video, as given.
            text: the error message.
            error_type: the name of the error's class, for JSON.
            old_output: the earlier output of the video, which was not replaced; None if none.
        """
        self.failures += 1
        if self._as_json:
            failure = {"source": source, "error": text, "error_type": error_type}
            if old_output is not None:
                failure["old_output"] = str(old_output)
            print(json.dumps(failure), flush=True)
        unchanged = "" if old_output is None else f"; the earlier output {old_output} is unchanged"
        self._print("error", "bold red", f"{text}{unchanged}")

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._print("warning", "bold yellow", text)

    def announce(self, tasks: Sequence[Task]) -> None:
        """Print which outputs will be recomputed and why, one line per reason."""
        reasons = Counter(task.replaces for task in tasks if task.replaces is not None)
        for reason, count in reasons.items():
            first = next(task.job.target for task in tasks if task.replaces == reason)
            others = f" and {count - 1} more" if count > 1 else ""
            self._print("note", "bold", f"{first}{others} will be recomputed: {reason}")

    def show(self, event: Event) -> None:
        """Report an event: update the progress bars, and print or keep the result."""
        if event.kind == "started":
            self._bars.add(event.job, Path(describe_source(event.job.source)).name)
            return
        self._bars.remove(event.job)
        self._finished += 1
        if event.kind == "failed":
            self.fail(event.job.source, event.text, event.error_type, event.old_output)
        else:
            self._report(event.result)

    def finish(self, *, stopped: bool) -> None:
        """Print the summary, and how to resume if the run was stopped."""
        if not self._as_json:
            results = [
                self._results[job.target] for job in self._jobs if job.target in self._results
            ]
            # A pipe has no width, and programs that read it expect one line per row.
            print_summary(results, Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS))
        if stopped:
            total, left = len(self._jobs), len(self._jobs) - self._finished
            done = f"{self._finished} of {total} videos done"
            text = f"{done}, {left} left; rerun the same command to resume"
            self._print("stopped", "bold yellow", text)

    def _report(self, result: dict[str, Any]) -> None:
        if self._as_json:
            print(json.dumps(result), flush=True)
        else:
            self._results[Path(result["output"])] = result
        if result["partial"] is not None:
            self.warn(result["partial"])
        if result["damage"] is not None and result["damage"]["frames"]:
            damaged, sampled = len(result["damage"]["frames"]), result["sampled_frames"]
            text = f"{result['damage']['reason']}: {damaged} of {sampled} frames are damaged"
            self.warn(text)

    def _print(self, kind: str, style: str, text: str) -> None:
        text = escape(as_displayed(text, self._console.file))
        self._console.print(f"[{style}]{kind}:[/] {text}", highlight=False, soft_wrap=True)
