"""Define the options of the commands, as annotations for the arguments of their functions."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs.cli import checks
from keye_vl_rs.cli.outputs import VIDEO_SUFFIXES
from keye_vl_rs.preprocess import BUFFER_BYTES


class PixelType(str, Enum):
    """List the dtypes of pixel values."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class DamagePolicy(str, Enum):
    """List what can be done with a truncated or damaged video."""

    fail = "raise"
    partial = "partial"
    conceal = "conceal"


class TimestampKind(str, Enum):
    """List the ways to compute timestamps."""

    published = "published"
    presentation = "presentation"


SAMPLING, SIZES, BATCH = "Frame sampling", "Frame sizes and dtype", "Batch processing"

Videos = Annotated[
    list[str],
    typer.Argument(
        metavar="VIDEO",
        help="Video files, http(s) URLs, or folders. A folder stands for all videos in it and its "
        f"subfolders with one of the suffixes {' '.join(VIDEO_SUFFIXES)}. Hidden files, hidden "
        "folders and links to folders are skipped unless you name them.",
        callback=checks.none_blank,
        show_default=False,
    ),
]
OneVideo = Annotated[
    str | None,
    typer.Argument(
        metavar="VIDEO",
        help="Video file or http(s) URL. [default: a synthetic clip of 60 frames of 1280x720]",
        callback=checks.not_blank,
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        parser=checks.output_path,
        metavar="PATH",
        help="Folder for the outputs, which keeps the subfolders of input folders. For a single "
        "video it may be a file name ending in .safetensors. [default: beside each video]",
        show_default=False,
    ),
]
Fps = Annotated[
    float,
    typer.Option(
        metavar="FPS",
        help="Frames to sample per second of video.",
        callback=checks.positive,
        rich_help_panel=SAMPLING,
    ),
]
MaxFrames = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Sample at most this many frames. [default: --total-pixels / --min-pixels]",
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
NumFrames = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Sample exactly this many frames instead of using --fps; --max-frames still applies.",
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
OldNumFrames = Annotated[int | None, typer.Option("--nframes", min=1, hidden=True)]
VideoStart = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Sample only from this time on. Timestamps still count from the start of the video. "
        "[default: 0]",
        callback=checks.non_negative,
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
VideoEnd = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Sample only up to this time. [default: the end of the video]",
        callback=checks.non_negative,
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
Timestamps = Annotated[
    TimestampKind,
    typer.Option(
        metavar="KIND",
        help="How frames get their timestamps. published: frame index / average frame rate, as in "
        "keye-vl-utils. presentation: the times stored in the file.",
        rich_help_panel=SAMPLING,
    ),
]
MinFrameSimilarity = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        help="A frame is slow (large) if a smaller share of its patches than this, from 0 to 1, "
        "looks like the last slow frame. Over 1, every frame is slow.",
        callback=checks.patch_share,
        rich_help_panel=SAMPLING,
    ),
]
MinPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help=f"Minimum pixels (height x width) of a frame. [default: {VideoRules.min_pixels}]",
        show_default=False,
        rich_help_panel=SIZES,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help=f"Maximum pixels of a slow frame. [default: {VideoRules.max_pixels}]",
        show_default=False,
        rich_help_panel=SIZES,
    ),
]
TotalPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Maximum pixels of all frames of a video together. [default: "
        f"{VideoRules.total_pixels}]",
        show_default=False,
        rich_help_panel=SIZES,
    ),
]
Dtype = Annotated[
    PixelType, typer.Option(help="Dtype of pixel_values_videos.", rich_help_panel=SIZES)
]
_DEFAULT_THREADS = (
    "[default: KEYE_VL_UTILS_PARALLEL_NUM, else OMP_NUM_THREADS, else one per usable core]"
)
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help=f"Threads in total, shared by all videos. {_DEFAULT_THREADS}",
        show_default=False,
        rich_help_panel=BATCH,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Videos to process at once. They share the threads, and each holds its tensors in "
        "memory. More jobs than threads pay off where reading is slow. [default: one per thread, "
        "at most 4]",
        show_default=False,
        rich_help_panel=BATCH,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Recompute outputs that are up to date, and replace files not written by keye-vl-rs "
        "and outputs of other videos. Without it such a file is kept, and the video that would "
        "replace it fails.",
        rich_help_panel=BATCH,
    ),
]
OnDamage = Annotated[
    DamagePolicy,
    typer.Option(
        "--on-error",
        metavar="POLICY",
        help="What to do with a truncated or damaged video. raise: let it fail. partial: use what "
        "comes before the damage. conceal: use the frames as the decoder returns them. The output "
        "records the damage.",
        rich_help_panel=BATCH,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        help="Let a video fail that takes longer than this. [default: no limit]",
        callback=checks.positive,
        show_default=False,
        rich_help_panel=BATCH,
    ),
]
BufferMib = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="MIB",
        help="Memory per video for frames whose size depends on later frames. Frames that do not "
        f"fit are decoded twice. [default: {BUFFER_BYTES >> 20}]",
        show_default=False,
        rich_help_panel=BATCH,
    ),
]
OldBufferMib = Annotated[int | None, typer.Option("--buffer-mb", min=0, hidden=True)]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON object per line for each video, as soon as it is done. Fields: "
        "source, output, duration (seconds), fps, size, slow_size and fast_size ([height, width]), "
        "numbers of frames and tokens, stage_seconds, skipped, partial (what is missing), damage "
        "(reason, and indices of damaged sampled frames), replaces (why an output was recomputed). "
        "If the video failed: source, error, error_type.",
    ),
]
BenchMaxFrames = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="Sample at most this many frames. [default: "
        f"{int(VideoRules.total_pixels / VideoRules.min_pixels)}]",
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
BenchThreads = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help=f"Threads of each side. {_DEFAULT_THREADS}",
        show_default=False,
    ),
]
Runs = Annotated[
    int, typer.Option(min=1, metavar="N", help="Runs of each side, taken in alternation.")
]
BenchAsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON object: source, frames ([frames, channels, height, width]) and, per "
        "stage, the median seconds (ours, published) and their ratio.",
    ),
]
