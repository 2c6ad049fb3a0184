"""Write the report on one video: ``keye-vl-rs inspect VIDEO`` and ``keye-vl-rs demo``."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from keye_vl_rs._media.sources import describe_source
from keye_vl_rs._slow_fast.sizes import SLOW
from keye_vl_rs._util.partial_files import sweep_partials
from keye_vl_rs._util.progress import ProgressCallback
from keye_vl_rs.cli import checks, options
from keye_vl_rs.cli.jobs.bars import Bars
from keye_vl_rs.cli.jobs.log_lines import advise_on_error, forward_log_warnings
from keye_vl_rs.cli.jobs.stop import RunStopFlag, ended_by_ctrl_c, stop_on_signals
from keye_vl_rs.cli.outputs import name_of_url
from keye_vl_rs.cli.report import public_name
from keye_vl_rs.cli.standard_streams import as_displayed
from keye_vl_rs.errors import CancelledError, InvalidArgumentError, KeyeVLError
from keye_vl_rs.inspection import VideoInspection, inspect_video
from keye_vl_rs.inspection.page_data import header_facts

__all__ = ["DEMO_EXAMPLES", "INSPECT_EXAMPLES", "demo", "inspect"]

INSPECT_EXAMPLES = """
**Examples**

Write report.html, and open it in any browser:

`keye-vl-rs inspect clip.mp4 -o report.html`

See what a stricter comparison of four frames per second would cost:

`keye-vl-rs inspect clip.mp4 -o report.html --fps 4 --min-frame-similarity 0.95`

Write a picture (needs `pip install 'keye-vl-rs[plot]'`), or print JSON for a program:

`keye-vl-rs inspect clip.mp4 -o report.png`

`keye-vl-rs inspect clip.mp4 --json`
"""

DEMO_EXAMPLES = """
**Examples**

`keye-vl-rs demo`

Write the report elsewhere:

`keye-vl-rs demo -o /tmp/report.html`
"""

Report = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        parser=checks.report_path,
        metavar="PATH",
        help="The report: a name that ends in .html, .png or .json. An earlier file is replaced. "
        "[default: the video's name and .report.html, in the current folder]",
        show_default=False,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print the inspection as one JSON object, with the fields of "
        "keye_vl_rs.VideoInspection, token_counts (slow, fast, timestamps, markers) and "
        "explanations (a sentence per frame). No report is written without --output. If the video "
        "failed: source, error, error_type.",
    ),
]
InspectedVideo = Annotated[
    str,
    typer.Argument(
        metavar="VIDEO",
        help="Video file or http(s) URL.",
        callback=checks.not_blank,
        show_default=False,
    ),
]
DemoReport = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        parser=checks.report_path,
        metavar="PATH",
        help="The report: a name that ends in .html, .png or .json.",
    ),
]


def inspect(
    video: InspectedVideo,
    output: Report = None,
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
    threads: options.Threads = None,
    on_error: options.OnDamage = options.DamagePolicy.fail,
    timeout: options.Timeout = None,
    as_json: Json = False,
) -> None:
    """Report which frames of a video are slow and why, and what they cost.

    The report is one HTML file that opens in any browser, without a network: a timeline of all
    sampled frames, the comparison behind each of them, the tokens, and controls that show what
    another threshold or budget would change. Frames, sizes and tokens are those that preprocess
    writes with the same options.

    Exit status: 0 if the report was written; 1 if the video or the output failed; 2 for wrong
    usage; 130 after Ctrl-C.
    """
    checks.ranges(video_start, video_end, min_pixels, max_pixels)
    target = output
    if target is None and not as_json:
        target = Path(f"{_stem(video)}.report.html")
    arguments = {
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
        "threads": threads,
        "on_error": on_error.value,
        "timeout": timeout,
        "thumbnails": target is not None and target.suffix.lower() != ".json",
    }
    _inspect(video, target, arguments, as_json=as_json)


def demo(output: DemoReport = Path("demo-out/report.html")) -> None:
    """Inspect a short clip that comes with the package, and say where the report is.

    The clip is an excerpt of "Big Buck Bunny", (c) 2008 Blender Foundation, licensed CC BY 3.0.
    """
    with as_file(files("keye_vl_rs.inspection") / "demo.mp4") as clip:
        _inspect(str(clip), output, {"fps": 4.0}, as_json=False)


def _inspect(video: str, target: Path | None, arguments: dict[str, Any], *, as_json: bool) -> None:
    """Inspect a video, write the report, and print a summary or JSON."""
    # Imported before signals are caught: the import takes seconds, and Ctrl-C must end it.
    with ended_by_ctrl_c():
        import torch  # noqa: F401

    stop = RunStopFlag()
    with forward_log_warnings(_warn), _warnings_as_lines(), stop_on_signals(stop):
        try:
            with _progress_bar(video, disable=as_json) as progress:
                inspection = inspect_video(video, cancel=stop, progress=progress, **arguments)
        except CancelledError:
            if stop.signal is None:
                raise
            raise typer.Exit(128 + stop.signal) from None
        except KeyeVLError as error:
            text = advise_on_error(str(error))
            if as_json:
                fields = {"source": video, "error": text, "error_type": public_name(error)}
                print(json.dumps(fields))
            _fail(text, 2 if isinstance(error, InvalidArgumentError) else 1)
        written = None
        if target is not None:
            try:
                sweep_partials([target])
                written = inspection.save(target)
            except OSError as error:
                _fail(f"{target}: the report cannot be written: {error.strerror or error}", 1)
        # A signal that came too late to cancel the inspection.
        if stop.signal is not None:
            raise typer.Exit(128 + stop.signal)
    if as_json:
        print(inspection.to_json())
    else:
        for line in _summary(inspection, written):
            print(as_displayed(line, sys.stdout))


@contextmanager
def _progress_bar(video: str, *, disable: bool) -> Iterator[ProgressCallback | None]:
    """Show a bar within a video on a terminal; yield what updates it, or None without a bar."""
    console = Console(stderr=True)
    bars = Bars(console, 1, disable=disable or not console.is_terminal)
    if bars.disabled:
        yield None
        return
    bars.start()
    try:
        bars.add(video, Path(describe_source(video)).name)
        yield partial(bars.advance, video)
    finally:
        bars.stop()


def _summary(inspection: VideoInspection, written: Path | None) -> Iterator[str]:
    """Yield the lines that are printed without ``--json``."""
    yield inspection.name
    for name, value in header_facts(inspection).items():
        yield f"  {name:<8} {value}"
    slow = (frame for frame, kind in enumerate(inspection.frame_types) if kind == SLOW and frame)
    yield f"  For example: {inspection.explain(next(slow, len(inspection.frame_types) - 1))}"
    if written is not None:
        yield f"Wrote {written.resolve()}"
        if written.suffix.lower() == ".html":
            yield "Open it in any browser."


def _stem(video: str) -> str:
    return Path(name_of_url(video) if "://" in video else video).stem or "video"


def _fail(text: str, status: int) -> NoReturn:
    print(as_displayed(f"error: {text}", sys.stderr), file=sys.stderr)
    raise typer.Exit(status)


def _warn(text: str) -> None:
    print(as_displayed(f"warning: {text}", sys.stderr), file=sys.stderr)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print warnings about damage as one line each, without the place in the code."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        _warn(str(message))

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield
