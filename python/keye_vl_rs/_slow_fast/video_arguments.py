"""List the arguments that describe sampled videos to a processor of Keye-VL-1.5."""

# No `from __future__ import annotations` here: transformers and vLLM read the annotations below as
# objects, through the class of processors that inherits them.

from typing import Any, TypedDict

__all__ = ["VIDEO_KWARGS", "VideoArguments"]


class VideoArguments(TypedDict, total=False):
    """List the arguments that describe sampled videos, one entry each, as in keye_vl_utils 1.5.2.

    ``height``, ``width``: the size of slow frames. ``fast_height``, ``fast_width``: that of fast
    frames. ``frame_types`` (T,): 0 slow, 1 fast. ``timestamps`` (T,): seconds.
    """

    height: Any
    width: Any
    fast_height: Any
    fast_width: Any
    frame_types: Any
    timestamps: Any


VIDEO_KWARGS = tuple(VideoArguments.__annotations__)
"""The names of these arguments."""
