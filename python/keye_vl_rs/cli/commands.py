"""Define the commands of ``keye-vl-rs``; ``probing`` and ``inspecting`` have functions of some."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from keye_vl_rs._core import __version__, simd_level, thread_count
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video import read_video_file
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs.cli import inspecting, options, probing
from keye_vl_rs.cli.checks import ranges, renamed_option
from keye_vl_rs.cli.jobs.display import Display
from keye_vl_rs.cli.jobs.full_disk import is_full_disk
from keye_vl_rs.cli.jobs.log_lines import forward_log_warnings
from keye_vl_rs.cli.jobs.run import Settings, find_pending, run_batch
from keye_vl_rs.cli.jobs.stop import RunStopFlag, ended_by_ctrl_c, stop_on_signals
from keye_vl_rs.cli.outputs import plan_jobs
from keye_vl_rs.cli.report import print_comparison
from keye_vl_rs.cli.standard_streams import discard_output, escape_unencodable
from keye_vl_rs.errors import InvalidArgumentError, KeyeVLError
from keye_vl_rs.limits import Limits
from keye_vl_rs.preprocess import BUFFER_BYTES

__all__ = ["app", "main"]

DESCRIPTION = """Turn videos into the input tensors of Keye-VL models.

The tensors equal those of keye-vl-utils 1.5.2 and the Keye-VL-1.5 processor bit for bit.
"""

APP_EXAMPLES = """
**Examples**

Preprocess every video in a folder:

`keye-vl-rs preprocess videos/ -o tensors/`

See what the videos in a folder would cost, without decoding them:

`keye-vl-rs probe videos/`

See which frames of a video are slow and why, in any browser:

`keye-vl-rs inspect clip.mp4 -o report.html`

Measure the speedup on this machine:

`keye-vl-rs bench clip.mp4`

Show the options and outputs of a command:

`keye-vl-rs preprocess --help`
"""

PREPROCESS_EXAMPLES = """
**Examples**

Write clip.safetensors beside the video:

`keye-vl-rs preprocess clip.mp4`

Preprocess a folder. Rerun to resume after an interruption, or to add new and changed videos:

`keye-vl-rs preprocess videos/ -o tensors/ --fps 2 --max-frames 64 --dtype bfloat16`

Process four videos at once, with two decoder threads each:

`keye-vl-rs preprocess videos/ --threads 8 --jobs 4`

Keep the readable part of damaged videos, allow each video 60 seconds, and print JSON for a program:

`keye-vl-rs preprocess videos/ --on-error partial --timeout 60 --json`
"""

BENCH_EXAMPLES = """
**Examples**

Time both stages on a synthetic clip, without a file:

`keye-vl-rs bench`

Use the frames of your own video, and two threads:

`keye-vl-rs bench clip.mp4 --fps 2 --threads 2`
"""

app = typer.Typer(
    name="keye-vl-rs",
    help=DESCRIPTION,
    epilog=APP_EXAMPLES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; the entry point of the ``keye-vl-rs`` script.

    The exit status is 2 for wrong usage, and 1 if a video failed or an output cannot be written.
    """
    escape_unencodable()
    try:
        app()
    except KeyeVLError as error:
        # An option or environment variable is wrong, or the video of `bench` cannot be read.
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, InvalidArgumentError) else 1)
    except OSError as error:
        if not is_full_disk(error):
            raise
        # Errors of writing tensors are reported per video, so this one is of standard output.
        discard_output()
        print(f"error: cannot write to standard output: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"keye-vl-rs {__version__} ({simd_level()}, {thread_count()} threads)")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    # A docstring would replace DESCRIPTION in the help.
    pass


@app.command(epilog=PREPROCESS_EXAMPLES)
def preprocess(
    videos: options.Videos,
    output: options.Output = None,
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
    threads: options.Threads = None,
    jobs: options.Jobs = None,
    overwrite: options.Overwrite = False,
    on_error: options.OnDamage = options.DamagePolicy.fail,
    timeout: options.Timeout = None,
    buffer_mib: options.BufferMib = None,
    as_json: options.AsJson = False,
    nframes: options.OldNumFrames = None,
    buffer_mb: options.OldBufferMib = None,
) -> None:
    """Preprocess videos and write the tensors of each to a .safetensors file.

    The file holds the model's inputs pixel_values_videos, video_grid_thw and num_frames, and also
    frame_types (0 slow, 1 fast) and timestamps (seconds), one value per frame. Its metadata record
    the video, the options and the version it was written with.

    clip.mp4 becomes clip.safetensors. Any other suffix is kept, so clip.webm becomes
    clip.webm.safetensors. Different videos that would be written to the same file all fail.

    Outputs appear only when complete. Rerun the same command to resume: outputs that are up to date
    are skipped, that is, written by this version from the same video (path, size and modification
    time) with the same options. Outdated outputs are recomputed. Any other file with an output's
    name is left alone, and the video fails, unless you pass --overwrite.

    Exit status: 0 if all videos succeeded; 1 if any failed (the others are still processed, but a
    full or read-only disk ends the run); 2 for wrong usage; 130 after Ctrl-C, with the outputs
    finished so far in place.
    """
    ranges(video_start, video_end, min_pixels, max_pixels)
    num_frames = renamed_option("--nframes", nframes, "--num-frames", num_frames)
    buffer_mib = renamed_option("--buffer-mb", buffer_mb, "--buffer-mib", buffer_mib)
    # Wrong environment variables are wrong usage: report them once, before any video.
    Limits.from_environment()
    simd_level()
    settings = Settings(
        {
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
        },
        threads=threads,
        jobs=jobs,
        timeout=timeout,
        buffer_bytes=BUFFER_BYTES if buffer_mib is None else buffer_mib << 20,
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
    finished, pending = find_pending(planned, settings)
    stop = RunStopFlag()
    with display, forward_log_warnings(display.warn):
        display.announce(pending)
        for event in finished:
            display.show(event)
        if pending:
            # Imported before signals are caught: the import takes seconds, and Ctrl-C must end it.
            with ended_by_ctrl_c():
                import torch  # noqa: F401

            with stop_on_signals(stop):
                for event in run_batch(pending, settings, stop, display.advance):
                    display.show(event)
    display.finish(stopped=stop.signal is not None or stop.disk_full)
    if stop.signal is not None:
        raise typer.Exit(128 + stop.signal)
    if display.failures:
        raise typer.Exit(1)


@app.command(epilog=BENCH_EXAMPLES)
def bench(
    video: options.OneVideo = None,
    fps: options.Fps = 2.0,
    max_frames: options.BenchMaxFrames = None,
    threads: options.BenchThreads = None,
    runs: options.Runs = 5,
    as_json: options.BenchAsJson = False,
) -> None:
    """Compare the speed with the published Python code, on this machine and your own clip.

    Prints the median time of each stage for both, and the speedup. Two stages are timed, without
    decoding: slow/fast against keye-vl-utils 1.5.2, and patches against the steps of the processor
    in transformers pull request 41040. Before anything is timed, both must return equal results.

    The published slow/fast stage needs `pip install keye-vl-utils==1.5.2 opencv-python-headless
    einops torchvision`. Without these, only the time of keye-vl-rs is shown for it.
    """
    from keye_vl_rs.cli.bench import compare_stages, describe_machine, synthetic_frames

    if video is None:
        frames, name = synthetic_frames(), "synthetic clip"
    else:
        clip = VideoOptions(source=video, fps=fps, max_frames=max_frames)
        with forward_log_warnings(lambda text: print(f"warning: {text}", file=sys.stderr)):
            frames, name = read_video_file(clip, VideoRules()).frames, video
    results = compare_stages(frames, threads=threads or thread_count(), runs=runs)
    print_comparison(results, name, frames.shape, describe_machine(), as_json=as_json)


app.command(epilog=probing.PROBE_EXAMPLES)(probing.probe)
app.command(epilog=inspecting.INSPECT_EXAMPLES)(inspecting.inspect)
app.command(epilog=inspecting.DEMO_EXAMPLES)(inspecting.demo)
