"""The drop-in for ``keye_vl_utils`` 1.0.0, of Keye-VL-8B-Preview: the same names and results.

As there, the constants below are read when a function runs, so that a program may set them, and
files are decoded through :data:`VIDEO_READER_BACKENDS`, so that a program may wrap a reader. All of
them are one reader here: :func:`_read_video_decord`, which decodes with PyAV.

Where the published code fails, this does not: a video of one frame gives it twice, ``http`` images
have a timeout, and what is wrong with an argument or a file is said by an exception of
:mod:`keye_vl_rs.errors`.
"""

from __future__ import annotations

import logging
import math
import os
from typing import TYPE_CHECKING, Any

from keye_vl_rs._chat.content_parts import plain_image, plain_video
from keye_vl_rs._chat.message_options import frame_parts, warn_of_unread
from keye_vl_rs._chat.messages import extract_vision_info, media_parts, media_runs
from keye_vl_rs._media.image_warnings import exif_option
from keye_vl_rs._media.images import load_image, map_images
from keye_vl_rs._sampling.indices import frame_indices, spaced_places
from keye_vl_rs._sampling.video import sample_video, video_name
from keye_vl_rs._slow_fast import sizes
from keye_vl_rs._slow_fast.frame_lists import check_frame_size, load_frames, start_watch
from keye_vl_rs._slow_fast.sizes import Size, ceil_by_factor, floor_by_factor, round_by_factor
from keye_vl_rs._util.shorten import short_number, short_repr
from keye_vl_rs._util.validation import (
    exact_count,
    number_from_zero,
    optional_number,
    positive_integer,
    positive_number,
)
from keye_vl_rs.errors import InvalidArgumentError, memory_errors
from keye_vl_rs.limits import Limits, applied, check_resized
from keye_vl_rs.preview.frame_resize import resize_frames

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

logger = logging.getLogger(__name__)

# Pixels on a side of what becomes one token.
IMAGE_FACTOR = sizes.FACTOR
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
# Options that do not go together.
EXCLUSIVE = ("fps", "nframes")
# Of all frames of a video. The variable has the name of another limit, as published.
VIDEO_TOTAL_PIXELS = int(float(os.environ.get("VIDEO_MAX_PIXELS", 128000 * 28 * 28 * 0.9)))


def smart_resize(
    height: int,
    width: int,
    factor: int = IMAGE_FACTOR,
    min_pixels: float = MIN_PIXELS,
    max_pixels: float = MAX_PIXELS,
) -> tuple[int, int]:
    """The size nearest to (height, width) in multiples of ``factor`` between two numbers of pixels.

    Returns and raises as :func:`keye_vl_rs.smart_resize`.
    """
    return sizes.smart_resize(height, width, factor, min_pixels, max_pixels, max_ratio=MAX_RATIO)


def smart_nframes(ele: dict[str, Any], total_frames: int, video_fps: float) -> int:
    """How many of ``total_frames`` frames at ``video_fps`` are sampled: an even number.

    Args:
        ele: may hold ``nframes``, or else ``fps`` (frames per second to sample, 2.0),
            ``min_frames`` (4) and ``max_frames`` (768); or ``num_frames``, exactly so many, which
            only ``max_frames`` limits.
        total_frames: frames of the video.
        video_fps: frames per second of the video.

    Raises:
        InvalidArgumentError: both ``fps`` and ``nframes`` are given, a number is impossible, or the
            video has fewer frames than that makes; one of a single frame gives it twice.
    """
    if ele.get("num_frames") is not None:
        return _even("num_frames", exact_count("num_frames", ele, total_frames))
    if "fps" in ele and "nframes" in ele:
        raise InvalidArgumentError(
            f"fps is {short_repr(ele['fps'])} and nframes {short_repr(ele['nframes'])}: "
            "expected one of them"
        )
    if "nframes" in ele:
        nframes = round_by_factor(positive_number("nframes", ele["nframes"]), FRAME_FACTOR)
    else:
        fps = optional_number(ele, "fps", FPS)
        least = ceil_by_factor(
            number_from_zero("min_frames", ele.get("min_frames", FPS_MIN_FRAMES)), FRAME_FACTOR
        )
        most = floor_by_factor(
            optional_number(ele, "max_frames", min(FPS_MAX_FRAMES, total_frames)), FRAME_FACTOR
        )
        wanted = total_frames / positive_number("the video's frame rate", video_fps) * fps
        if wanted > total_frames:
            logger.warning("fps asks for %g frames of %d", wanted, total_frames)
        nframes = floor_by_factor(min(max(wanted, least), most, total_frames), FRAME_FACTOR)
    if total_frames == 1 and "nframes" not in ele:
        return FRAME_FACTOR
    if not FRAME_FACTOR <= nframes <= total_frames:
        raise InvalidArgumentError(
            f"{short_number(nframes)} frames are to be sampled of {total_frames}: expected "
            f"{FRAME_FACTOR} at least, and no more than there are"
        )
    return nframes


def _even(name: str, count: int) -> int:
    """``count``; raises :class:`InvalidArgumentError` unless it is even."""
    if count % FRAME_FACTOR:
        raise InvalidArgumentError(
            f"{name} makes {count} frames: expected a multiple of {FRAME_FACTOR}, for this model "
            "takes two frames at a time"
        )
    return count


@memory_errors("the image")
def fetch_image(
    ele: dict[str, Any], size_factor: int = IMAGE_FACTOR, *, limits: Limits | None = None
) -> Image.Image:
    """Open the image of a message and resize it as the model wants it.

    Args:
        ele: ``image`` or ``image_url``, in any form of
            :func:`keye_vl_rs._chat.content_parts.plain_part`: a ``PIL.Image``, path, ``file://``,
            ``http(s)://``, ``data:...;base64,`` or base64, a file object or a uint8
            array; and, if wanted, ``min_pixels`` and ``max_pixels``, or ``resized_height`` and
            ``resized_width``; and ``exif``: True turns the image as its EXIF orientation says.
        size_factor: both sides become multiples of it.
        limits: what the image may ask for; None is what the environment says.

    Returns:
        RGB, over white where it is transparent, resized with Pillow's default filter.

    Raises:
        MediaError: a subclass, when the image cannot be read.
        AspectRatioError, SizeError, InvalidArgumentError: its size is impossible.
    """
    ele = plain_image(ele, "the image")
    warn_of_unread(ele, "an image")
    with applied(limits):
        return _resized_image(ele, size_factor)


def _resized_image(ele: dict[str, Any], size_factor: int, frames: int = 1) -> Image.Image:
    """:func:`fetch_image` of an image, or of one of so many frames with their video's options."""
    image = load_image(ele["image"], on_white=True, exif=exif_option(ele))
    size = _stated_size(ele, size_factor)
    if size is None:
        size = smart_resize(
            image.height,
            image.width,
            factor=size_factor,
            min_pixels=optional_number(ele, "min_pixels", MIN_PIXELS, zero=True),
            max_pixels=optional_number(ele, "max_pixels", MAX_PIXELS),
        )
    check_frame_size(size, ele["image"], frames)
    return image.resize((size[1], size[0]))


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
        ele: ``video``: a path, ``file://``, ``http(s)://``, ``data:``, base64, the bytes of a file,
            a file object, or a list of frames, each an image source; and, if wanted, ``fps`` (2.0)
            with ``min_frames`` and ``max_frames``, or ``nframes``, or ``num_frames`` (of a list
            too); ``video_start`` and ``video_end``, seconds; ``min_pixels``, ``max_pixels`` and
            ``total_pixels``, or ``resized_height`` and ``resized_width``; ``timeout`` and, of a
            file, ``on_error`` as in :func:`keye_vl_rs.preprocess_video`. Of a list are read
            ``fps``, ``num_frames`` with ``max_frames``, ``min_pixels``, ``max_pixels``,
            ``resized_height`` with ``resized_width``, ``timeout`` and ``exif``; without
            ``num_frames`` all frames are taken, as in the published code.
        image_factor: both sides become multiples of it.
        return_video_sample_fps: give the frames that were sampled per second, too.
        limits: what the video may ask for; None is what the environment says.

    Returns:
        The frames, float32 (T, 3, H, W) that holds whole numbers of 0..255, T even; for a list the
        resized images, the last of them twice if they are odd in number. With
        ``return_video_sample_fps`` a pair of that and frames per second.

    Raises:
        MediaError: a subclass, when the video cannot be read or decoded.
        InvalidArgumentError: a subclass, when a number is impossible.
    """
    with applied(limits):
        frames, rate = _fetch_video(plain_video(ele, "the video"), image_factor)
    return (frames, rate) if return_video_sample_fps else frames


def _fetch_video(ele: dict[str, Any], image_factor: int) -> tuple[Any, float]:
    """The frames, and how many were sampled per second."""
    listed = isinstance(ele["video"], (list, tuple))
    kind = "a list of frames" if listed else "a video file"
    # Of a list it limits num_frames alone.
    read = {"max_frames"} if listed and ele.get("num_frames") is not None else set()
    told = {key: value for key, value in ele.items() if key not in read}
    warn_of_unread(told, f"{kind} of Keye-VL-8B-Preview")
    if listed:
        return _fetch_frames(ele, image_factor)
    backend = os.environ.get("FORCE_KEYEVL_VIDEO_READER", "decord")
    if backend not in VIDEO_READER_BACKENDS:
        raise InvalidArgumentError(
            f"FORCE_KEYEVL_VIDEO_READER is {short_repr(backend)}: expected one of "
            f"{', '.join(VIDEO_READER_BACKENDS)}"
        )
    video, sample_fps = VIDEO_READER_BACKENDS[backend](ele)
    size = _frame_size(ele, len(video), (video.shape[2], video.shape[3]), image_factor)
    check_resized(size, video_name(ele["video"]), frames=len(video))
    return resize_frames(video, size), sample_fps


def _fetch_frames(ele: dict[str, Any], image_factor: int) -> tuple[list[Image.Image], float]:
    """The frames of a list, all of them without ``num_frames``, and how many there are a second."""
    if not len(ele["video"]):
        raise InvalidArgumentError("video is an empty list: expected one frame at least")
    watch = start_watch(ele)
    rate = optional_number(ele, "fps", FPS)
    optional_number(ele, "max_frames", FPS_MAX_FRAMES)
    parts = frame_parts(ele)
    places = list(range(len(parts)))
    if ele.get("num_frames") is not None:
        count = _even("num_frames", exact_count("num_frames", ele, len(parts)))
        places = frame_indices(len(parts), count).tolist()
        rate = rate * count / len(parts)
    images = load_frames(
        lambda part: _resized_image(part, image_factor, len(places)), parts, places
    )
    watch.check()
    missing = ceil_by_factor(len(images), FRAME_FACTOR) - len(images)
    return images + [images[-1]] * missing, rate


def _frame_size(ele: dict[str, Any], nframes: int, size: Size, factor: int) -> Size:
    """(height, width) of a video's frames under its limits."""
    stated = _stated_size(ele, factor)
    if stated is not None:
        return stated
    least = optional_number(ele, "min_pixels", VIDEO_MIN_PIXELS)
    total = optional_number(ele, "total_pixels", VIDEO_TOTAL_PIXELS)
    most = max(min(VIDEO_MAX_PIXELS, total / nframes * FRAME_FACTOR), int(least * 1.05))
    asked = optional_number(ele, "max_pixels", most)
    if asked > most:
        logger.warning("max_pixels is %g: no more than %g are used", asked, most)
    return smart_resize(*size, factor=factor, min_pixels=least, max_pixels=min(asked, most))


def _stated_size(ele: dict[str, Any], factor: int) -> Size | None:
    if "resized_height" not in ele or "resized_width" not in ele:
        return None
    return smart_resize(
        positive_integer("resized_height", ele["resized_height"]),
        positive_integer("resized_width", ele["resized_width"]),
        factor=factor,
    )


def calculate_video_frame_range(
    ele: dict[str, Any], total_frames: int, video_fps: float
) -> tuple[int, int, int]:
    """(first, last, how many) of the frames between ``video_start`` and ``video_end`` of ``ele``.

    Both are in seconds, which are turned into numbers of frames by ``video_fps``.

    Raises:
        InvalidArgumentError: there are not two frames between them, or a number is impossible.
    """
    start, end = ele.get("video_start"), ele.get("video_end")
    if start is None and end is None:
        return 0, total_frames - 1, total_frames
    duration = total_frames / positive_number("the video's frame rate", video_fps)
    first, last = 0, total_frames - 1
    if start is not None:
        first = math.ceil(_clamped("video_start", start, duration) * video_fps)
    if end is not None:
        last = min(math.floor(_clamped("video_end", end, duration) * video_fps), last)
    if first >= last:
        raise InvalidArgumentError(
            f"video_start is {short_repr(start)} and video_end {short_repr(end)}: "
            "expected two frames between them, of "
            f"{total_frames} at {video_fps:g} per second ({duration:.2f} s)"
        )
    return first, last, last - first + 1


def _clamped(name: str, value: Any, most: float) -> float:
    if isinstance(value, (int, float)) and value < 0:
        return 0.0
    return min(number_from_zero(name, value), most)


def _read_video_decord(ele: dict[str, Any]) -> tuple[torch.Tensor, float]:
    """(frames, frames sampled per second) of a video file: uint8 (T, 3, H, W) at its own size.

    The name is the published one; hosts wrap it.
    """
    rate = 0.0

    def choose(total: int, fps: float) -> torch.Tensor:
        nonlocal rate
        first, last, count = calculate_video_frame_range(ele, total, fps)
        nframes = smart_nframes(ele, count, fps)
        rate = nframes / max(count, 1e-6) * fps
        return spaced_places(first, last, nframes)

    options = {key: ele[key] for key in ("timeout", "on_error") if ele.get(key) is not None}
    return sample_video(ele["video"], choose, timestamps=None, **options).frames, rate


# By the names that FORCE_KEYEVL_VIDEO_READER may have.
VIDEO_READER_BACKENDS: dict[str, Reader] = {
    "decord": lambda ele: _read_video_decord(ele),
    "torchvision": lambda ele: _read_video_decord(ele),
}


@memory_errors("the images and videos")
def process_vision_info(
    conversations: Sequence[Any],
    return_video_kwargs: bool = False,
    *,
    limits: Limits | None = None,
) -> tuple[Any, ...]:
    """Read every image and video of the conversations.

    Args:
        conversations: messages, or a list of such lists.
        return_video_kwargs: give ``{"fps": [...]}`` as well, for the processor.
        limits: what each image and video may ask for; what it does not name, or None, is what the
            environment says.

    Returns:
        (images, videos), or those and the dictionary: images as of :func:`fetch_image` and videos
        as of :func:`fetch_video`, None where there is none.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as those two raise them.
    """
    images: list[Any] = []
    videos: list[Any] = []
    rates: list[float] = []
    with applied(limits):
        for kind, run in media_runs(media_parts(conversations)):
            if kind == "image":
                names = [f"image {len(images) + index}" for index in range(len(run))]
                images += map_images(fetch_image, run, names)
                continue
            for vision_info in run:
                video, rate = fetch_video(vision_info, return_video_sample_fps=True)
                videos.append(video)
                rates.append(rate)
    found = images or None, videos or None
    return (*found, {"fps": rates}) if return_video_kwargs else found
