"""What the command line says about a result: a row of a table, or an object for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich import box
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from keye_vl_rs._media.sources import describe_source
from keye_vl_rs.cli.standard_streams import as_shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from keye_vl_rs._decoding.damage import Damage
    from keye_vl_rs.cli.bench import Comparison
    from keye_vl_rs.cli.outputs import Job
    from keye_vl_rs.video_inputs import VideoInputs

__all__ = [
    "NO_SECONDS",
    "damage_as_json",
    "describe",
    "print_comparison",
    "print_summary",
    "summarize",
]

# Columns that no table has.
NO_LIMIT = 10_000
# As the table calls the stages of ``stage_seconds``.
STAGES = ("decode", "slow/fast", "patches", "write")
# Of a video that was not done.
NO_SECONDS = dict.fromkeys(("decode", "slow_fast", "patches", "write"), 0.0)


def summarize(inputs: VideoInputs) -> dict[str, Any]:
    """What an output holds, in types that JSON has. Sizes are [height, width]; times in seconds."""
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
    """Return a video's damage in types that JSON has."""
    return None if damage is None else {"reason": damage.reason, "frames": list(damage.frames)}


def describe(
    job: Job,
    summary: dict[str, Any],
    stage_seconds: dict[str, float],
    *,
    skipped: bool = False,
    partial: str | None = None,
    damage: dict[str, Any] | None = None,
    replaces: str | None = None,
) -> dict[str, Any]:
    """What became of a video, for programs.

    Args:
        job: the video and its output.
        summary: as :func:`summarize` gives it.
        stage_seconds: how long each stage took.
        skipped: whether the output was there already.
        partial: what is missing of the video; None if nothing is.
        damage: what is wrong with the video and which sampled frames are damaged, as
            :func:`damage_as_json` gives it; None if nothing is.
        replaces: why an output that was there was made again; None if there was none.
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
    """Print what :func:`describe` gave: a table, or a paragraph each where that is too wide."""

    def shown(text: str) -> str:
        return as_shown(text, console.file)

    rows = [_row(result) for result in results]
    if not rows:
        return
    if not any(row["note"] for row in rows):
        for row in rows:
            del row["note"]
    table = Table(box=box.SIMPLE_HEAD)
    for name in rows[0]:
        left = name in ("video", "note")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for row in rows:
        # As they are: a name may hold what looks like markup.
        table.add_row(*(Text(shown(value)) for value in row.values()))
    natural = Measurement.get(console, console.options.update(max_width=NO_LIMIT), table).maximum
    if natural <= console.width:
        console.print(table)
    else:
        for row in rows:
            console.print(Text(shown(row.pop("video")), style="bold"), soft_wrap=True)
            for name, value in row.items():
                if value:
                    console.print(Text(f"  {name:<9}  {value}"), soft_wrap=True)
    console.print(Text(f"  {shown(_written(results))}"), soft_wrap=True)


def print_comparison(
    results: Sequence[Comparison],
    name: str,
    shape: Sequence[int],
    machine: str,
    *,
    as_json: bool,
) -> None:
    """Print each stage's medians, ours and the published ones, and the ratio of the two."""
    frames, _, height, width = shape
    if as_json:
        stages = {
            one.stage: {"ours": one.ours, "published": one.published, "ratio": one.ratio}
            for one in results
        }
        print(json.dumps({"source": name, "frames": list(shape), "stages": stages}))
        return
    print(f"{name}: {frames} frames of {width}x{height}\n{machine}; medians of runs in turn\n")
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
        # Of videos of one name in several folders, all of it.
        "video": describe_source(result["source"]),
        "duration": f"{result['duration']:.2f} s",
        "size": _size(result["size"]),
        "sampled": str(result["sampled_frames"]),
        "slow+fast": f"{result['slow_frames']}+{fast}",
        "slow": _size(result["slow_size"]),
        "fast": _size(result["fast_size"]) if fast else "-",
        "tokens": f"{result['tokens']:,}",
        **{stage: "-" if skipped else f"{seconds * 1000:,.0f} ms" for stage, seconds in stages},
        "note": ", ".join(note for note in notes if note),
    }


def _written(results: Sequence[dict[str, Any]]) -> str:
    made = [result["output"] for result in results if not result["skipped"]]
    there = [result["output"] for result in results if result["skipped"]]
    parts = []
    if made:
        parts.append(f"wrote {_files(made)}")
    if there:
        parts.append(f"skipped {_files(there)}, made before: --overwrite makes it again")
    return "; ".join(parts)


def _files(targets: Sequence[str]) -> str:
    return targets[0] if len(targets) == 1 else f"{len(targets)} .safetensors files"


def _size(size: list[int]) -> str:
    height, width = size
    return f"{width}x{height}"
