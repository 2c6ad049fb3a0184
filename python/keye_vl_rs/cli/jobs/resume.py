"""How an output was made, as it says itself, and whether it would come out the same again."""

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

__all__ = ["Existing", "identify", "look_at", "make_metadata", "tensors_of"]

_NAMES = ("pixel_values_videos", "video_grid_thw", "num_frames", "frame_types", "timestamps")


@dataclass(frozen=True)
class Existing:
    """An output that is there.

    Attributes:
        summary: what it holds, if it need not be made again; else None.
        partial: what is missing of its video; None if nothing is.
        damage: what is wrong with its video, as the metadata have it; None if nothing is.
        reason: why it has to be made again; None if it need not, or is not there.
        kept: what it is that lies there, if it may be somebody's own and is not replaced unless
            that is asked for; else None.
    """

    summary: dict[str, Any] | None = None
    partial: str | None = None
    damage: dict[str, Any] | None = None
    reason: str | None = None
    kept: str | None = None


def identify(source: str) -> dict[str, Any] | None:
    """What tells a video from others, and from itself before it was changed; None if it is gone.

    Of an address only a digest is kept, for it may hold a password or be the video itself; whether
    what it leads to has changed cannot be told.
    """
    if not is_local(source):
        return {"address": hashlib.sha256(source.encode(errors="surrogateescape")).hexdigest()}
    path = local_path(source)
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    # A path that is no Unicode becomes escapes in JSON, and itself again when that is read.
    return {
        "path": os.path.realpath(path),
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
    }


def tensors_of(inputs: VideoInputs) -> dict[str, torch.Tensor]:
    """What an output holds: the model's inputs, and what else is known of each frame."""
    further = {"frame_types": inputs.frame_types, "timestamps": inputs.timestamps}
    return inputs.model_inputs() | further


def make_metadata(
    source: str,
    identity: dict[str, Any] | None,
    options: dict[str, Any],
    summary: dict[str, Any],
    partial: str | None,
) -> dict[str, str]:
    """The metadata of an output, from which :func:`look_at` tells whether it can stay.

    Nothing in it depends on when and how quickly it is made: the same again is the same bytes.

    Args:
        source: as it was given.
        identity: as :func:`identify` gave it before the video was read.
        options: all that the tensors depend on, in types that JSON has.
        summary: what it holds.
        partial: what is missing of the video.
    """
    # A file name may hold bytes that are no Unicode; metadata may not.
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


def look_at(
    target: Path, identity: dict[str, Any] | None, options: dict[str, Any], on_error: str
) -> Existing:
    """Tell whether an output is there that would come out the same if it were made again.

    Args:
        target: the output.
        identity: of the video as it is now.
        options: as they are now.
        on_error: what is wanted of a damaged video. An output of one does if it was made so.
    """
    try:
        metadata, whole = read_metadata(target, _NAMES)
        made_from, made_with, summary = (
            json.loads(metadata[key]) for key in ("made_from", "options", "summary")
        )
        version, shown = metadata["keye_vl_rs"], metadata["source"]
        damage = json.loads(metadata.get("damage", "null"))
        if not isinstance(summary, dict):
            raise ValueError(f"{target}: has other metadata")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return Existing()
    except (OSError, ValueError, KeyError):
        return Existing(kept="a file that is no result of keye-vl-rs")
    if _is_of_another(made_from, identity):
        queries = " (another query is another video)" if "address" in (identity or {}) else ""
        return Existing(kept=f"the result of another video, {shorten(shown)}{queries}")
    partial = metadata.get("partial")
    if version != __version__:
        reason: str | None = f"it was made by version {version}"
    elif not whole:
        reason = "it was not whole"
    else:
        reason = _other_source(made_from, identity) or _other_options(made_with, options)
    if reason is None and damage is not None and metadata.get("on_error") != on_error:
        held = "only a part of its video" if partial is not None else "damaged frames"
        reason = f"it held {held}"
    if reason:
        return Existing(reason=reason)
    return Existing(summary, partial, damage)


def _is_of_another(before: Any, now: dict[str, Any] | None) -> bool:
    """Tell if a result is of another video, and not of this one as it was or where it was.

    Of addresses that differ in their queries alone nobody can tell.
    """
    if now is None or before == now:
        return False
    if not isinstance(before, dict) or "path" not in now:
        return True
    moved = all(before.get(key) == now[key] for key in ("size", "mtime_ns"))
    return before.get("path") != now["path"] and not moved


def _other_source(before: Any, now: dict[str, Any] | None) -> str | None:
    # Of a video that is gone nothing can be told.
    if now is not None and before == now:
        return None
    if now is None or (isinstance(before, dict) and before.get("path") == now.get("path")):
        return "its video has changed since"
    return "its video was moved or copied since"


def _other_options(before: Any, now: dict[str, Any]) -> str | None:
    if before == now:
        return None
    if not isinstance(before, dict):
        return "it was made with other options"
    changes = [
        f"{name} {before.get(name)}, now {now.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    return f"it was made with other options ({'; '.join(changes)})"
