"""The drop-in for ``keye_vl_utils`` 1.5.2: the same names, arguments and results.

Change ``from keye_vl_utils import process_vision_info`` to ``from keye_vl_rs import
process_vision_info`` and nothing else. As there, the constants below are read when a function runs,
so that a program may set them; and ``fetch_video`` decodes through :func:`_read_video_decord`, so
that a program may wrap it.

Where the published code fails, this does not: a video shorter than half a second gives one frame,
``http`` images have a timeout, and what is wrong with an argument or a file is said by an exception
of :mod:`keye_vl_rs.errors`.
"""

from __future__ import annotations

import collections
import logging
from typing import TYPE_CHECKING, Any

from keye_vl_rs._chat.content_parts import plain_image, plain_video
from keye_vl_rs._chat.message_options import frame_parts, warn_of_unread
from keye_vl_rs._chat.messages import extract_vision_info, media_parts, media_runs
from keye_vl_rs._chat.reading import Readers, set_readers
from keye_vl_rs._media.images import map_images
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs._sampling.video import read_video_file, video_name
from keye_vl_rs._slow_fast import sizes
from keye_vl_rs._slow_fast.frame_lists import open_resized, read_frame_list, start_watch
from keye_vl_rs._slow_fast.plan import plan_checked_sizes
from keye_vl_rs._slow_fast.similarity import get_frame_sim
from keye_vl_rs._slow_fast.sizes import ceil_by_factor, floor_by_factor, round_by_factor
from keye_vl_rs._slow_fast.split import split_frames
from keye_vl_rs._util.model import FACTOR, SLOW
from keye_vl_rs.errors import InvalidArgumentError, memory_errors
from keye_vl_rs.limits import Limits, applied

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

logger = logging.getLogger(__name__)

# Pixels on a side of what becomes one token.
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
# Of one video.
VIDEO_TOTAL_PIXELS = 65536 * IMAGE_FACTOR * IMAGE_FACTOR
FPS = 2.0

# Tokens of a fast frame for each token of a slow one.
FAST_TOKEN_RATIO = 0.3
# A frame with a smaller share of unchanged patches than this is slow.
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
    """The size nearest to (height, width) in multiples of ``factor`` between two numbers of pixels.

    Returns:
        (height, width) in pixels; the aspect ratio is kept as closely as the multiples allow.

    Raises:
        AspectRatioError: the longer side is more than 200 times the shorter one.
        SizeError: a side is zero.
        InvalidArgumentError: a limit is negative or not a number.
    """
    return sizes.smart_resize(height, width, factor, min_pixels, max_pixels, max_ratio=MAX_RATIO)


def smart_nframes(ele: dict[str, Any], total_frames: int, video_fps: float) -> int:
    """How many of ``total_frames`` frames at ``video_fps`` are sampled; one at least.

    Args:
        ele: may hold ``fps`` (frames per second to sample, 2.0), ``max_frames``, ``min_pixels`` and
            ``video_total_pixels``, whose quotient limits the number too; or ``num_frames``, exactly
            so many, which only ``max_frames`` limits.
        total_frames: frames of the video.
        video_fps: frames per second of the video.

    Raises:
        InvalidArgumentError: a number is zero, negative or NaN, or ``num_frames`` is more than
            ``total_frames``; the message names it.
    """
    return _rules().count_frames(ele, total_frames, video_fps)


def extract_slow_fast_frames(
    frames: torch.Tensor, threshold: float = MIN_FRAME_SIMILARITY
) -> torch.Tensor:
    """Which frames are slow (0: much has changed since the last slow one) and which fast (1).

    Args:
        frames: uint8 (T, 3, H, W).
        threshold: a frame with a smaller share of unchanged patches is slow.

    Returns:
        (T,) int32.

    Raises:
        FramesShapeError, FramesDtypeError, AspectRatioError: the frames are none that can be
            compared.
        InvalidArgumentError: the threshold is NaN or no number.
    """
    return split_frames(frames, threshold, _rules())


def _rules() -> VideoRules:
    """Return the numbers that the constants of this module are now."""
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
    """Open the image of a message and resize it as the model wants it.

    Args:
        ele: ``image`` or ``image_url``, in any form of
            :func:`keye_vl_rs._chat.content_parts.plain_part`: a ``PIL.Image``, path, ``file://``,
            ``http(s)://``, ``data:...;base64,`` or base64, a file object or a uint8
            array; and, if wanted, ``min_pixels`` and ``max_pixels``, or ``resized_height`` and
            ``resized_width``; and ``exif``: True turns the image as its EXIF orientation says.
        size_factor: both sides become multiples of it.
        is_video: whether the limits default to those of a video frame.
        limits: what the image may ask for; None is what the environment says.

    Returns:
        RGB, resized with Pillow's default filter.

    Raises:
        MediaError: a subclass, when the image cannot be read; LimitError when it is to become
            larger than ``resized_pixels`` of :class:`keye_vl_rs.Limits` allow.
        OutOfMemoryError: memory for it cannot be had.
        AspectRatioError, SizeError, InvalidArgumentError: its size is impossible.
    """
    ele = plain_image(ele, "the image")
    if not is_video:
        warn_of_unread(ele, "an image")
    with applied(limits):
        return _resized_image(ele, size_factor, is_video)


def _resized_image(
    ele: dict[str, Any], size_factor: int, is_video: bool, frames: int = 1
) -> Image.Image:
    """:func:`fetch_image` of an image, or of one of so many frames, which get one size."""
    limits = (VIDEO_MIN_PIXELS, VIDEO_MAX_PIXELS) if is_video else (MIN_PIXELS, MAX_PIXELS)
    return open_resized(ele, size_factor, limits, MAX_RATIO, frames)


def fetch_images(
    eles: Sequence[dict[str, Any]], size_factor: int = IMAGE_FACTOR, *, first: int = 0
) -> list[Image.Image]:
    """:func:`fetch_image` of each, as :func:`keye_vl_rs._media.images.map_images` has it done.

    Errors call them images with numbers from ``first`` on.
    """
    names = [f"image {first + index}" for index in range(len(eles))]
    plain = [plain_image(ele, name) for ele, name in zip(eles, names, strict=True)]
    return map_images(lambda ele: fetch_image(ele, size_factor), plain, names)


@memory_errors("the video")
def fetch_video(
    ele: dict[str, Any], image_factor: int = IMAGE_FACTOR, *, limits: Limits | None = None
) -> tuple[torch.Tensor, dict[str, Any]]:
    """Sample the video of a message and plan what becomes of each frame.

    Args:
        ele: ``video``: a path, ``file://``, ``http(s)://``, ``data:``, base64, the bytes of a file,
            a file object, or a list of frames, each an image source or a dictionary for
            :func:`fetch_image`; and, if wanted, ``fps`` (2.0), ``max_frames``, ``num_frames``
            (exactly so many, instead of by ``fps``, or ``max_frames`` if that is fewer),
            ``min_pixels``, ``max_pixels``, ``video_total_pixels`` and
            ``min_frame_similarity`` (0.9); ``timeout`` as in :func:`keye_vl_rs.preprocess_video`,
            and of a file ``video_start``, ``video_end``, ``on_error`` and ``timestamps``; of a
            list, ``resized_height`` with ``resized_width``, and ``exif``. As in the published code
            ``nframes`` is not read, which a warning says.
        image_factor: for the frames of a list.
        limits: what the video may ask for; None is what the environment says.

    Returns:
        The sampled frames, uint8 (T, 3, H, W) at the file's own size (a view of channels-last
        memory), and what the processor needs to know: ``height``, ``width``, ``fast_height``,
        ``fast_width`` (int), ``timestamps`` ((T,) float32, seconds; for a list only if ``fps`` is
        given) and ``frame_types`` ((T,) int32).

    Raises:
        MediaError: a subclass, when the video cannot be read or decoded; LimitError when its frames
            are to become larger than :class:`keye_vl_rs.Limits` allow.
        OutOfMemoryError: memory for it cannot be had.
        InvalidArgumentError: a subclass, when a number is impossible.
    """
    with applied(limits):
        return _fetch_video(plain_video(ele, "the video"), image_factor)


def _fetch_video(ele: dict[str, Any], image_factor: int) -> tuple[torch.Tensor, dict[str, Any]]:
    listed = isinstance(ele["video"], (list, tuple))
    warn_of_unread(ele, "a list of frames" if listed else "a video file")
    if listed:
        watch = start_watch(ele)
        rules = _rules()
        frames, timestamps = read_frame_list(
            *(ele, frame_parts(ele), rules, rules.count_frames, image_factor)
        )
        watch.check()
        threshold = ele.get("min_frame_similarity", MIN_FRAME_SIMILARITY)
        frame_types = extract_slow_fast_frames(frames, threshold)
    else:
        frames, timestamps, frame_types = _read_video_decord(ele)
    slow_frames = frame_types.tolist().count(SLOW)
    size = (frames.shape[2], frames.shape[3])
    slow, fast = plan_checked_sizes(
        *(ele, size, slow_frames, len(frame_types) - slow_frames),
        *(_rules(), video_name(ele["video"])),
    )
    processor_kwargs: dict[str, Any] = {
        "height": slow[0],
        "width": slow[1],
        "fast_height": fast[0],
        "fast_width": fast[1],
    }
    if timestamps is not None:
        processor_kwargs["timestamps"] = timestamps
    processor_kwargs["frame_types"] = frame_types
    logger.debug("fetch_video: %d frames, slow %s, fast %s", len(frame_types), slow, fast)
    return frames, processor_kwargs


def _read_video_decord(
    ele: dict[str, Any],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(frames, timestamps, frame types) of a video file. The name is the published one; hosts wrap
    it.

    Decoding is done with PyAV, whose frames have the same bytes.
    """
    sampled = read_video_file(ele, _rules(), smart_nframes)
    threshold = ele.get("min_frame_similarity", MIN_FRAME_SIMILARITY)
    frame_types = extract_slow_fast_frames(sampled.frames, threshold)
    assert sampled.timestamps is not None, "frames that were read have times"
    return sampled.frames, sampled.timestamps, frame_types


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
        conversations: messages, or a list of such lists.
        vision_infos: instead of them, their images and videos.
        image_factor: sides of images become multiples of it.
        limits: what each image and video may ask for; what it does not name, or None, is what the
            environment says.

    Returns:
        (images, videos, kwargs for the processor): images as of :func:`fetch_image` and videos as
        of :func:`fetch_video`, None where there is none; the kwargs have one entry per video, which
        is None for the timestamps of a list of frames without ``fps`` beside other videos.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as those two raise them.
    """
    if vision_infos is None and conversations is None:
        raise InvalidArgumentError("give conversations or vision_infos")
    images: list[Image.Image] = []
    videos: list[torch.Tensor] = []
    for_processor: list[dict[str, Any]] = []
    with applied(limits):
        for kind, run in media_runs(media_parts(conversations, vision_infos)):
            if kind == "image":
                images += fetch_images(run, image_factor, first=len(images))
                continue
            for vision_info in run:
                frames, of_video = fetch_video(vision_info, image_factor)
                videos.append(frames)
                for_processor.append(of_video)
    processor_kwargs: dict[str, list[Any]] = collections.defaultdict(list)
    for key in dict.fromkeys(key for of_video in for_processor for key in of_video):
        # Every list has one entry per video; the published code leaves out missing timestamps, and
        # the next video's then stand in their place.
        processor_kwargs[key] = [of_video.get(key) for of_video in for_processor]
    return images or None, videos or None, processor_kwargs


_OWN = (_read_video_decord, fetch_video)


def _readers() -> Readers:
    """Return what reads the media of conversations for the processors."""
    return Readers(fetch_images, fetch_video, FPS, (_read_video_decord, fetch_video) != _OWN)


set_readers(_readers)
