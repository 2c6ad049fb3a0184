"""Format results for people, as tables, and for programs, as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich import box
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from keye_vl_rs._media.sources import describe_source
from keye_vl_rs.cli.standard_streams import as_displayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from keye_vl_rs._decoding.damage import Damage
    from keye_vl_rs.cli.bench import Comparison
    from keye_vl_rs.cli.outputs import Job
    from keye_vl_rs.video_inputs import VideoInputs

__all__ = [
    "NOT_RUN",
    "damage_as_json",
    "format_size",
    "print_comparison",
    "print_rows",
    "print_summary",
    "public_name",
    "result_fields",
    "summarize",
]

# Wider than any table, to measure the width that a table would like to have.
UNLIMITED_WIDTH = 10_000
# Column titles of the stages of ``stage_seconds``.
STAGES = ("decode", "slow/fast", "patches", "write")
# The ``stage_seconds`` of a video that was skipped.
NOT_RUN = dict.fromkeys(("decode", "slow_fast", "patches", "write"), 0.0)


def summarize(inputs: VideoInputs) -> dict[str, Any]:
    """Return what an output holds, as JSON types. Sizes are [height, width], times in seconds."""
    return {
        "duration": round(inputs.duration, 3),
        "fps": inputs.fps,
        "size": list(inputs.size),
        "total_frames": inputs.total_frames,
        "sampled_frames": len(inputs.frame_types),
        "slow_frames": inputs.slow_frames,
        "fast_frames": len(inputs.frame_types) - inputs.slow_frames,
        "slow_size": list(inputs.slow_size),
        "fast_size": list(inputs.fast_size),
        "tokens": inputs.tokens,
        "timestamps": inputs.timestamp_kind,
        "dtype": str(inputs.pixel_values_videos.dtype).removeprefix("torch."),
    }


def damage_as_json(damage: Damage | None) -> dict[str, Any] | None:
    """Return a video's damage as JSON types."""
    return None if damage is None else {"reason": damage.reason, "frames": list(damage.frames)}


def public_name(error: BaseException) -> str:
    """Return the name of an error's class, or of its first base class that callers can import."""
    public = ("builtins", "keye_vl_rs.errors")
    return next(one.__name__ for one in type(error).__mro__ if one.__module__ in public)


def result_fields(
    job: Job,
    summary: dict[str, Any],
    stage_seconds: dict[str, float],
    *,
    skipped: bool = False,
    partial: str | None = None,
    damage: dict[str, Any] | None = None,
    replaces: str | None = None,
) -> dict[str, Any]:
    """Return the fields that ``--json`` prints for a video that did not fail.

    Args:
        job: the video and its output.
        summary: the result of :func:`summarize`.
        stage_seconds: seconds that each stage took.
        skipped: whether the output was up to date.
        partial: which part of the video is missing; None if it is complete.
        damage: the result of :func:`damage_as_json`; None if the video is undamaged.
        replaces: why an earlier output was recomputed; None if there was none.
    """
    return {
        "source": job.source,
        "output": str(job.target),
        **summary,
        "stage_seconds": {stage: round(seconds, 4) for stage, seconds in stage_seconds.items()},
        "skipped": skipped,
        "partial": partial,
        "damage": damage,
        "replaces": replaces,
    }


def print_summary(results: Sequence[dict[str, Any]], console: Console) -> None:
    """Print results of :func:`result_fields` as a table, or as lists if the console is narrow."""
    rows = [_row(result) for result in results]
    if not rows:
        return
    print_rows(rows, console)
    line = as_displayed(_outputs_line(results), console.file)
    console.print(Text(f"  {line}"), soft_wrap=True)


def print_rows(rows: Sequence[dict[str, str]], console: Console) -> None:
    """Print rows as a table, or as lists if the console is narrow.

    Args:
        rows: texts by the titles of their columns. The column "note" is left out if all are empty.
        console: where to print.
    """

    def shown(text: str) -> str:
        return as_displayed(text, console.file)

    if not any(row["note"] for row in rows):
        rows = [{name: row[name] for name in row if name != "note"} for row in rows]
    table = Table(box=box.SIMPLE_HEAD)
    for name in rows[0]:
        left = name in ("video", "note")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for row in rows:
        # As Text, because a file name may look like markup.
        table.add_row(*(Text(shown(value)) for value in row.values()))
    natural = Measurement.get(
        console, console.options.update(max_width=UNLIMITED_WIDTH), table
    ).maximum
    if natural <= console.width:
        console.print(table)
        return
    for row in rows:
        console.print(Text(shown(row["video"]), style="bold"), soft_wrap=True)
        for name, value in row.items():
            if value and name != "video":
                console.print(Text(f"  {name:<9}  {value}"), soft_wrap=True)


def print_comparison(
    results: Sequence[Comparison],
    name: str,
    shape: Sequence[int],
    machine: str,
    *,
    as_json: bool,
) -> None:
    """Print the median times of each stage, and the ratio of the published time to ours.

    Args:
        results: the stages.
        name: the video, as the report calls it.
        shape: (T, C, H, W), the shape of the frames.
        machine: the result of :func:`keye_vl_rs.cli.bench.describe_machine`.
        as_json: print one JSON object in place of a table.
    """
    frames, _, height, width = shape
    if as_json:
        stages = {
            one.stage: {"ours": one.ours, "published": one.published, "ratio": one.ratio}
            for one in results
        }
        print(json.dumps({"source": name, "frames": list(shape), "stages": stages}))
        return
    print(f"{name}: {frames} frames of {width}x{height}\n{machine}; medians of alternating runs\n")
    print(f"{'stage':<12}{'published':>12}{'ours':>12}{'ratio':>9}")
    for one in results:
        published = "-" if one.published is None else f"{one.published * 1000:,.1f} ms"
        ratio = "-" if one.ratio is None else f"{one.ratio:.1f}x"
        print(f"{one.stage:<12}{published:>12}{one.ours * 1000:>9,.1f} ms{ratio:>9}")


def _row(result: dict[str, Any]) -> dict[str, str]:
    fast, skipped = result["fast_frames"], result["skipped"]
    stages = zip(STAGES, result["stage_seconds"].values(), strict=True)
    notes = (
        "skipped" if skipped else "",
        "partial" if result["partial"] is not None else "",
        "damaged" if result["damage"] is not None and result["damage"]["frames"] else "",
    )
    return {
        # The whole path, since videos in several folders may have the same name.
        "video": describe_source(result["source"]),
        "duration": f"{result['duration']:.2f} s",
        "size": format_size(result["size"]),
        "sampled": str(result["sampled_frames"]),
        "slow+fast": f"{result['slow_frames']}+{fast}",
        "slow": format_size(result["slow_size"]),
        "fast": format_size(result["fast_size"]) if fast else "-",
        "tokens": f"{result['tokens']:,}",
        **{stage: "-" if skipped else f"{seconds * 1000:,.0f} ms" for stage, seconds in stages},
        "note": ", ".join(note for note in notes if note),
    }


def _outputs_line(results: Sequence[dict[str, Any]]) -> str:
    written = [result["output"] for result in results if not result["skipped"]]
    skipped = [result["output"] for result in results if result["skipped"]]
    parts = []
    if written:
        parts.append(f"wrote {_files(written)}")
    if skipped:
        parts.append(f"skipped {_files(skipped)}, up to date (--overwrite recomputes)")
    return "; ".join(parts)


def _files(outputs: Sequence[str]) -> str:
    return outputs[0] if len(outputs) == 1 else f"{len(outputs)} .safetensors files"


def format_size(size: Sequence[int]) -> str:
    """Return a size, (height, width), as people write it: width x height."""
    height, width = size
    return f"{width}x{height}"
