"""Convert the decoded videos that a processor accepts to a flat list."""

from __future__ import annotations

from typing import Any

from PIL import Image

from keye_vl_rs._patches.accepted_inputs import check_loaded
from keye_vl_rs.errors import FramesShapeError
from keye_vl_rs.video_inputs import VideoInputs

__all__ = ["list_videos"]


def list_videos(videos: Any) -> list[Any]:
    """Return one video, or videos in lists nested to any depth, as a flat list.

    Raises:
        FramesShapeError: a video has not been decoded, or has another number of dimensions.
    """
    if isinstance(videos, (list, tuple)):
        first = videos[0] if videos else None
        if isinstance(first, Image.Image) or getattr(first, "ndim", 0) == 3:
            return [videos]
        return [video for part in videos for video in list_videos(part)]
    if isinstance(videos, VideoInputs):
        return [videos]
    check_loaded(videos, "a video", "frames, (T, 3, H, W), or the result of preprocess_video")
    if getattr(videos, "ndim", 0) not in (4, 5):
        shape = getattr(videos, "shape", type(videos).__name__)
        raise FramesShapeError(f"a video is {shape}: expected decoded frames, (T, 3, H, W)")
    return list(videos) if videos.ndim == 5 else [videos]
