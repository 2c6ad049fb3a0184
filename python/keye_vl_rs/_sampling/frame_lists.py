"""Videos that are given as lists of frames: what the calls for both models have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keye_vl_rs._media.deadline import Watch
from keye_vl_rs._media.images import image_name, map_images
from keye_vl_rs._sampling.timestamps import check_timestamps
from keye_vl_rs._sampling.video import check_on_error
from keye_vl_rs._util.validation import number_from_zero
from keye_vl_rs.errors import FramesShapeError
from keye_vl_rs.limits import check_resized, check_resized_frames

if TYPE_CHECKING:
    from PIL import Image

    from keye_vl_rs._slow_fast.sizes import Size

__all__ = ["check_frame_size", "load_frames", "start_watch"]


def start_watch(ele: Mapping[str, Any]) -> Watch:
    """Start the clock of a list's ``timeout``, and check what is read of files alone.

    Raises:
        InvalidArgumentError: ``timeout``, ``on_error``, ``timestamps``, ``video_start`` or
            ``video_end`` has a value that it cannot have for any video.
    """
    if ele.get("on_error") is not None:
        check_on_error(ele["on_error"])
    if ele.get("timestamps") is not None:
        check_timestamps(ele["timestamps"])
    for name in ("video_start", "video_end"):
        if ele.get(name) is not None:
            number_from_zero(name, ele[name])
    return Watch(f"{len(ele['video'])} frames", ele.get("timeout"))


def check_frame_size(size: Size, source: Any, frames: int) -> None:
    """Let a frame be resized to ``size``, with as many others as its video has ``frames``.

    Raises:
        LimitError: that is more than ``resized_pixels`` or ``resized_video_pixels`` allow.
    """
    check_resized(size, image_name(source))
    check_resized_frames([], frames * size[0] * size[1], f"the video of {frames:,} frames")


def load_frames(
    fetch: Callable[[dict[str, Any]], Image.Image],
    parts: Sequence[dict[str, Any]],
    places: Sequence[int],
) -> list[Image.Image]:
    """``fetch`` of the frames at some places of a list, which come out in one size.

    Args:
        fetch: opens and resizes a frame.
        parts: all frames, each a dictionary with an ``image``. Only those at ``places`` are opened.
        places: those of the sampled frames, in order.

    Raises:
        FramesShapeError: two of them come out in different sizes.
    """
    sampled = [parts[place] for place in places]
    images = map_images(fetch, sampled, [f"frame {place}" for place in places])
    for place, image in zip(places, images, strict=True):
        if image.size != images[0].size:
            (width, height), (first_width, first_height) = image.size, images[0].size
            raise FramesShapeError(
                f"the frames of a video are resized to different sizes: frame {place} to "
                f"{width}x{height}, frame {places[0]} to {first_width}x{first_height}: expected "
                "frames of one size"
            )
    return images
