"""Write and check resume metadata: what an output was computed from, and whether it is up to date.

The metadata are part of the output file, so that an output can be moved, and needs no index.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keye_vl_rs._core import __version__
from keye_vl_rs._media.sources import describe_source, is_local, local_path
from keye_vl_rs._util.shorten import shorten
from keye_vl_rs.cli.jobs.tensors_file import read_metadata

if TYPE_CHECKING:
    import torch

    from keye_vl_rs.video_inputs import VideoInputs

__all__ = [
    "ExistingOutput",
    "check_existing",
    "output_tensors",
    "resume_metadata",
    "source_identity",
]

# The names of options in the metadata of outputs from before they were renamed.
_OLD_OPTIONS = {"nframes": "num_frames", "video_total_pixels": "total_pixels"}
_NAMES = ("pixel_values_videos", "video_grid_thw", "num_frames", "frame_types", "timestamps")


@dataclass(frozen=True)
class ExistingOutput:
    """Describe the file under an output's name; all fields are None if there is none.

    Attributes:
        summary: what the output holds, if it is up to date.
        partial: which part of the video an up-to-date output lacks, if any.
        damage: the damage that an up-to-date output records, if any.
        outdated: why the output must be recomputed.
        conflict: why the file must not be replaced unless the user asks for it: it belongs to
            somebody else. A predicate, to follow the name of the file in a message.
    """

    summary: dict[str, Any] | None = None
    partial: str | None = None
    damage: dict[str, Any] | None = None
    outdated: str | None = None
    conflict: str | None = None


def source_identity(source: str) -> dict[str, Any] | None:
    """Return what identifies a video and its content; None if the file is gone.

    For a file these are path, size and modification time; for a URL, its SHA-256. A URL itself is
    not stored, because it may hold a password, or the video as a ``data:`` URL. Whether the content
    behind a URL has changed is unknown.
    """
    if not is_local(source):
        return {"address": hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()}
    path = local_path(source)
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    # JSON escapes the undecodable bytes of a path, and restores them when it is read.
    return {
        "path": os.path.realpath(path),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
    }


def output_tensors(inputs: VideoInputs) -> dict[str, torch.Tensor]:
    """Return the tensors of an output: the model's inputs, frame types and timestamps."""
    per_frame = {"frame_types": inputs.frame_types, "timestamps": inputs.timestamps}
    return inputs.model_inputs() | per_frame


def resume_metadata(
    source: str,
    identity: dict[str, Any] | None,
    options: dict[str, Any],
    summary: dict[str, Any],
    partial: str | None,
) -> dict[str, str]:
    """Return the metadata of an output, from which :func:`check_existing` decides on a rerun.

    They hold no times, so that recomputing an output gives the same bytes.

    Args:
        source: the video, as given.
        identity: the result of :func:`source_identity` before the video was read.
        options: all options that the tensors depend on, as JSON types.
        summary: what the output holds.
        partial: which part of the video is missing, if any.
    """
    # Metadata must be valid UTF-8, but a file name may not be.
    shown = local_path(source) if is_local(source) else describe_source(source)
    shown_bytes = shown.encode("utf-8", "surrogateescape")
    metadata = {
        "format": "pt",
        "keye_vl_rs": __version__,
        "source": shown_bytes.decode("utf-8", "backslashreplace"),
        **{key: json.dumps(summary[key]) for key in ("slow_size", "fast_size", "fps")},
        "made_from": json.dumps(identity),
        "options": json.dumps(options),
        "summary": json.dumps(summary),
    }
    return metadata if partial is None else metadata | {"partial": partial}


def check_existing(
    target: Path, identity: dict[str, Any] | None, options: dict[str, Any], on_error: str
) -> ExistingOutput:
    """Check whether the file under an output's name is up to date, outdated or in the way.

    Args:
        target: the output.
        identity: the current result of :func:`source_identity`.
        options: the current options.
        on_error: the current policy for damaged videos. The output of a damaged video is up to
            date only if it was computed under the same policy.
    """
    try:
        metadata, complete = read_metadata(target, _NAMES)
        recorded_identity, recorded_options, summary = (
            json.loads(metadata[key]) for key in ("made_from", "options", "summary")
        )
        version, shown = metadata["keye_vl_rs"], metadata["source"]
        damage = json.loads(metadata.get("damage", "null"))
        if not isinstance(summary, dict):
            raise ValueError(f"{target}: the summary is not a JSON object")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return ExistingOutput()
    except (OSError, ValueError, KeyError):
        return ExistingOutput(conflict="was not written by keye-vl-rs")
    if _is_another_video(recorded_identity, identity):
        is_url = "address" in (identity or {})
        note = " (URLs that differ in their query are different videos)" if is_url else ""
        return ExistingOutput(conflict=f"is the output of another video, {shorten(shown)}{note}")
    partial = metadata.get("partial")
    if version != __version__:
        outdated: str | None = f"written by version {version}"
    elif not complete:
        outdated = "the file was incomplete"
    else:
        outdated = _source_change(recorded_identity, identity) or _options_change(
            _with_new_names(recorded_options), options
        )
    if outdated is None and damage is not None and metadata.get("on_error") != on_error:
        held = "only part of the video" if partial is not None else "damaged frames"
        outdated = f"it holds {held}, and --on-error is now {on_error}"
    if outdated:
        return ExistingOutput(outdated=outdated)
    return ExistingOutput(summary, partial, damage)


def _is_another_video(before: Any, now: dict[str, Any] | None) -> bool:
    """Return whether an output belongs to another video than the current one.

    A file at the same path is the same video, changed or not; so is a file of the same size and
    modification time at another path, which was moved or copied. URLs must be equal.
    """
    if now is None or before == now:
        return False
    if not isinstance(before, dict) or "path" not in now:
        return True
    moved = all(before.get(key) == now[key] for key in ("size", "mtime_ns"))
    return before.get("path") != now["path"] and not moved


def _source_change(before: Any, now: dict[str, Any] | None) -> str | None:
    if now is not None and before == now:
        return None
    # A file that is gone counts as changed: reading it then reports what is wrong.
    if now is None or (isinstance(before, dict) and before.get("path") == now.get("path")):
        return "the video has changed"
    return "the video was moved or copied"


def _with_new_names(options: Any) -> Any:
    if not isinstance(options, dict):
        return options
    return {_OLD_OPTIONS.get(name, name): value for name, value in options.items()}


def _options_change(before: Any, now: dict[str, Any]) -> str | None:
    if before == now:
        return None
    if not isinstance(before, dict):
        return "the options have changed"
    changes = [
        f"{name} {before.get(name)}, now {now.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    return f"the options have changed ({'; '.join(changes)})"
