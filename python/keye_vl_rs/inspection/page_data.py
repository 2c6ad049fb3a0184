"""Collect the data of a report's page, as JSON types."""

from __future__ import annotations

import base64
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._slow_fast.sizes import TOKEN_PIXELS

if TYPE_CHECKING:
    from keye_vl_rs._util.model import Size
    from keye_vl_rs.inspection.result import InspectionOptions, VideoInspection

__all__ = ["header_facts", "page_data", "report_title", "work_facts"]

_RULES = VideoRules()
# Characters for the changes of patches in a page: first those of the report's own threshold.
_MAX_CHANGES_CHARACTERS = 3 << 20
# Names of the values in ``VideoInspection.changes``.
_RUN_NAMES = "ucb"


def page_data(inspection: VideoInspection) -> dict[str, Any]:
    """Return what the scripts of the page need."""
    options = inspection.options
    changes = _PageChanges(_MAX_CHANGES_CHARACTERS)
    own_changes = [changes.take(one) for one in inspection.changes]
    times = [format(time, ".1f") for time in inspection.timestamps]
    return {
        "types": list(inspection.frame_types),
        "times": [round(time, 3) for time in inspection.timestamps],
        "indices": list(inspection.frame_indices),
        "pairs": [
            [number for pair in pairs for number in (pair.reference, pair.unchanged, pair.counted)]
            for pairs in inspection.comparisons
        ],
        "comparedWith": list(inspection.compared_with),
        "ownChanges": own_changes,
        "pairChanges": [
            [changes.take(None if pair.reference == own else pair.changes) for pair in pairs]
            for own, pairs in zip(inspection.compared_with, inspection.comparisons, strict=True)
        ],
        "thresholds": inspection.thresholds and list(inspection.thresholds),
        # JSON has no infinity; beyond 1 all thresholds are the same, and so they are below 0.
        "threshold": min(max(options.min_frame_similarity, -1e9), 1e9),
        "otherOptions": _other_options(options),
        "grid": list(inspection.patch_grid),
        "comparisonSize": list(inspection.comparison_size),
        "damaged": list(inspection.damage.frames) if inspection.damage else [],
        "plan": {
            "height": inspection.size[0],
            "width": inspection.size[1],
            "factor": _RULES.factor,
            "minPixels": options.min_pixels,
            "maxPixels": options.max_pixels,
            "totalPixels": options.total_pixels,
            "videoMinPixels": _RULES.min_pixels,
            "fastTokenRatio": _RULES.fast_token_ratio,
        },
        "sampling": {
            "totalFrames": inspection.selectable_frames,
            "videoFps": inspection.fps,
            "fps": options.fps or _RULES.fps,
            "maxFrames": options.max_frames,
            "numFrames": options.num_frames,
            "minPixels": options.min_pixels,
        },
        "limits": {
            "resizedPixels": _finite(inspection.limits.resized_pixels),
            "resizedVideoPixels": _finite(inspection.limits.resized_video_pixels),
        },
        "tokenPixels": TOKEN_PIXELS,
        "slowSize": list(inspection.slow_size),
        "fastSize": list(inspection.fast_size),
        "timestampTokens": sum(map(len, times)),
        "thumbnails": [
            0 if one is None else base64.b64encode(one).decode() for one in inspection.thumbnails
        ],
        "hasThumbnails": any(inspection.thumbnails),
    }


def _other_options(options: InspectionOptions) -> list[str]:
    """Return the command-line options that sample and resize as in this report, except defaults.

    The threshold and the budget are left out: the page adds those that were chosen there.
    """
    values = {
        "fps": (options.fps if options.num_frames is None else None, _RULES.fps),
        "num-frames": (options.num_frames, None),
        "max-frames": (options.max_frames, None),
        "min-pixels": (options.min_pixels, _RULES.min_pixels),
        "max-pixels": (options.max_pixels, _RULES.max_pixels),
        "video-start": (options.video_start, None),
        "video-end": (options.video_end, None),
        "on-error": (options.on_error, "raise"),
    }
    return [
        f"--{name} {_plain(value)}"
        for name, (value, default) in values.items()
        if value is not None and value != default
    ]


def _plain(value: float | str) -> str:
    # Numbers of pixels may be whole floats, which the command line does not take.
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def report_title(inspection: VideoInspection) -> str:
    """Return the name of the video's file, without folders: reports are sent to other people."""
    return PurePath(inspection.name).name or inspection.name


def header_facts(inspection: VideoInspection) -> dict[str, str]:
    """Return the facts at the top of a report, by their labels."""
    facts, options = inspection.facts, inspection.options
    counts = inspection.token_counts
    slow = inspection.slow_frames
    fast = len(inspection.frame_types) - slow
    found = {
        "Video": f"{_size(inspection.size)} pixels, {inspection.duration:,.2f} s, "
        f"{inspection.fps:.6g} frames per second, {inspection.total_frames:,} frames",
    }
    if facts is not None:
        form = f", {facts.pixel_format}" if facts.pixel_format else ""
        found["File"] = f"{_bytes(facts.bytes)}, {facts.codec}{form}, in {facts.container}"
    found["Sampled"] = (
        f"{len(inspection.frame_types):,} frames: {slow:,} slow and {fast:,} fast"
        f" (min_frame_similarity {options.min_frame_similarity:g})"
    )
    found["Sizes"] = f"slow frames {_size(inspection.slow_size)}" + (
        f", fast frames {_size(inspection.fast_size)}" if fast else ""
    )
    found["Tokens"] = f"{counts.vision:,} vision tokens, about {counts.total:,} with text"
    return found


def work_facts(inspection: VideoInspection) -> list[tuple[str, str, str]]:
    """Return what was decoded, dropped and why, as rows (name, value, meaning)."""
    counts, options = inspection.counts, inspection.options
    sampled, total = len(set(inspection.frame_indices)), inspection.total_frames
    outside = total - inspection.selectable_frames
    rows = [("Frames of the video", f"{total:,}", "presented between its start and its end")]
    if outside > 0:
        meaning = "before video_start or after video_end"
        rows.append(("Frames outside the range", f"{outside:,}", meaning))
    meaning = f"evenly spaced, for {_sampling_words(inspection)}"
    rows.append(("Frames sampled", f"{sampled:,}", meaning))
    dropped = inspection.selectable_frames - sampled
    rows.append(("Frames not sampled", f"{dropped:,}", "the model does not see them"))
    if inspection.facts is None:
        return rows
    skipped = max(counts.packets - counts.decoded, 0)
    rows += [
        ("Packets in the file", f"{counts.packets:,}", "of the video stream; each holds a frame"),
        ("Packets decoded", f"{counts.decoded:,}", "packets decoded twice count twice"),
        (
            "Packets skipped",
            f"{skipped:,}",
            "no sampled frame depends on them"
            if skipped
            else "every packet was needed to get the sampled frames exactly",
        ),
        ("Restarts", f"{counts.restarts:,}", "decoding went on from a later key frame"),
        ("Seeks", f"{counts.seeks:,}", "reading jumped forward in the file"),
    ]
    kind = inspection.timestamp_kind
    meaning = {
        "published": "frame index divided by the average frame rate, as in keye-vl-utils",
        "presentation": "as the file presents them",
    }[kind]
    rows.append(("Timestamps", kind, meaning))
    damage = inspection.damage
    if damage is None:
        meaning = "no gap, no truncation, no damage among the frames that were read"
        rows.append(("Damage", "none", meaning))
    else:
        rows.append(("Damage", f"on_error={options.on_error}", damage.reason))
        meaning = "shown as the decoder conceals them; marked in the timeline"
        rows.append(("Damaged sampled frames", f"{len(damage.frames):,}", meaning))
    return rows


def _sampling_words(inspection: VideoInspection) -> str:
    options = inspection.options
    words = f"fps={options.fps:g}" if options.num_frames is None else ""
    if options.num_frames is not None:
        words = f"num_frames={options.num_frames}"
    if options.max_frames is not None:
        words += f", max_frames={options.max_frames}"
    return words


class _PageChanges:
    """Encode the changes of patches as text, as long as there is room for them."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def take(self, changes: bytes | None) -> str | int:
        """Return runs of patches, such as ``12u3c`` (12 unchanged, 3 changed); 0 without room."""
        if not changes or self._left < 0:
            return 0
        text = "".join(
            f"{sum(1 for _ in run)}{_RUN_NAMES[value]}" for value, run in groupby(changes)
        )
        self._left -= len(text)
        return text if self._left >= 0 else 0


def _finite(value: float) -> float | None:
    return value if value != float("inf") else None


def _size(size: Size) -> str:
    return f"{size[1]}x{size[0]}"


def _bytes(count: int) -> str:
    if count < 1000:
        return f"{count} bytes"
    for unit, size in (("KB", 10**3), ("MB", 10**6)):
        if count < 1000 * size:
            return f"{count / size:,.3g} {unit}"
    return f"{count / 10**9:,.1f} GB"
