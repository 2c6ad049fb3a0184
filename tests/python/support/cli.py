"""Run the command line and read its output."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path

from safetensors import safe_open
from typer.testing import CliRunner

from keye_vl_rs import preprocess_video
from keye_vl_rs.cli import app
from keye_vl_rs.cli.jobs import run as batch_run

NAMES = ["frame_types", "num_frames", "pixel_values_videos", "timestamps", "video_grid_thw"]


def copy_videos(clip, folder):
    """Copy a few videos below ``folder``."""
    for name in ("a.mp4", "deep/b.mp4", "deep/er/c.MKV", "deep/.hidden.mp4", "other/a.mp4"):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(clip, target)
    (folder / "deep" / "notes.txt").write_text("no video")


def copies(clip, count, folder="in"):
    """Create ``count`` videos, each a little smaller than the one before it."""
    Path(folder).mkdir(exist_ok=True)
    for number in range(count):
        # Players ignore a box of this type.
        length = 8 + 100 * (count - number)
        box = struct.pack(">I4s", length, b"free").ljust(length, b"\0")
        Path(folder, f"{number}.mp4").write_bytes(clip.read_bytes() + box)
    return [f"{folder}/{number}.mp4" for number in range(count)]


def run(*arguments, **variables):
    return CliRunner().invoke(app, ["preprocess", *map(str, arguments)], env=variables)


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def results(result):
    """Return the JSON objects of a run with --json, by the name of the video."""
    return {Path(line["source"]).name: line for line in lines(result)}


def made(folder="."):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*.safetensors"))


def versions(folder="out"):
    """Return inodes and times, which change on replacement; an inode alone may be reused."""
    found = {path.name: path.stat() for path in Path(folder).iterdir()}
    return {name: (status.st_ino, status.st_mtime_ns) for name, status in found.items()}


def leftovers(folder="."):
    return [path.name for path in Path(folder).rglob("*") if "partial" in path.name]


def load(path):
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def errors_of(result, kind="error"):
    return [line for line in result.stderr.splitlines() if line.startswith(f"{kind}:")]


def usage_of(result):
    """Return the message about wrong usage, without its box."""
    return " ".join(result.stderr.replace("\u2502", " ").split())


def call_before(monkeypatch, act):
    """Call ``act`` with the name of each video and its options before the video is preprocessed."""

    def preprocess(source, **options):
        act(Path(source).name, options)
        return preprocess_video(source, **options)

    monkeypatch.setattr(batch_run, "preprocess_video", preprocess)
