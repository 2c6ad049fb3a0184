"""Measure what options cost, and write the tables into ``docs/costs.md``.

    python docs/scripts/cost_tables.py [--without-times]

The clip is a minute of the bundled film, looped and scaled to each size, in ``build/docs-clips``.
Seconds are the median of three calls, on an idle machine. Numbers of tokens are the same on every
machine; ``--without-times`` writes these alone.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import re
import statistics
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from keye_vl_rs import VideoInputs, preprocess_video
from keye_vl_rs._core import simd_level

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "costs.md"
SOURCE = ROOT / "tests" / "media" / "bunny_360p.mp4"
CLIPS = ROOT / "build" / "docs-clips"
SIZES = {"640x360": (640, 360), "1280x720": (1280, 720), "1920x1080": (1920, 1080)}
RATES = (1.0, 2.0, 4.0)
FRAME_RATE = 25
SECONDS = 60
ROUNDS = 3
TOKEN = 28 * 28
# Calls with one option changed, on 1920x1080.
OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "`max_frames=64`": {"max_frames": 64},
    "`max_pixels=200704` (256 tokens)": {"max_pixels": 256 * TOKEN},
    "`total_pixels=6422528` (8,192 tokens)": {"total_pixels": 8192 * TOKEN},
    "`min_frame_similarity=0.5`": {"min_frame_similarity": 0.5},
    "`min_frame_similarity=1.0`": {"min_frame_similarity": 1.0},
    '`dtype="bfloat16"`': {"dtype": "bfloat16"},
}


def make_clip(name: str, size: tuple[int, int]) -> Path:
    """Return the looped film at a size, encoded at the first call."""
    target = CLIPS / f"{name}.mp4"
    if target.exists():
        return target
    CLIPS.mkdir(parents=True, exist_ok=True)
    print(f"making {target.relative_to(ROOT)} ...", flush=True)
    partial = target.with_suffix(".partial.mp4")
    with av.open(str(partial), "w") as container:
        options = {"preset": "veryfast", "crf": "23", "g": "250"}
        stream = container.add_stream("libx264", rate=FRAME_RATE, options=options)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for index, frame in enumerate(itertools.islice(_looped(), FRAME_RATE * SECONDS)):
            scaled = frame.reformat(*size, format="yuv420p", interpolation="BICUBIC")
            scaled.pts, scaled.time_base = index, Fraction(1, FRAME_RATE)
            scaled.pict_type = av.video.frame.PictureType.NONE
            container.mux(stream.encode(scaled))
        container.mux(stream.encode(None))
    os.replace(partial, target)
    return target


def _looped() -> Iterator[Any]:
    while True:
        with av.open(str(SOURCE)) as container:
            yield from container.decode(video=0)


def measure(path: Path, *, times: bool, **options: Any) -> tuple[VideoInputs, str]:
    """Return the result of a call, and the median of its seconds as text."""
    video = preprocess_video(str(path), **options)
    if not times:
        return video, ""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        preprocess_video(str(path), **options)
        seconds.append(time.perf_counter() - start)
    return video, f"{statistics.median(seconds):.2f} s"


def rates_table(clips: dict[str, Path], *, times: bool) -> str:
    """Return the table of tokens and seconds by size and frames per second."""
    head = ["A minute of"]
    for rate in RATES:
        head += [f"tokens at `fps={rate:g}`", *(["seconds"] if times else [])]
    rows = []
    for name, path in clips.items():
        row = [name]
        for rate in RATES:
            video, seconds = measure(path, times=times, fps=rate)
            row += [f"{video.tokens:,}", *([seconds] if times else [])]
        rows.append(row)
    return table(head, rows)


def options_table(path: Path, *, times: bool) -> str:
    """Return the table of what single options change."""
    head = ["Call", "Frames (slow)", "Slow", "Fast", "Tokens", "Tensor"]
    head += ["Seconds"] if times else []
    rows = []
    for name, options in OPTIONS.items():
        video, seconds = measure(path, times=times, **options)
        size = video.pixel_values_videos.nbytes / 1e6
        slow, fast = (f"{width}x{height}" for height, width in (video.slow_size, video.fast_size))
        counts = f"{len(video.frame_types)} ({video.slow_frames})"
        row = [name, counts, slow, fast, f"{video.tokens:,}", f"{size:,.0f} MB"]
        rows.append([*row, *([seconds] if times else [])])
    return table(head, rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def replace(text: str, name: str, content: str) -> str:
    """Replace what stands between the marks of a table in a page."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"{PAGE.name} has no marks {begin} and {end}")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)


def conditions(*, times: bool) -> str:
    """Return a sentence that says where and when the tables were made."""
    today = datetime.now(timezone.utc).date().isoformat()
    if not times:
        return f"Made {today} by `make docs-tables`. Seconds: not measured yet."
    return (
        f"Measured {today} by `make docs-tables`, medians of {ROUNDS} calls: "
        f"{os.cpu_count()} cores ({platform.machine()}, {simd_level()}), float32 unless noted."
    )


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description="Write the tables of docs/costs.md.")
    parser.add_argument("--without-times", action="store_true", help="count tokens only")
    times = not parser.parse_args().without_times
    clips = {name: make_clip(name, size) for name, size in SIZES.items()}
    text = PAGE.read_text("utf-8")
    text = replace(text, "rates", rates_table(clips, times=times))
    text = replace(text, "options", options_table(clips["1920x1080"], times=times))
    text = replace(text, "conditions", conditions(times=times))
    PAGE.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
