"""The command line: ``keye-vl-rs preprocess VIDEO...`` and ``keye-vl-rs bench [VIDEO]``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from keye_vl_rs._core import __version__, simd_level, thread_count
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video import read_video_file
from keye_vl_rs.cli import options
from keye_vl_rs.cli.jobs.display import Display
from keye_vl_rs.cli.jobs.full_disk import is_full_disk
from keye_vl_rs.cli.jobs.log_lines import shown_log
from keye_vl_rs.cli.jobs.run import Settings, run_batch, survey
from keye_vl_rs.cli.jobs.workers import StopFlag, stop_on_signals
from keye_vl_rs.cli.outputs import plan_jobs
from keye_vl_rs.cli.report import print_comparison
from keye_vl_rs.cli.standard_streams import discard_output, show_any_text
from keye_vl_rs.errors import InvalidArgumentError, KeyeVLError
from keye_vl_rs.preprocess import BUFFER_BYTES

__all__ = ["app", "main"]

EXAMPLES = """
**Examples**

`keye-vl-rs preprocess clip.mp4` writes clip.safetensors beside it.

`keye-vl-rs preprocess videos/ -o tensors/ --fps 2 --max-frames 64 --dtype bfloat16` does a folder;
the same again goes on where it was stopped, and does what is new or has changed.

`keye-vl-rs preprocess videos/ --threads 8 --jobs 4` does four videos at once, with two decoder
threads each.

`keye-vl-rs preprocess videos/ --on-error partial --timeout 60 --json` takes what it can get, and
tells a program of it.
"""

app = typer.Typer(
    name="keye-vl-rs",
    help="Videos into the tensors that Keye-VL models read.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """The entry point of the ``keye-vl-rs`` script."""
    show_any_text()
    try:
        app()
    except KeyeVLError as error:
        # What is wrong with an option or the environment, or with the one video of a benchmark.
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, InvalidArgumentError) else 1)
    except OSError as error:
        if not is_full_disk(error):
            raise
        # What is wrong with results is said of each: this is the output's.
        discard_output()
        print(f"error: the standard output cannot be written: {error.strerror}", file=sys.stderr)
        sys.exit(1)


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


@app.command(epilog=EXAMPLES)
def preprocess(
    videos: options.Videos,
    output: options.Output = None,
    fps: options.Fps = 2.0,
    max_frames: options.MaxFrames = None,
    nframes: options.NFrames = None,
    video_start: options.VideoStart = None,
    video_end: options.VideoEnd = None,
    timestamps: options.Timestamps = options.Times.published,
    min_frame_similarity: options.MinFrameSimilarity = 0.9,
    min_pixels: options.MinPixels = None,
    max_pixels: options.MaxPixels = None,
    total_pixels: options.TotalPixels = None,
    dtype: options.Dtype = options.PixelType.float32,
    threads: options.Threads = None,
    jobs: options.Jobs = None,
    overwrite: options.Overwrite = False,
    on_error: options.OnDamage = options.Damaged.fail,
    timeout: options.Timeout = None,
    buffer_mb: options.BufferMb = BUFFER_BYTES >> 20,
    as_json: options.AsJson = False,
) -> None:
    """Write each video's tensors to a .safetensors file, under the names of the model's inputs.

    The file holds pixel_values_videos, video_grid_thw and num_frames, and also frame_types (0 slow,
    1 fast) and timestamps (seconds); its metadata say how it was made. It appears when it is whole,
    and is skipped when it is there: made by this version from the same video (path, size and time
    of change) with the same options. One that was made otherwise is made again, and a file that is
    no result of this video stays, as --overwrite says.

    A result is named after its video, whatever else is done: clip.safetensors for clip.mp4, and
    with any other suffix kept, clip.webm.safetensors for clip.webm. Videos whose results would be
    one file fail.

    The exit status is 1 if a video failed; the others are done all the same, unless the disk is
    full or read-only, which ends it at once. It is 2 for wrong usage. Ctrl-C ends it with status
    130 after what is written, and the same command goes on from there.
    """
    if video_start is not None and video_end is not None and video_start > video_end:
        raise typer.BadParameter(f"--video-start {video_start:g} is after --video-end")
    settings = Settings(
        {
            "fps": fps,
            "max_frames": max_frames,
            "nframes": nframes,
            "video_start": video_start,
            "video_end": video_end,
            "timestamps": timestamps.value,
            "min_frame_similarity": min_frame_similarity,
            "min_pixels": min_pixels,
            "max_pixels": max_pixels,
            "video_total_pixels": total_pixels,
            "dtype": dtype.value,
        },
        threads=threads,
        jobs=jobs,
        timeout=timeout,
        buffer_bytes=buffer_mb << 20,
        on_error=on_error.value,
        overwrite=overwrite,
    )
    try:
        planned, bad = plan_jobs(videos, output)
    except InvalidArgumentError as error:
        raise typer.BadParameter(str(error), param_hint="--output") from error
    display = Display(planned, as_json=as_json)
    for one in bad:
        display.fail(one.given, one.reason, one.error_type.__name__)
    known, left = survey(planned, settings)
    stop = StopFlag()
    with display, shown_log(display.warn):
        display.announce(left)
        for event in known:
            display.show(event)
        if left:
            # Before signals are caught: it takes seconds that nothing else could end.
            import torch  # noqa: F401

            with stop_on_signals(stop):
                for event in run_batch(left, settings, stop):
                    display.show(event)
    display.finish(stopped=stop.signal is not None or stop.hopeless)
    if stop.signal is not None:
        raise typer.Exit(128 + stop.signal)
    if display.failures:
        raise typer.Exit(1)


@app.command()
def bench(
    video: options.OneVideo = None,
    fps: options.Fps = 2.0,
    max_frames: options.MaxFrames = None,
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
    from keye_vl_rs.cli.bench import compare_stages, describe_machine, made_frames

    if video is None:
        frames, name = made_frames(), "60 made frames"
    else:
        ele = {"video": video, "fps": fps}
        if max_frames is not None:
            ele["max_frames"] = max_frames
        with shown_log(lambda text: print(f"warning: {text}", file=sys.stderr)):
            rules = VideoRules()
            frames, name = read_video_file(ele, rules, rules.count_frames).frames, video
    results = compare_stages(frames, threads=threads or thread_count(), runs=runs)
    print_comparison(results, name, frames.shape, describe_machine(), as_json=as_json)
