"""Load the media of messages with the functions of a model: the steps that both models share.

The functions come from the caller, and so does the decision whether a video is streamed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from keye_vl_rs._chat.content_parts import IMAGE, plain_image
from keye_vl_rs._chat.message_options import list_parts, warn_of_unread
from keye_vl_rs._chat.messages import media_runs
from keye_vl_rs._media.images import map_images
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._slow_fast.frame_lists import list_deadline, read_frame_list, read_frame_pairs
from keye_vl_rs._slow_fast.resized_images import ImageRules, open_resized

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from keye_vl_rs._sampling.preview_rules import PreviewRules
    from keye_vl_rs._sampling.rules import FrameCounter, VideoRules

__all__ = ["fetch_images", "fetch_media", "open_image", "read_list", "read_preview_list"]

Video = TypeVar("Video")


def open_image(ele: Any, rules: ImageRules, *, warn: bool = True) -> Image.Image:
    """Open and resize the image of a message.

    Args:
        ele: an image in any form of :func:`keye_vl_rs._chat.content_parts.plain_part`.
        rules: apply where ``ele`` says nothing.
        warn: log a warning of options that no image has.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as
            :func:`keye_vl_rs._slow_fast.resized_images.open_resized` raises them.
    """
    plain = plain_image(ele, "the image")
    if warn:
        warn_of_unread(plain, "an image")
    return open_resized(plain, rules)


def fetch_images(
    fetch: Callable[[dict[str, Any]], Image.Image],
    parts: Sequence[Any],
    *,
    first: int = 0,
) -> list[Image.Image]:
    """Call ``fetch`` with each image, several at a time, and return the results in order.

    Errors name the images by their number, counting from ``first``.
    """
    names = [f"image {first + index}" for index in range(len(parts))]
    plain = [plain_image(part, name) for part, name in zip(parts, names, strict=True)]
    return map_images(fetch, plain, names)


def fetch_media(
    parts: Sequence[dict[str, Any]],
    fetch_image: Callable[[dict[str, Any]], Image.Image],
    fetch_video: Callable[[dict[str, Any]], Video],
) -> tuple[list[Image.Image], list[Video]]:
    """Return the images and the videos among ``parts``, each in order.

    Neighbouring images are read several at a time, videos one after the other.

    Args:
        parts: as :func:`keye_vl_rs._chat.messages.media_parts` returns them.
        fetch_image: reads one image.
        fetch_video: reads one video.
    """
    images: list[Image.Image] = []
    videos: list[Video] = []
    for kind, run in media_runs(parts):
        if kind == IMAGE:
            images += fetch_images(fetch_image, run, first=len(images))
        else:
            videos += [fetch_video(part) for part in run]
    return images, videos


def read_list(
    ele: dict[str, Any], rules: VideoRules, image_rules: ImageRules, count: FrameCounter
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return :func:`~keye_vl_rs._slow_fast.frame_lists.read_frame_list` of a message's video.

    Raises:
        MediaTimeoutError: it took longer than the ``timeout`` of ``ele``.
        MediaError, InvalidArgumentError: subclasses of them, as that function raises them.
    """
    options = VideoOptions.from_message(ele)
    deadline = list_deadline(options)
    read = read_frame_list(options, list_parts(ele), rules, image_rules, count)
    deadline.check()
    return read


def read_preview_list(
    ele: dict[str, Any], rules: PreviewRules, image_rules: ImageRules
) -> tuple[list[Image.Image], float]:
    """Return :func:`~keye_vl_rs._slow_fast.frame_lists.read_frame_pairs` of a message's video.

    Raises:
        MediaTimeoutError: it took longer than the ``timeout`` of ``ele``.
        MediaError, InvalidArgumentError: subclasses of them, as that function raises them.
    """
    deadline = list_deadline(VideoOptions.from_message(ele))
    read = read_frame_pairs(ele, list_parts(ele), rules, image_rules)
    deadline.check()
    return read
