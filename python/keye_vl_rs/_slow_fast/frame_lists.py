"""Videos that are given as lists of frames: what the calls for both models have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keye_vl_rs._media.deadline import Watch
from keye_vl_rs._media.image_warnings import exif_option
from keye_vl_rs._media.images import image_name, load_image, map_images
from keye_vl_rs._sampling.indices import frame_indices, frame_times
from keye_vl_rs._sampling.reading import check_on_error
from keye_vl_rs._sampling.timestamps import check_timestamps
from keye_vl_rs._slow_fast.sizes import smart_resize
from keye_vl_rs._util.model import TOKEN_PIXELS
from keye_vl_rs._util.validation import number_from_zero, optional_number, positive_integer
from keye_vl_rs.errors import FramesShapeError, InvalidArgumentError
from keye_vl_rs.limits import check_resized, check_resized_frames

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from keye_vl_rs._sampling.rules import FrameCounter, VideoRules
    from keye_vl_rs._util.model import Size

__all__ = ["check_frame_size", "load_frames", "open_resized", "read_frame_list", "start_watch"]

# What a stated size is brought between, whatever limits there are for others.
_LEAST_PIXELS, _MOST_PIXELS = 4 * TOKEN_PIXELS, 20480 * TOKEN_PIXELS


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


def open_resized(
    ele: dict[str, Any],
    factor: int,
    limits: tuple[float, float],
    max_ratio: float,
    frames: int = 1,
) -> Image.Image:
    """Open an image, or one of so many frames, and resize it as its options say.

    Args:
        ele: has an ``image``, and may have ``min_pixels`` and ``max_pixels``, or
            ``resized_height`` and ``resized_width``; and ``exif``.
        factor: both sides become multiples of it.
        limits: the fewest and the most pixels, where ``ele`` does not say them.
        max_ratio: the longest side over the shortest, at most.
        frames: how many there are of its size.

    Raises:
        MediaError: a subclass, when the image cannot be read, or is to become larger than limits
            allow.
        AspectRatioError, SizeError, InvalidArgumentError: its size is impossible.
    """
    image = load_image(ele["image"], exif=exif_option(ele))
    if "resized_height" in ele and "resized_width" in ele:
        size = smart_resize(
            positive_integer("resized_height", ele["resized_height"]),
            positive_integer("resized_width", ele["resized_width"]),
            factor,
            _LEAST_PIXELS,
            _MOST_PIXELS,
            max_ratio,
        )
    else:
        size = smart_resize(
            image.height,
            image.width,
            factor,
            optional_number(ele, "min_pixels", limits[0], zero=True),
            optional_number(ele, "max_pixels", limits[1]),
            max_ratio,
        )
    check_frame_size(size, ele["image"], frames)
    return image.resize((size[1], size[0]))


def read_frame_list(
    ele: dict[str, Any],
    parts: Sequence[dict[str, Any]],
    rules: VideoRules,
    count: FrameCounter,
    factor: int,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return (frames, timestamps) of a video given as a list of frames.

    Frames are resized one by one; those that are not sampled are not opened. Without ``fps`` there
    are no timestamps.

    Args:
        ele: the video, with its options.
        parts: the frames, each with its options.
        rules: say what these do not.
        count: as in :func:`keye_vl_rs._sampling.video.read_video_file`.
        factor: sides of frames become multiples of it.

    Returns:
        uint8 (T, 3, H, W), and (T,) float32 or None.

    Raises:
        InvalidArgumentError: the list is empty, or a number is impossible.
        FramesShapeError: sampled frames come out in different sizes.
        MediaError: a subclass, when a frame cannot be read.
    """
    import numpy as np
    import torch

    if not parts:
        raise InvalidArgumentError("video is an empty list: expected one frame at least")
    rules.check_counts(ele)
    fps = optional_number(ele, "fps", rules.fps)
    indices = frame_indices(len(parts), count(ele, len(parts), fps))
    limits = (rules.min_pixels, rules.max_pixels)
    images = load_frames(
        lambda part: open_resized(part, factor, limits, rules.max_ratio, len(indices)),
        *(parts, indices.tolist()),
    )
    arrays = [torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in images]
    timestamps = frame_times(indices, fps) if ele.get("fps") else None
    return torch.stack(arrays, dim=0), timestamps
