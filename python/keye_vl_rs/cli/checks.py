"""Check the values of options; the errors count as wrong usage."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TypeVar

import typer

from keye_vl_rs.cli.outputs import REPORT_SUFFIXES, SUFFIX

__all__ = [
    "non_negative",
    "none_blank",
    "not_blank",
    "output_path",
    "patch_share",
    "positive",
    "ranges",
    "renamed_option",
    "report_path",
]

Value = TypeVar("Value")


def positive(value: float | None) -> float | None:
    """Return an option's value; raise if it is not finite and over 0."""
    if value is not None and not (value > 0 and math.isfinite(value)):
        raise typer.BadParameter(f"{value} is not a positive number")
    return value


def non_negative(value: float | None) -> float | None:
    """Return an option's value; raise if it is not finite and at least 0."""
    if value is not None and not (value >= 0 and math.isfinite(value)):
        raise typer.BadParameter(f"{value} is not a number of at least 0")
    return value


def patch_share(value: float) -> float:
    """Return a share of patches; raise if it is NaN, and warn if it is beyond 0 to 1."""
    if math.isnan(value):
        raise typer.BadParameter("nan is not a number")
    if not 0 <= value <= 1:
        effect = "every frame is slow" if value > 1 else "only the first frame is slow"
        percentage = f"; for {value:g}% give {value / 100:g}" if 2 <= value <= 100 else ""
        print(
            f"warning: --min-frame-similarity is {value:g}, not a share from 0 to 1, so "
            f"{effect}{percentage}",
            file=sys.stderr,
        )
    return value


def ranges(
    video_start: float | None,
    video_end: float | None,
    min_pixels: int | None,
    max_pixels: int | None,
) -> None:
    """Raise if an option for a beginning or a minimum is over the one for its end or maximum."""
    if video_start is not None and video_end is not None and video_start > video_end:
        raise typer.BadParameter(
            f"--video-start {video_start:g} is after --video-end {video_end:g}"
        )
    # The published code takes the minimum then, without a word.
    if min_pixels is not None and max_pixels is not None and min_pixels > max_pixels:
        raise typer.BadParameter(f"--min-pixels {min_pixels} is over --max-pixels {max_pixels}")


def not_blank(value: str | None) -> str | None:
    """Return an input; raise if it is blank."""
    # Python takes an empty path, such as an unset shell variable leaves, for the current folder.
    if value is not None and not value.strip():
        raise typer.BadParameter(f"{value!r} is blank: expected a file, a folder or a URL")
    return value


def none_blank(values: list[str]) -> list[str]:
    """Return the inputs; raise if one is blank."""
    for value in values:
        not_blank(value)
    return values


def output_path(value: str) -> Path:
    """Parse ``--output``; raise unless it is, or can become, a folder or a .safetensors file."""
    # Checked as text, because Path("") is the current folder.
    if not value.strip():
        raise typer.BadParameter(f"{value!r} is blank: expected a file or a folder")
    path = Path(value)
    if value.startswith("~") and not os.path.exists(path.parts[0]):
        raise typer.BadParameter(f"{value}: ~ is not expanded: give {os.path.expanduser(value)}")
    existing = next((one for one in (path, *path.parents) if os.path.exists(one)), path)
    is_file = os.path.exists(existing) and not os.path.isdir(existing)
    if is_file and (existing != path or path.suffix != SUFFIX):
        raise typer.BadParameter(
            f"{existing} is a file: expected a folder, or for a single video a name ending in "
            f"{SUFFIX}"
        )
    return path


def report_path(value: str) -> Path:
    """Parse the ``--output`` of a report; raise unless its suffix is one that can be written."""
    path = Path(value)
    if path.suffix.lower() not in REPORT_SUFFIXES:
        raise typer.BadParameter(f"{value!r}: expected a name that ends in .html, .png or .json")
    if path.is_dir():
        raise typer.BadParameter(f"{value!r} is a folder: expected the name of a file")
    return path


def renamed_option(
    old_name: str, old: Value | None, new_name: str, new: Value | None
) -> Value | None:
    """Return the value of an option, which may also be given by its old name.

    The old name gives a warning. Both names together are wrong usage.
    """
    if old is None:
        return new
    if new is not None:
        raise typer.BadParameter(f"got both {new_name} and its old name {old_name}")
    print(
        f"warning: {old_name} is now called {new_name}; the old name will be removed in 0.3",
        file=sys.stderr,
    )
    return old
