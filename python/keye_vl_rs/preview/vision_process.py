"""Replace ``keye_vl_utils`` 1.0.0 (Keye-VL-8B-Preview): the same names and results.

As there, the constants below are read when a function runs, so a program may set them; and files
are decoded through :data:`VIDEO_READER_BACKENDS`, so a program may wrap a reader. All names in it
stand for one reader here: :func:`_read_video_decord`, which decodes with PyAV.

Some inputs on which keye_vl_utils fails work here: a video of one frame gives it twice, ``http``
images have a timeout, and exceptions of :mod:`keye_vl_rs.errors` say what is wrong with an argument
or a file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from keye_vl_rs._chat.content_parts import is_frame_list, plain_video
from keye_vl_rs._chat.message_media import fetch_media, open_image, read_preview_list
from keye_vl_rs._chat.message_options import warn_of_unread_in_video
from keye_vl_rs._chat.messages import check_dictionary, extract_vision_info, media_parts
from keye_vl_rs._patches.float_frames import resize_frames
from keye_vl_rs._sampling.preview_rules import PreviewRules, frame_range, read_video_file
from keye_vl_rs._slow_fast import sizes
from keye_vl_rs._slow_fast.resized_images import ImageRules
from keye_vl_rs._slow_fast.sizes import ceil_by_factor, floor_by_factor, round_by_factor
from keye_vl_rs._slow_fast.uniform_size import plan_uniform_size
from keye_vl_rs._util.model import FACTOR, Size
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError, memory_errors
from keye_vl_rs.limits import Limits, applied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from PIL import Image

    Reader = Callable[[dict[str, Any]], tuple[torch.Tensor, float]]

__all__ = [
    "ceil_by_factor",
    "extract_vision_info",
    "fetch_image",
    "fetch_video",
    "floor_by_factor",
    "process_vision_info",
    "round_by_factor",
    "smart_nframes",
    "smart_resize",
]

_MODEL = "Keye-VL-8B-Preview"

# Pixels on a side of a token.
IMAGE_FACTOR = FACTOR
MIN_PIXELS = 4 * IMAGE_FACTOR * IMAGE_FACTOR
MAX_PIXELS = 16384 * IMAGE_FACTOR * IMAGE_FACTOR
MAX_RATIO = 200

# Of one video frame.
VIDEO_MIN_PIXELS = 128 * IMAGE_FACTOR * IMAGE_FACTOR
VIDEO_MAX_PIXELS = 768 * IMAGE_FACTOR * IMAGE_FACTOR
# Frames come in multiples of it.
FRAME_FACTOR = 2
FPS = 2.0
FPS_MIN_FRAMES = 4
FPS_MAX_FRAMES = 768
# Options of which a video has one.
EXCLUSIVE = ("fps", "nframes")
# Of all frames of a video. The variable has the name of another limit, as in keye_vl_utils.
VIDEO_TOTAL_PIXELS = int(float(os.environ.get("VIDEO_MAX_PIXELS", 128000 * 28 * 28 * 0.9)))


def smart_resize(
    height: int,
    width: int,
    factor: int = IMAGE_FACTOR,
    min_pixels: float = MIN_PIXELS,
    max_pixels: float = MAX_PIXELS,
) -> tuple[int, int]:
    """Return the (height, width), in pixels, nearest to the given one that the model can read.

    It differs from :func:`keye_vl_rs.smart_resize` in the default of ``max_pixels`` alone.

    Args:
        height: height in pixels, an int.
        width: width in pixels, an int.
        factor: both sides become multiples of it, in pixels (default 28).
        min_pixels: minimum of their product (default 3,136: 4 tokens).
        max_pixels: maximum of their product (default 12,845,056: 16,384 tokens).

    Raises:
        As :func:`keye_vl_rs.smart_resize`.
    """
    return sizes.smart_resize(height, width, factor, min_pixels, max_pixels, max_ratio=MAX_RATIO)


def smart_nframes(ele: dict[str, Any], total_frames: int, video_fps: float) -> int:
    """Return how many of ``total_frames`` frames at ``video_fps`` are sampled: an even number.

    Args:
        ele: may hold ``nframes``, or else ``fps`` (frames per second to sample, 2.0),
            ``min_frames`` (4) and ``max_frames`` (768); or ``num_frames``, an exact number, which
            only ``max_frames`` limits.
        total_frames: frames of the video.
        video_fps: frames per second of the video.

    Returns:
        At least 2.

    Raises:
        InvalidArgumentError: both ``fps`` and ``nframes`` are given, a number is impossible, or the
            video has fewer frames than are to be sampled. A video of a single frame gives it twice.
    """
    check_dictionary(ele, "ele")
    return _rules().count_frames(ele, total_frames, video_fps)


def calculate_video_frame_range(
    ele: dict[str, Any], total_frames: int, video_fps: float
) -> tuple[int, int, int]:
    """Return (first, last, how many) of the frames between ``video_start`` and ``video_end``.

    Args:
        ele: may hold ``video_start`` and ``video_end``, in seconds; they are converted to frame
            numbers by ``video_fps``.
        total_frames: frames of the video.
        video_fps: frames per second of the video.

    Raises:
        InvalidArgumentError: there are fewer than two frames between them, or a number is
            impossible.
    """
    return frame_range(ele, total_frames, video_fps)


def _rules() -> PreviewRules:
    """Return the current values of the constants of this module that concern sampling."""
    return PreviewRules(
        frame_factor=FRAME_FACTOR,
        fps=FPS,
        min_frames=FPS_MIN_FRAMES,
        max_frames=FPS_MAX_FRAMES,
        total_pixels=VIDEO_TOTAL_PIXELS,
    )


def _image_rules(factor: int) -> ImageRules:
    return ImageRules(factor, MIN_PIXELS, MAX_PIXELS, smart_resize, on_white=True)


@memory_errors("the image")
def fetch_image(
    ele: dict[str, Any], size_factor: int = IMAGE_FACTOR, *, limits: Limits | None = None
) -> Image.Image:
    """Open the image of a message and resize it for the model.

    Args:
        ele: ``image`` or ``image_url``, in any form that :func:`keye_vl_rs.fetch_image` lists; and
            optionally ``min_pixels`` and ``max_pixels``, or ``resized_height`` and
            ``resized_width``; and ``exif``: True applies the image's EXIF orientation.
        size_factor: both sides become multiples of it, in pixels (default 28).
        limits: limits on the image; by default those of the environment.

    Returns:
        An RGB image, over white where it is transparent, resized with Pillow's default filter.

    Raises:
        MediaError: a subclass, when the image cannot be read.
        AspectRatioError, SizeError, InvalidArgumentError: its size is impossible.
    """
    with applied(limits):
        return open_image(ele, _image_rules(size_factor))


@memory_errors("the video")
def fetch_video(
    ele: dict[str, Any],
    image_factor: int = IMAGE_FACTOR,
    return_video_sample_fps: bool = False,
    *,
    limits: Limits | None = None,
) -> Any:
    """Sample the video of a message and resize its frames.

    Args:
        ele: ``video``: a path, ``file://``, ``http(s)://`` or ``data:`` address, base64, the bytes
            of a file, a file object, or a list of frames, each an image source; and optionally
            ``fps`` (2.0) with ``min_frames`` and ``max_frames``, or ``nframes``, or ``num_frames``
            (for a list too); ``video_start`` and ``video_end``, seconds; ``min_pixels``,
            ``max_pixels`` and ``total_pixels``, or ``resized_height`` and ``resized_width``;
            ``timeout`` and, for a file, ``on_error`` as in :func:`keye_vl_rs.preprocess_video`. A
            list may have ``fps``, ``num_frames`` with ``max_frames``, ``min_pixels``,
            ``max_pixels``, ``resized_height`` with ``resized_width``, ``timeout`` and ``exif``;
            without ``num_frames`` all its frames are taken, as in keye_vl_utils.
        image_factor: both sides become multiples of it, in pixels (default 28).
        return_video_sample_fps: return the number of frames sampled per second, a float, too.
        limits: limits on the video; by default those of the environment.

    Returns:
        The frames, float32 (T, 3, H, W) that holds whole numbers from 0 to 255, T even; for a list
        the resized images, with the last one repeated if their number is odd. With
        ``return_video_sample_fps`` a pair of that and frames per second.

    Raises:
        MediaError: a subclass, when the video cannot be read or decoded.
        InvalidArgumentError: a subclass, when a number is impossible.
    """
    with applied(limits):
        frames, rate = _fetch_video(plain_video(ele, "the video"), image_factor)
    return (frames, rate) if return_video_sample_fps else frames


def _fetch_video(ele: dict[str, Any], factor: int) -> tuple[Any, float]:
    """Return the frames, and how many were sampled per second."""
    warn_of_unread_in_video(ele, _MODEL)
    if is_frame_list(ele):
        return read_preview_list(ele, _rules(), _image_rules(factor))
    frames, rate = _backend()(ele)
    size = plan_video_size(ele, len(frames), (frames.shape[2], frames.shape[3]), factor)
    return resize_frames(frames, size), rate


def plan_video_size(ele: dict[str, Any], frames: int, size: Size, factor: int = FACTOR) -> Size:
    """Return the (height, width) to which :func:`fetch_video` resizes the frames of a file.

    Args:
        ele: the options of the video.
        frames: number of sampled frames.
        size: (height, width) of the video.
        factor: both sides become multiples of it.
    """
    frame_rules = ImageRules(factor, VIDEO_MIN_PIXELS, VIDEO_MAX_PIXELS, smart_resize)
    return plan_uniform_size(ele, frames, size, _rules(), frame_rules)


def _read_video_decord(ele: dict[str, Any]) -> tuple[torch.Tensor, float]:
    """Return the sampled frames of a video file, and how many there are per second.

    The frames are uint8 (T, 3, H, W) at the file's own size. The function has the name of
    keye_vl_utils, because hosts wrap it.
    """
    return read_video_file(ele, calculate_video_frame_range, smart_nframes)


# By the names that FORCE_KEYEVL_VIDEO_READER may have.
VIDEO_READER_BACKENDS: dict[str, Reader] = {
    "decord": lambda ele: _read_video_decord(ele),
    "torchvision": lambda ele: _read_video_decord(ele),
}


def _backend() -> Reader:
    """Return the reader that the environment asks for."""
    backend = os.environ.get("FORCE_KEYEVL_VIDEO_READER", "decord")
    if backend not in VIDEO_READER_BACKENDS:
        raise InvalidArgumentError(
            f"FORCE_KEYEVL_VIDEO_READER is {short_repr(backend)}: expected one of "
            f"{', '.join(VIDEO_READER_BACKENDS)}"
        )
    return VIDEO_READER_BACKENDS[backend]


@memory_errors("the images and videos")
def process_vision_info(
    conversations: Sequence[Any],
    return_video_kwargs: bool = False,
    *,
    limits: Limits | None = None,
) -> tuple[Any, ...]:
    """Read every image and video of the conversations.

    Args:
        conversations: as for :func:`extract_vision_info`.
        return_video_kwargs: return ``{"fps": [...]}`` as well, for the processor: a float for each
            video (default False).
        limits: limits on each image and video; by default those of the environment.

    Returns:
        (images, videos), or those and the dictionary: images as of :func:`fetch_image` and videos
        as of :func:`fetch_video`, None where there are none.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as those two functions raise them.
    """
    with applied(limits):
        images, videos = fetch_media(
            media_parts(conversations),
            lambda part: fetch_image(part),
            lambda part: fetch_video(part, return_video_sample_fps=True),
        )
    found = images or None, [frames for frames, _ in videos] or None
    kwargs = {"fps": [rate for _, rate in videos]}
    return (*found, kwargs) if return_video_kwargs else found
