"""The command line: ``keye-vl-rs preprocess VIDEO...`` and ``keye-vl-rs bench [VIDEO]``."""

from __future__ import annotations

import json
import math
import sys
import time
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from keye_vl_rs import vision_process
from keye_vl_rs._core import __version__, simd_level, thread_count
from keye_vl_rs.errors import KeyeVLError
from keye_vl_rs.outputs import Job, plan_jobs, save_video_inputs
from keye_vl_rs.preprocess import preprocess_video
from keye_vl_rs.report import describe, print_comparison, print_summary
from keye_vl_rs.vision_process import smart_nframes

__all__ = ["app", "main"]

PIPE_COLUMNS = 200

app = typer.Typer(
    name="keye-vl-rs",
    help="Videos into the tensors that Keye-VL models read.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class PixelType(str, Enum):
    """The dtypes that pixel values can have."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


def main() -> None:
    """The entry point of the ``keye-vl-rs`` script."""
    try:
        app()
    except KeyeVLError as error:
        # What is wrong with the environment, or with the one video of a benchmark.
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"keye-vl-rs {__version__} ({simd_level()}, {thread_count()} threads)")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say it and exit."),
    ] = False,
) -> None:
    """Videos into the tensors that Keye-VL models read."""


def _positive(value: float | None) -> float | None:
    if value is not None and not (value > 0 and math.isfinite(value)):
        raise typer.BadParameter(f"{value} is not a positive number")
    return value


def _number(value: float) -> float:
    if math.isnan(value):
        raise typer.BadParameter("nan is not a number")
    return value


@app.command()
def preprocess(
    videos: Annotated[
        list[str],
        typer.Argument(
            metavar="VIDEO...",
            help="Files, http(s) addresses, or folders: every video in and below a folder.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="Folder for the results (or, for one video, a name that ends in .safetensors). "
            "Without it each goes beside its video.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[
        float, typer.Option(help="Frames to sample per second.", callback=_positive)
    ] = 2.0,
    max_frames: Annotated[
        int | None, typer.Option(min=1, help="Sample no more frames than this.", show_default=False)
    ] = None,
    nframes: Annotated[
        int | None,
        typer.Option(
            min=1, help="Sample exactly so many frames, instead of by --fps.", show_default=False
        ),
    ] = None,
    min_pixels: Annotated[
        int | None,
        typer.Option(min=1, help="Fewest pixels of a frame. [default: 37632]", show_default=False),
    ] = None,
    max_pixels: Annotated[
        int | None,
        typer.Option(
            min=1, help="Most pixels of a slow frame. [default: 602112]", show_default=False
        ),
    ] = None,
    total_pixels: Annotated[
        int | None,
        typer.Option(
            min=1, help="Most pixels of all frames. [default: 51380224]", show_default=False
        ),
    ] = None,
    min_frame_similarity: Annotated[
        float,
        typer.Option(
            help="A frame less like the last slow one than this is slow.", callback=_number
        ),
    ] = 0.9,
    dtype: Annotated[PixelType, typer.Option(help="Of the pixel values.")] = PixelType.float32,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per video and line, for programs.")
    ] = False,
) -> None:
    """Write each video's tensors to a .safetensors file, under the names of the model's inputs.

    The file holds pixel_values_videos, video_grid_thw and num_frames, and also frame_types (0 slow,
    1 fast) and timestamps (seconds).

    The exit status is 1 if a video failed; the others are done all the same.
    """
    jobs, bad = plan_jobs(videos, output)
    console = Console(stderr=True)
    for one in bad:
        _report_failure(console, one.reason, one.given, as_json)
    options: dict[str, Any] = {
        "fps": fps,
        "max_frames": max_frames,
        "nframes": nframes,
        "min_pixels": min_pixels,
        "max_pixels": max_pixels,
        "video_total_pixels": total_pixels,
        "min_frame_similarity": min_frame_similarity,
    }
    results = []
    with _progress(console, len(jobs), quiet=as_json) as progress:
        bar = progress.add_task("", total=len(jobs))
        for job in jobs:
            progress.update(bar, description=escape(Path(job.source).name))
            try:
                result = _run(job, dtype, options)
            # One bad file, in whatever way it is bad, must not cost the others.
            except Exception as error:
                text = str(error) if isinstance(error, KeyeVLError) else _unforeseen(job, error)
                _report_failure(console, text, job.source, as_json)
            else:
                results.append(result)
                if as_json:
                    print(json.dumps(result), flush=True)
            progress.advance(bar)
    if not as_json:
        # Not folded where nobody watches: a pipe has no width.
        print_summary(results, Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS))
    if len(results) < len(jobs) + len(bad):
        raise typer.Exit(1)


@app.command()
def bench(
    video: Annotated[
        str | None,
        typer.Argument(
            metavar="[VIDEO]",
            help="A file or address; without one, 60 made frames of 1280x720.",
            show_default=False,
        ),
    ] = None,
    fps: Annotated[float, typer.Option(help="Frames to sample.", callback=_positive)] = 2.0,
    max_frames: Annotated[
        int | None, typer.Option(min=1, help="Sample no more frames than this.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="For both sides. [default: as for any call]", show_default=False),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Of each side, in turn.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Time this machine against the published Python path, on your own clip.

    Both sides see the same frames and threads, run in turn, and give equal results, which is
    checked first. The published slow/fast stage needs keye-vl-utils, opencv-python-headless, einops
    and torchvision; without them only our own time is shown.
    """
    from keye_vl_rs.bench import compare_stages, describe_machine, made_frames

    if video is None:
        frames, name = made_frames(), "60 made frames"
    else:
        ele = {"video": video, "fps": fps}
        if max_frames is not None:
            ele["max_frames"] = max_frames
        frames, name = vision_process.read_video_file(ele, smart_nframes).frames, video
    results = compare_stages(frames, threads=threads or thread_count(), runs=runs)
    print_comparison(results, name, frames.shape, describe_machine(), as_json=as_json)


def _run(job: Job, dtype: PixelType, options: dict[str, Any]) -> dict[str, Any]:
    import torch

    inputs = preprocess_video(job.source, dtype=getattr(torch, dtype.value), **options)
    started = time.perf_counter()
    save_video_inputs(inputs, job.target, job.source)
    stages = {**inputs.stage_seconds, "write": time.perf_counter() - started}
    return describe(inputs, job.source, job.target, stages)


def _unforeseen(job: Job, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or "no message"
    return f"{job.source}: {type(error).__name__}: {' '.join(str(reason).split())}"


def _report_failure(console: Console, text: str, source: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"source": source, "error": text}), flush=True)
    console.print(f"[bold red]error:[/] {escape(text)}", highlight=False, soft_wrap=True)


def _progress(console: Console, count: int, *, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or count < 2 or not console.is_terminal,
    )
