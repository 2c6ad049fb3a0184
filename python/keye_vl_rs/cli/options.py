"""The options of the command line, as annotations of its functions' arguments."""

from __future__ import annotations

import math
import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from keye_vl_rs.cli.outputs import SUFFIX, VIDEO_SUFFIXES


def _positive(value: float | None) -> float | None:
    if value is not None and not (value > 0 and math.isfinite(value)):
        raise typer.BadParameter(f"{value} is not a positive number")
    return value


def _from_zero(value: float | None) -> float | None:
    if value is not None and not (value >= 0 and math.isfinite(value)):
        raise typer.BadParameter(f"{value} is not a number from 0 on")
    return value


def _number(value: float) -> float:
    if math.isnan(value):
        raise typer.BadParameter("nan is not a number")
    return value


def _given(value: str | None) -> str | None:
    if value is not None and not value.strip():
        raise typer.BadParameter(f"{value!r} is not the name of a file or folder, nor an address")
    return value


def _all_given(values: list[str]) -> list[str]:
    for value in values:
        _given(value)
    return values


def _folder(value: str) -> Path:
    # As text, for an empty path is the current folder.
    if not value.strip():
        raise typer.BadParameter(f"{value!r} is not the name of a file or folder")
    path = Path(value)
    if value.startswith("~") and not os.path.exists(path.parts[0]):
        raise typer.BadParameter(f"{value}: ~ is not expanded: give {os.path.expanduser(value)}")
    taken = next((one for one in (path, *path.parents) if os.path.exists(one)), path)
    is_file = os.path.exists(taken) and not os.path.isdir(taken)
    if is_file and (taken != path or path.suffix != SUFFIX):
        raise typer.BadParameter(
            f"{taken} is a file: expected a folder, or for one video a name that ends in {SUFFIX}"
        )
    return path


class PixelType(str, Enum):
    """The dtypes that pixel values can have."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class Damaged(str, Enum):
    """What becomes of a video that is truncated or damaged."""

    fail = "raise"
    partial = "partial"
    conceal = "conceal"


class Times(str, Enum):
    """Which times frames get."""

    published = "published"
    presentation = "presentation"


SAMPLING, SIZES, RUNNING = "Which frames", "Sizes and values", "Many videos"

Videos = Annotated[
    list[str],
    typer.Argument(
        metavar="VIDEO...",
        help="Files, http(s) addresses, or folders: every video in and below a folder, by its "
        f"suffix ({' '.join(VIDEO_SUFFIXES)}). Hidden files and folders, and links to folders, "
        "count only where they are named themselves.",
        callback=_all_given,
        show_default=False,
    ),
]
OneVideo = Annotated[
    str | None,
    typer.Argument(
        metavar="[VIDEO]",
        help="A file or address; without one, 60 made frames of 1280x720.",
        callback=_given,
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        parser=_folder,
        metavar="PATH",
        help="Folder for the results (or, for one video, a name that ends in .safetensors). "
        "Without it each goes beside its video. What is below a folder that is given keeps its "
        "place below this one.",
        show_default=False,
    ),
]
Fps = Annotated[
    float,
    typer.Option(help="Frames to sample per second.", callback=_positive, rich_help_panel=SAMPLING),
]
MaxFrames = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Sample no more frames than this.",
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
NFrames = Annotated[
    int | None,
    typer.Option(
        "--nframes",
        min=1,
        help="Sample exactly so many frames, instead of by --fps; --max-frames if that is fewer.",
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
VideoStart = Annotated[
    float | None,
    typer.Option(
        help="Seconds: sample only frames from then on. Timestamps count from the file's start.",
        callback=_from_zero,
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
VideoEnd = Annotated[
    float | None,
    typer.Option(
        help="Seconds: sample only frames up to then.",
        callback=_from_zero,
        show_default=False,
        rich_help_panel=SAMPLING,
    ),
]
Timestamps = Annotated[
    Times,
    typer.Option(
        help="Times of frames: index over average rate, as published, or when they are presented.",
        rich_help_panel=SAMPLING,
    ),
]
MinFrameSimilarity = Annotated[
    float,
    typer.Option(
        help="A frame less like the last slow one than this is slow.",
        callback=_number,
        rich_help_panel=SAMPLING,
    ),
]
MinPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Fewest pixels of a frame. [default: 37632]",
        show_default=False,
        rich_help_panel=SIZES,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Most pixels of a slow frame. [default: 602112]",
        show_default=False,
        rich_help_panel=SIZES,
    ),
]
TotalPixels = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Most pixels of all frames. [default: 51380224]",
        show_default=False,
        rich_help_panel=SIZES,
    ),
]
Dtype = Annotated[PixelType, typer.Option(help="Of the pixel values.", rich_help_panel=SIZES)]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Of all videos together. [default: as for any call: KEYE_VL_UTILS_PARALLEL_NUM, "
        "OMP_NUM_THREADS, or the cores]",
        show_default=False,
        rich_help_panel=RUNNING,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Videos at once, which share the threads. [default: one per thread, 4 at most, and no "
        "more than videos] Each holds its tensors in memory; more than there are threads pay "
        "where reading is slow.",
        show_default=False,
        rich_help_panel=RUNNING,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Make also again what is there, made from the same video with the same options, and "
        "replace what else lies under a result's name: a file that is no result of keye-vl-rs, or "
        "another video's result. Without it such a file stays, and the video fails.",
        rich_help_panel=RUNNING,
    ),
]
OnDamage = Annotated[
    Damaged,
    typer.Option(
        "--on-error",
        help="What becomes of a truncated or damaged video: it fails (raise), what comes before "
        "the damage is used (partial), or what the decoder makes of it (conceal). Results are "
        "marked.",
        rich_help_panel=RUNNING,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        help="Seconds for each video, after which it fails.",
        callback=_positive,
        show_default=False,
        rich_help_panel=RUNNING,
    ),
]
BufferMb = Annotated[
    int,
    typer.Option(
        min=0,
        help="Memory (MiB) of each video at once for frames whose sizes depend on later ones; what "
        "does not fit is decoded twice.",
        rich_help_panel=RUNNING,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="One JSON object per video and line, as each is done: source and output, duration, "
        "fps, size, slow_size and fast_size ([height, width]), numbers of frames and tokens, "
        "stage_seconds, skipped, partial (what is missing), damage (reason, and frames: places "
        "among those sampled) and replaces (why it was made again); or source, error and "
        "error_type.",
    ),
]
