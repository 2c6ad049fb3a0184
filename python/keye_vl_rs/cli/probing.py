"""Define the command ``keye-vl-rs probe VIDEO...``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from keye_vl_rs._media.sources import describe_source
from keye_vl_rs.batch.engine import Started, run_concurrently
from keye_vl_rs.batch.threads import MAX_WORKERS
from keye_vl_rs.cli import checks, options
from keye_vl_rs.cli.jobs.damage import collect_damage, route_damage_warnings
from keye_vl_rs.cli.jobs.display import PIPE_COLUMNS
from keye_vl_rs.cli.jobs.log_lines import forward_log_warnings
from keye_vl_rs.cli.jobs.run import describe_error
from keye_vl_rs.cli.jobs.stop import RunStopFlag, ended_by_ctrl_c, stop_on_signals
from keye_vl_rs.cli.outputs import FoundVideo, find_videos
from keye_vl_rs.cli.probe_report import probe_as_json, probe_row, total_row
from keye_vl_rs.cli.report import print_rows
from keye_vl_rs.cli.standard_streams import as_displayed
from keye_vl_rs.errors import CancelledError
from keye_vl_rs.limits import Limits
from keye_vl_rs.probe.probing import probe_video

if TYPE_CHECKING:
    from keye_vl_rs.probe.video_probe import VideoProbe

__all__ = ["PROBE_EXAMPLES", "probe"]

# How long threads may take to finish after Ctrl-C, in case a call does not check the flag.
_STOP_GRACE_S = 2.0
PROBE_EXAMPLES = """
**Examples**

Show what a video would cost with the default options:

`keye-vl-rs probe clip.mp4`

Try other options on a folder, and see the totals:

`keye-vl-rs probe videos/ --fps 1 --max-frames 64 --dtype bfloat16`

Print JSON for a program, and go on after damage as preprocess would:

`keye-vl-rs probe videos/ --on-error partial --json`
"""

Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help=f"Videos to probe at once. [default: at most {MAX_WORKERS}]",
        show_default=False,
        rich_help_panel=options.BATCH,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON object per line for each video, as soon as it is done, with the "
        "fields of keye_vl_rs.VideoProbe, source, and tokens (null if the number depends on which "
        "frames are slow). If the video would fail: source, error, error_type.",
    ),
]


def probe(
    videos: options.Videos,
    fps: options.Fps = 2.0,
    max_frames: options.MaxFrames = None,
    num_frames: options.NumFrames = None,
    video_start: options.VideoStart = None,
    video_end: options.VideoEnd = None,
    timestamps: options.Timestamps = options.TimestampKind.published,
    min_frame_similarity: options.MinFrameSimilarity = 0.9,
    min_pixels: options.MinPixels = None,
    max_pixels: options.MaxPixels = None,
    total_pixels: options.TotalPixels = None,
    dtype: options.Dtype = options.PixelType.float32,
    jobs: Jobs = None,
    on_error: options.OnDamage = options.DamagePolicy.fail,
    timeout: options.Timeout = None,
    as_json: AsJson = False,
) -> None:
    """Show what videos are and how many tokens they would have, without decoding them.

    Prints a table with the duration, size, frame rate and codec of each video, how many frames
    would be sampled, the vision tokens and the memory of the tensors (bounds, because which frames
    are slow is known only after decoding), and how many packets would be decoded. A folder gets a
    row with its totals. Only the index of an mp4 is downloaded where the server allows it.

    Takes the sampling options of preprocess, and reports the videos that would fail with them.
    Damage inside frames is not noticed. A number marked as estimated depends on decoding. For the
    exact tokens of a video, use inspect, which decodes it.

    Exit status: 0 if no video would fail; 1 if any would; 2 for wrong usage; 130 after Ctrl-C.
    """
    checks.ranges(video_start, video_end, min_pixels, max_pixels)
    # Wrong environment variables are wrong usage: report them once, before any video.
    Limits.from_environment()
    settings = {
        "fps": fps,
        "max_frames": max_frames,
        "num_frames": num_frames,
        "video_start": video_start,
        "video_end": video_end,
        "timestamps": timestamps.value,
        "min_frame_similarity": min_frame_similarity,
        "min_pixels": min_pixels,
        "max_pixels": max_pixels,
        "total_pixels": total_pixels,
        "dtype": dtype.value,
        "on_error": on_error.value,
        "timeout": timeout,
    }
    found, bad = find_videos(videos)
    display = _Display(len(found), as_json=as_json)
    for one in bad:
        display.fail(one.given, one.reason, one.error_type.__name__)
    stop = RunStopFlag()
    probes: dict[int, VideoProbe] = {}
    with display.progress, forward_log_warnings(display.warn):
        # Imported before signals are caught: the import takes seconds, and Ctrl-C must end it.
        with ended_by_ctrl_c():
            import av  # noqa: F401
            import torch  # noqa: F401

        with stop_on_signals(stop):
            _probe_all(found, settings, jobs, stop, display, probes)
    if not as_json:
        _print_table(found, probes)
    if stop.signal is not None:
        raise typer.Exit(128 + stop.signal)
    if display.failures:
        raise typer.Exit(1)


def _probe_all(
    found: Sequence[FoundVideo],
    settings: dict[str, Any],
    jobs: int | None,
    stop: RunStopFlag,
    display: _Display,
    probes: dict[int, VideoProbe],
) -> None:
    """Probe several videos at once; add each to ``probes`` under its number."""

    def work(number: int) -> tuple[VideoProbe, list[str]]:
        with collect_damage() as warned:
            return probe_video(found[number].source, **settings, cancel=stop), warned

    workers = max(1, min(jobs or MAX_WORKERS, len(found)))
    with route_damage_warnings():
        for event in run_concurrently(
            range(len(found)), work, workers=workers, stop=stop, grace_seconds=_STOP_GRACE_S
        ):
            source = found[event.task].source
            if isinstance(event, Started):
                display.show(source)
                continue
            display.advance()
            if event.result is not None:
                probes[event.task], warned = event.result
                for text in warned:
                    display.warn(text)
                if display.as_json:
                    print(json.dumps(probe_as_json(source, probes[event.task])), flush=True)
            elif isinstance(event.error, CancelledError) and stop.is_set():
                pass
            # Any error of one video must leave the others unaffected.
            elif isinstance(event.error, Exception):
                display.fail(source, *describe_error(event.error, source))
            elif event.error is not None:
                raise event.error


def _print_table(found: Sequence[FoundVideo], probes: dict[int, VideoProbe]) -> None:
    """Print a row for each video, in the order in which they were given, and the totals."""
    rows = []
    totals: dict[str, list[VideoProbe]] = {}
    for number, one in enumerate(found):
        if number in probes:
            rows.append(probe_row(one.source, probes[number]))
            totals.setdefault(one.given, []).append(probes[number])
    folders = {one.given for one in found if one.given != one.source}
    rows += [
        total_row(f"total of {given}", probed)
        for given, probed in totals.items()
        if given in folders
    ]
    if len(totals) > 1:
        rows.append(total_row("total", list(probes.values())))
    if rows:
        # A pipe has no width, and programs that read it expect one line per row.
        print_rows(rows, Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS))


class _Display:
    """Print progress and messages to standard error.

    Attributes:
        failures: number of videos that would fail.
        as_json: whether failures are printed to standard output, too.
        progress: the progress bar, shown while it is entered.
    """

    def __init__(self, count: int, *, as_json: bool) -> None:
        """Prepare a bar for ``count`` videos."""
        self.failures = 0
        self.as_json = as_json
        self._console = Console(stderr=True)
        self.progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn(
                "{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis")
            ),
            console=self._console,
            transient=True,
            disable=as_json or count < 2 or not self._console.is_terminal,
        )
        self._bar = self.progress.add_task("", total=count)

    def show(self, source: str) -> None:
        """Show that a video was begun."""
        shown = escape(self._shown(describe_source(source)))
        self.progress.update(self._bar, description=shown)

    def advance(self) -> None:
        """Show that a video is done."""
        self.progress.advance(self._bar)

    def fail(self, source: str, text: str, error_type: str) -> None:
        """Report that a video would fail."""
        self.failures += 1
        if self.as_json:
            failure = {"source": source, "error": text, "error_type": error_type}
            print(json.dumps(failure), flush=True)
        self._print("error", "bold red", text)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._print("warning", "bold yellow", text)

    def _print(self, kind: str, style: str, text: str) -> None:
        line = f"[{style}]{kind}:[/] {escape(self._shown(text))}"
        self._console.print(line, highlight=False, soft_wrap=True)

    def _shown(self, text: str) -> str:
        return as_displayed(text, self._console.file)
