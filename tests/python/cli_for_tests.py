"""Runs the command line and reads what it wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from safetensors import safe_open
from typer.testing import CliRunner

from keye_vl_rs.cli import app

NAMES = ["frame_types", "num_frames", "pixel_values_videos", "timestamps", "video_grid_thw"]


def copy_videos(clip, folder):
    """A few videos below ``folder``."""
    for name in ("a.mp4", "deep/b.mp4", "deep/er/c.MKV", "deep/.hidden.mp4", "other/a.mp4"):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, target)
    (folder / "deep" / "notes.txt").write_text("no video")


def run(*arguments):
    return CliRunner().invoke(app, ["preprocess", *map(str, arguments)])


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def made(folder="."):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*.safetensors"))


def leftovers(folder="."):
    return [path.name for path in Path(folder).rglob("*") if "partial" in path.name]


def load(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def errors_of(result):
    return [line for line in result.stderr.splitlines() if line.startswith("error:")]
