"""Read and make transformers' ``VideoMetadata``, of which releases have more or fewer fields."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from keye_vl_rs._sampling.indices import frame_times
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.validation import number_from_zero, positive_number
from keye_vl_rs.errors import InvalidArgumentError

__all__ = ["check_metadata", "make_video_metadata", "metadata_field", "metadata_times"]


def make_video_metadata(**known: Any) -> Any:
    """Return a ``VideoMetadata`` with those of some fields that this release defines.

    All other fields are None. Early releases give them no default.
    """
    # Imported here, because transformers takes seconds to import.
    from transformers.video_utils import VideoMetadata

    return VideoMetadata(**{one.name: known.get(one.name) for one in fields(VideoMetadata)})


def metadata_field(metadata: Any, name: str) -> Any:
    """Return a field of a ``VideoMetadata``, or of a dictionary with its fields, or None."""
    if isinstance(metadata, dict):
        return metadata.get(name)
    return getattr(metadata, name, None)


def metadata_times(metadata: Any, frames: int, label: str) -> list[float] | None:
    """Return the times of a video's frames, as keye_vl_utils computes them: index divided by rate.

    Args:
        metadata: a ``VideoMetadata``, or a dictionary with its fields. Without ``frames_indices``,
            the frames must be all that the video has.
        frames: number of frames that go with it.
        label: its name in messages.

    Returns:
        Seconds, rounded to float32; None if the metadata have no ``fps``.

    Raises:
        InvalidArgumentError: they are about another number of frames, or have invalid numbers.
    """
    check_metadata(metadata, frames, label)
    fps, indices = metadata_field(metadata, "fps"), metadata_field(metadata, "frames_indices")
    if fps is None:
        return None
    total = metadata_field(metadata, "total_num_frames")
    if indices is None and total != frames:
        raise InvalidArgumentError(
            f"{label} has no frames_indices, and total_num_frames is {short_repr(total)} for "
            f"{frames} frames: expected the index of each frame, or timestamps"
        )
    plain = range(frames) if indices is None else indices
    times = frame_times([int(one) for one in plain], positive_number(f"fps of {label}", fps))
    seconds: list[float] = times.tolist()
    return seconds


def check_metadata(metadata: Any, frames: int, label: str) -> None:
    """Raise if metadata of a video are of another type, or about another number of frames.

    Raises:
        InvalidArgumentError: that is the case, or an index is not a number of at least 0.
    """
    if not isinstance(metadata, dict) and not hasattr(metadata, "total_num_frames"):
        raise InvalidArgumentError(
            f"{label} is of type {type(metadata).__name__}: expected a VideoMetadata, or a "
            "dictionary with its fields"
        )
    indices = metadata_field(metadata, "frames_indices")
    if indices is None:
        return
    if len(indices) != frames:
        raise InvalidArgumentError(
            f"{label} has {len(indices)} frames_indices for {frames} frames: expected one per frame"
        )
    for one in indices:
        number_from_zero(f"frames_indices of {label}", one)
