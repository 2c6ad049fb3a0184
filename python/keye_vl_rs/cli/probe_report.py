"""Format what is known about videos before they are decoded, as a table and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from keye_vl_rs._media.sources import describe_source
from keye_vl_rs.cli.report import format_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keye_vl_rs.probe.video_probe import VideoProbe

__all__ = ["probe_as_json", "probe_row", "total_row"]

_MIB = 1 << 20
# Estimates of these say nothing about tokens.
_MINOR = frozenset({"packets_needed", "key_frames", "pixel_format", "bit_depth"})


def probe_as_json(source: str, probe: VideoProbe) -> dict[str, Any]:
    """Return the fields of a probe as JSON types, and the exact number of tokens or None."""
    fields = asdict(probe)
    del fields["name"]
    return {"source": source, "tokens": probe.tokens, **fields}


def probe_row(source: str, probe: VideoProbe) -> dict[str, str]:
    """Return the row of a video, for :func:`keye_vl_rs.cli.report.print_rows`."""
    notes = (
        "" if probe.damage is None else "damaged",
        "" if _MINOR.issuperset(probe.estimated) else "estimated",
    )
    return {
        "video": describe_source(source),
        "duration": _duration(probe.duration),
        "size": format_size(probe.size),
        "fps": f"{probe.fps:.6g}" + (" (varies)" if probe.constant_fps is False else ""),
        "codec": probe.codec,
        "frames": f"{probe.total_frames:,}",
        "sampled": f"{probe.sampled_frames:,}",
        "tokens": _bounds(f"{probe.min_tokens:,}", f"{probe.max_tokens:,}"),
        "MiB": _bounds(_mib(probe.min_bytes), _mib(probe.max_bytes)),
        "packets": f"{probe.packets_needed:,} of {probe.packets:,}",
        "note": ", ".join(note for note in notes if note),
    }


def total_row(title: str, probes: Sequence[VideoProbe]) -> dict[str, str]:
    """Return the row with the totals of several videos."""
    needed, packets = sum(one.packets_needed for one in probes), sum(one.packets for one in probes)
    is_estimated = any(not _MINOR.issuperset(one.estimated) for one in probes)
    return {
        "video": f"{title} ({len(probes)} {'video' if len(probes) == 1 else 'videos'})",
        "duration": _duration(sum(one.duration for one in probes)),
        "size": "",
        "fps": "",
        "codec": "",
        "frames": f"{sum(one.total_frames for one in probes):,}",
        "sampled": f"{sum(one.sampled_frames for one in probes):,}",
        "tokens": _bounds(
            f"{sum(one.min_tokens for one in probes):,}",
            f"{sum(one.max_tokens for one in probes):,}",
        ),
        "MiB": _bounds(
            _mib(sum(one.min_bytes for one in probes)), _mib(sum(one.max_bytes for one in probes))
        ),
        "packets": f"{needed:,} of {packets:,}",
        "note": "estimated" if is_estimated else "",
    }


def _bounds(low: str, high: str) -> str:
    return high if low == high else f"{low} to {high}"


def _mib(count: int) -> str:
    return f"{count / _MIB:,.1f}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"
