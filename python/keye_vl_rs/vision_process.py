"""Replace ``keye_vl_utils`` 1.5.2: the same names, arguments and results.

Change only the name of the package in imports. As there, the constants below are read when a
function runs, so a program may set them; and ``fetch_video`` decodes through
:func:`_read_video_decord`, so a program may wrap it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from keye_vl_rs._chat.content_parts import is_frame_list, plain_video
from keye_vl_rs._chat.message_media import fetch_media, open_image, read_list
from keye_vl_rs._chat.message_options import warn_of_unread_in_video
from keye_vl_rs._chat.messages import check_dictionary, extract_vision_info, media_parts
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video import read_video_file
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._slow_fast import sizes
from keye_vl_rs._slow_fast.processor_kwargs import collate_kwargs, video_kwargs
from keye_vl_rs._slow_fast.resized_images import ImageRules
from keye_vl_rs._slow_fast.similarity import get_frame_sim
from keye_vl_rs._slow_fast.sizes import ceil_by_factor, floor_by_factor, round_by_factor
from keye_vl_rs._slow_fast.split import split_frames
from keye_vl_rs._util.model import FACTOR
from keye_vl_rs.errors import InvalidArgumentError, calling, memory_errors
from keye_vl_rs.limits import Limits, applied
from keye_vl_rs.processors.media_functions import MediaFunctions, register_media_functions

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from PIL import Image

__all__ = [
    "ceil_by_factor",
    "extract_slow_fast_frames",
    "extract_vision_info",
    "fetch_image",
    "fetch_video",
    "floor_by_factor",
    "get_frame_sim",
    "process_vision_info",
    "round_by_factor",
    "smart_nframes",
    "smart_resize",
]

# Pixels on a side of a token.
IMAGE_FACTOR = FACTOR
MIN_TOKENS = 4
MAX_TOKENS = 20480
MIN_PIXELS = MIN_TOKENS * IMAGE_FACTOR * IMAGE_FACTOR
MAX_PIXELS = MAX_TOKENS * IMAGE_FACTOR * IMAGE_FACTOR
MAX_RATIO = 200
# Of one video frame.
VIDEO_MIN_TOKENS = 48
VIDEO_MAX_TOKENS = 768
VIDEO_MIN_PIXELS = VIDEO_MIN_TOKENS * IMAGE_FACTOR * IMAGE_FACTOR
VIDEO_MAX_PIXELS = VIDEO_MAX_TOKENS * IMAGE_FACTOR * IMAGE_FACTOR
# Of all frames of one video.
VIDEO_TOTAL_PIXELS = 65536 * IMAGE_FACTOR * IMAGE_FACTOR
FPS = 2.0
# Tokens of a fast frame for each token of a slow one.
FAST_TOKEN_RATIO = 0.3
# A frame with a smaller share of unchanged patches is slow.
MIN_FRAME_SIMILARITY = 0.9
# Frames are compared at this many tokens at most.
_SIMILARITY_MAX_TOKENS = 256


def smart_resize(
    height: int,
    width: int,
    factor: int = IMAGE_FACTOR,
    min_pixels: float = MIN_PIXELS,
    max_pixels: float = MAX_PIXELS,
) -> tuple[int, int]:
    """Return the (height, width), in pixels, nearest to the given one that the model can read.

    The aspect ratio is kept as closely as multiples of ``factor`` allow.

    Args:
        height: height in pixels, an int.
        width: width in pixels, an int.
        factor: both sides become multiples of it, in pixels (default 28).
        min_pixels: minimum of their product (default 3,136: 4 tokens).
        max_pixels: maximum of their product (default 16,056,320: 20,480 tokens).

    Raises:
        AspectRatioError: the longer side is more than 200 times the shorter one.
        SizeError: a side is zero.
        InvalidArgumentError: a side or ``factor`` is not an int, or a limit is not a number from 0.
    """
    return sizes.smart_resize(height, width, factor, min_pixels, max_pixels, max_ratio=MAX_RATIO)


def smart_nframes(ele: dict[str, Any], total_frames: int, video_fps: float) -> int:
    """Return how many of ``total_frames`` frames at ``video_fps`` are sampled; at least one.

    Args:
        ele: options of a video. ``fps``: frames to sample per second (2.0, at most ``video_fps``).
            ``max_frames``: the most frames to sample; ``video_total_pixels / min_pixels`` is
            another such limit. ``num_frames``: sample exactly this many frames instead, or
            ``max_frames`` if that is fewer.
        total_frames: frames of the video.
        video_fps: frames per second of the video.

    Raises:
        InvalidArgumentError: a number is zero, negative or NaN, or over ``total_frames``.
    """
    check_dictionary(ele, "ele")
    return _rules().count_frames(VideoOptions.from_message(ele), total_frames, video_fps)


def extract_slow_fast_frames(
    frames: torch.Tensor, threshold: float = MIN_FRAME_SIMILARITY
) -> torch.Tensor:
    """Return the type of each frame: slow (much has changed since the last slow one) or fast.

    Args:
        frames: RGB, uint8 (T, 3, H, W) or (T, H, W, 3), a tensor or a NumPy array.
        threshold: a frame with a smaller share of unchanged patches is slow (default 0.9).

    Returns:
        (T,) int32, 0 for slow and 1 for fast frames.

    Raises:
        FramesShapeError, FramesDtypeError, AspectRatioError: the frames cannot be compared.
        InvalidArgumentError: the threshold is NaN or not a number.
    """
    with calling("min_frame_similarity", "threshold"):
        return split_frames(frames, threshold, _rules(), smart_resize)


def _rules() -> VideoRules:
    """Return the current values of the constants of this module that concern videos."""
    return VideoRules(
        factor=IMAGE_FACTOR,
        max_ratio=MAX_RATIO,
        fps=FPS,
        min_pixels=VIDEO_MIN_PIXELS,
        max_pixels=VIDEO_MAX_PIXELS,
        total_pixels=VIDEO_TOTAL_PIXELS,
        fast_token_ratio=FAST_TOKEN_RATIO,
        min_frame_similarity=MIN_FRAME_SIMILARITY,
        comparison_pixels=_SIMILARITY_MAX_TOKENS * IMAGE_FACTOR * IMAGE_FACTOR,
    )


@memory_errors("the image")
def fetch_image(
    ele: dict[str, Any],
    size_factor: int = IMAGE_FACTOR,
    is_video: bool = False,
    *,
    limits: Limits | None = None,
) -> Image.Image:
    """Open the image of a message and resize it for the model.

    Args:
        ele: a content part with an image. ``image`` is a path, a ``file://``, ``http(s)://`` or
            ``data:`` address, base64, bytes, a file object, a ``PIL.Image``, or a uint8 array or
            tensor; ``image_url`` is an address or ``{"url": ...}``. Optional: ``min_pixels`` and
            ``max_pixels``, or ``resized_height`` with ``resized_width`` (in pixels); and
            ``exif=True``, which applies the image's EXIF orientation.
        size_factor: both sides become multiples of it, in pixels (default 28).
        is_video: use the default pixel limits of a video frame (default False).
        limits: limits on the image; by default those of the environment.

    Returns:
        An RGB image, resized with Pillow's default filter.

    Raises:
        MediaError: a subclass, when the image cannot be read; LimitError when it would become
            larger than ``resized_pixels`` of :class:`keye_vl_rs.Limits` allows.
        OutOfMemoryError: there is not enough memory for it.
        AspectRatioError, SizeError, InvalidArgumentError: its size is impossible.
    """
    with applied(limits):
        return open_image(ele, _image_rules(size_factor, is_video), warn=not is_video)


def _image_rules(factor: int, is_video: bool) -> ImageRules:
    pixels = (VIDEO_MIN_PIXELS, VIDEO_MAX_PIXELS) if is_video else (MIN_PIXELS, MAX_PIXELS)
    return ImageRules(factor, *pixels, smart_resize)


@memory_errors("the video")
def fetch_video(
    ele: dict[str, Any], image_factor: int = IMAGE_FACTOR, *, limits: Limits | None = None
) -> tuple[torch.Tensor, dict[str, Any]]:
    """Sample the video of a message and plan type and size of each frame.

    Args:
        ele: ``video``: a path, ``file://``, ``http(s)://`` or ``data:`` address, base64, the bytes
            of a file, a file object, or a list of frames, each an image source or a dictionary for
            :func:`fetch_image`; and optionally ``fps`` (2.0), ``max_frames``, ``num_frames`` (an
            exact number instead of ``fps``, or ``max_frames`` if that is fewer), ``min_pixels``,
            ``max_pixels``, ``video_total_pixels`` and ``min_frame_similarity`` (0.9); ``timeout``
            as in :func:`keye_vl_rs.preprocess_video`; for a file ``video_start``, ``video_end``,
            ``on_error`` and ``timestamps``; for a list ``resized_height`` with ``resized_width``,
            and ``exif``. As in keye_vl_utils, ``nframes`` is not read; a warning says so.
        image_factor: sides of a list's frames become multiples of it, in pixels (default 28).
        limits: limits on the video; by default those of the environment.

    Returns:
        The sampled frames, uint8 (T, 3, H, W) at the file's own size (a view of channels-last
        memory), and keyword arguments for the processor: ``height``, ``width``, ``fast_height``,
        ``fast_width`` (int), ``timestamps`` ((T,) float32, seconds; for a list only if ``fps`` is
        given) and ``frame_types`` ((T,) int32).

    Raises:
        MediaError: a subclass, when the video cannot be read or decoded; LimitError when its frames
            would become larger than :class:`keye_vl_rs.Limits` allow.
        OutOfMemoryError, InvalidArgumentError: memory runs out, or a number is impossible.
    """
    with applied(limits):
        ele = plain_video(ele, "the video")
        warn_of_unread_in_video(ele)
        if is_frame_list(ele):
            resize = _image_rules(image_factor, is_video=True)
            frames, timestamps = read_list(ele, _rules(), resize, partial(smart_nframes, ele))
            frame_types = _frame_types(ele, frames)
        else:
            frames, timestamps, frame_types = _read_video_decord(ele)
        options = VideoOptions.from_message(ele)
        return frames, video_kwargs(options, frames, timestamps, frame_types, _rules())


def _read_video_decord(
    ele: dict[str, Any],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return (frames, timestamps, frame types) of a video file.

    Hosts wrap it under this name. PyAV decodes, to the same bytes as decord.
    """
    sampled = read_video_file(VideoOptions.from_message(ele), _rules(), partial(smart_nframes, ele))
    assert sampled.timestamps is not None, "sampled frames of a file have timestamps"
    return sampled.frames, sampled.timestamps, _frame_types(ele, sampled.frames)


def _frame_types(ele: dict[str, Any], frames: torch.Tensor) -> torch.Tensor:
    threshold = ele.get("min_frame_similarity", MIN_FRAME_SIMILARITY)
    with calling("threshold", "min_frame_similarity"):
        return extract_slow_fast_frames(frames, threshold)


@memory_errors("the images and videos")
def process_vision_info(
    conversations: Sequence[Any] | None = None,
    vision_infos: list[dict[str, Any]] | None = None,
    image_factor: int = IMAGE_FACTOR,
    *,
    limits: Limits | None = None,
) -> tuple[list[Image.Image] | None, list[torch.Tensor] | None, dict[str, list[Any]]]:
    """Read every image and video of the conversations.

    Args:
        conversations: as for :func:`extract_vision_info`, with options as for :func:`fetch_image`
            and :func:`fetch_video`.
        vision_infos: a list of images and videos, to use instead of ``conversations``.
        image_factor: sides of images and of a list's frames become multiples of it, in pixels.
        limits: limits on each image and video; by default those of the environment.

    Returns:
        (images, videos, kwargs): the images as of :func:`fetch_image` and the videos as of
        :func:`fetch_video`, in lists, or None if there are none; and the processor's arguments,
        each a list with one entry per video. The entry in ``timestamps`` is None for a list of
        frames without ``fps`` beside other videos.

    Raises:
        MediaError, OutOfMemoryError: as those functions raise them; the message names the medium.
        InvalidArgumentError: a message or an option is invalid, or neither argument is given.
    """
    if vision_infos is None and conversations is None:
        raise InvalidArgumentError("give conversations or vision_infos")
    with applied(limits):
        images, videos = fetch_media(
            media_parts(conversations, vision_infos),
            lambda part: fetch_image(part, image_factor),
            lambda part: fetch_video(part, image_factor),
        )
    frames = [frames for frames, _ in videos]
    return images or None, frames or None, collate_kwargs([kwargs for _, kwargs in videos])


def _replaceable() -> tuple[Any, ...]:
    """Return the current functions that read, sample, compare and size videos."""
    return _read_video_decord, fetch_video, smart_nframes, extract_slow_fast_frames, smart_resize


_OWN = _replaceable()

# Called for each conversation, for the functions and constants that are current then.
register_media_functions(
    lambda: MediaFunctions(fetch_image, fetch_video, _rules(), _replaceable() != _OWN)
)
