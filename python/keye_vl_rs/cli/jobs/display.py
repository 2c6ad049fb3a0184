"""What is said while many videos are done, and at the end."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from keye_vl_rs.cli.report import print_summary
from keye_vl_rs.cli.standard_streams import as_shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keye_vl_rs.cli.jobs.run import Event, Task
    from keye_vl_rs.cli.outputs import Job

__all__ = ["Display"]

PIPE_COLUMNS = 200


class Display:
    """Says on the standard error what is wrong and how far it is; on the output, what became of it.

    Attributes:
        failures: how many videos failed.
    """

    def __init__(self, jobs: Sequence[Job], *, as_json: bool) -> None:
        """``as_json`` is one object a line for each video, as soon as it is done."""
        self.failures = 0
        self._as_json = as_json
        self._jobs = jobs
        self._results: dict[Path, dict[str, Any]] = {}
        self._finished = 0
        self._in_flight: list[str] = []
        self._console = Console(stderr=True)
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn(
                "{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")
            ),
            console=self._console,
            transient=True,
            disable=as_json or len(jobs) < 2 or not self._console.is_terminal,
        )
        self._bar = self._progress.add_task("", total=len(jobs))

    def __enter__(self) -> Display:
        """Show how far it is."""
        self._progress.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Show it no longer."""
        self._progress.stop()

    def fail(self, source: str, text: str, error_type: str, old_output: Path | None = None) -> None:
        """Say what is wrong with a video, and of which class of errors that is.

        ``old_output`` is what lies under the name of its result from before, if anything does.
        """
        self.failures += 1
        if self._as_json:
            failure = {"source": source, "error": text, "error_type": error_type}
            if old_output is not None:
                failure["old_output"] = str(old_output)
            print(json.dumps(failure), flush=True)
        stays = "" if old_output is None else f"; {old_output} is still the old result"
        self._say("error", "bold red", f"{text}{stays}")

    def warn(self, text: str) -> None:
        """Say what is odd about a video."""
        self._say("warning", "bold yellow", text)

    def announce(self, tasks: Sequence[Task]) -> None:
        """Say which outputs are to be made again, and why: a line for each reason."""
        reasons = Counter(task.replaces for task in tasks if task.replaces is not None)
        for reason, count in reasons.items():
            first = next(task.job.target for task in tasks if task.replaces == reason)
            others = f" and {count - 1} more" if count > 1 else ""
            self._say("note", "bold", f"{first}{others}: to be made again, for {reason}")

    def show(self, event: Event) -> None:
        """Say what became of a video."""
        name = Path(event.job.source).name
        if event.kind == "started":
            self._in_flight.append(name)
        else:
            if name in self._in_flight:
                self._in_flight.remove(name)
            self._finished += 1
            if event.kind == "failed":
                self.fail(event.job.source, event.text, event.error_type, event.old_output)
            else:
                self._keep(event.result)
        self._progress.update(
            self._bar,
            completed=self._finished,
            description=escape(as_shown(", ".join(self._in_flight), self._console.file)),
        )

    def finish(self, *, stopped: bool) -> None:
        """Say what was done in all."""
        if not self._as_json:
            results = [
                self._results[job.target] for job in self._jobs if job.target in self._results
            ]
            # Not folded where nobody watches: a pipe has no width.
            print_summary(results, Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS))
        if stopped:
            done, left = f"{self._finished} of {len(self._jobs)}", len(self._jobs) - self._finished
            self._say(
                "stopped", "bold yellow", f"{done} done, {left} left; the same command goes on"
            )

    def _keep(self, result: dict[str, Any]) -> None:
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

    def _say(self, kind: str, style: str, text: str) -> None:
        text = escape(as_shown(text, self._console.file))
        self._console.print(f"[{style}]{kind}:[/] {text}", highlight=False, soft_wrap=True)
