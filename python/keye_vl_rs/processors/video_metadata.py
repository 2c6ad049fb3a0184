"""Read the ``video_metadata`` of a processor's call, and return those of its videos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keye_vl_rs._sampling.video_metadata import (
    check_metadata,
    make_video_metadata,
    metadata_times,
)
from keye_vl_rs._slow_fast.sizes import CHANNELS
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.processors.videos import list_videos
from keye_vl_rs.video_inputs import VideoInputs

__all__ = ["all_metadata", "times_of_metadata"]


def times_of_metadata(videos: Sequence[Any], value: Any, timestamps: Sequence[Any]) -> list[Any]:
    """Return the times of each video's frames: its ``timestamps``, or else those of its metadata.

    Args:
        videos: as :func:`keye_vl_rs.processors.videos.list_videos` returns them.
        value: the argument ``video_metadata``, as transformers takes it: one, or a list, which may
            be nested; None for none.
        timestamps: the times that the call gives for each video, or None.

    Raises:
        InvalidArgumentError: metadata and videos, or their frames, differ in number.
    """
    times = list(timestamps)
    for index, (video, metadata) in enumerate(zip(videos, _entries(videos, value), strict=True)):
        if metadata is None:
            continue
        label, frames = f"video_metadata of video {index}", _count(video)
        if times[index] is not None or isinstance(video, VideoInputs):
            check_metadata(metadata, frames, label)
        else:
            times[index] = metadata_times(metadata, frames, label)
    return times


def all_metadata(videos: Any, value: Any) -> list[Any]:
    """Return a ``VideoMetadata`` for each video of a call, for ``return_metadata=True``.

    Args:
        videos: one video or a list, as for the processor.
        value: the argument ``video_metadata`` of the call, which was checked.
    """
    listed = list_videos(videos)
    return [
        _metadata(video, entry)
        for video, entry in zip(listed, _entries(listed, value), strict=True)
    ]


def _entries(videos: Sequence[Any], value: Any) -> list[Any]:
    entries = [None] * len(videos) if value is None else _flat(value)
    if len(entries) != len(videos):
        raise InvalidArgumentError(
            f"video_metadata has {len(entries)} entries for {len(videos)} videos: pass one per "
            "video"
        )
    return entries


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        return [value]
    return [one for part in value for one in _flat(part)]


def _count(video: Any) -> int:
    return len(video.frame_types if isinstance(video, VideoInputs) else video)


def _metadata(video: Any, given: Any) -> Any:
    if given is not None:
        return make_video_metadata(**given) if isinstance(given, dict) else given
    if isinstance(video, VideoInputs):
        return video.video_metadata()
    height, width = _size(video)
    frames = _count(video)
    return make_video_metadata(
        total_num_frames=frames, width=width, height=height, frames_indices=list(range(frames))
    )


def _size(video: Any) -> tuple[int, int]:
    """Return (height, width) of the frames of a video."""
    if isinstance(video, (list, tuple)):
        if hasattr(video[0], "height"):
            return int(video[0].height), int(video[0].width)
        shape = tuple(video[0].shape)
    else:
        shape = tuple(video.shape[1:])
    height, width = shape[1:] if shape[0] == CHANNELS else shape[:2]
    return int(height), int(width)
