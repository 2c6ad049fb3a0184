"""The images and videos of a conversation, loaded for the processor: files to patches in one go."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from keye_vl_rs import vision_process
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.geometry import MERGE_SIZE, PATCH_SIZE
from keye_vl_rs.preprocess import preprocess_video
from keye_vl_rs.recipe import Recipe
from keye_vl_rs.say_once import say_once

__all__ = ["ChatMedia", "load_media", "openai_blocks_as_images"]

logger = logging.getLogger(__name__)

# Under which keys messages give an image or a video; transformers' come after the published ones.
_IMAGE_KEYS = ("image", "image_url", "url", "path", "base64")
_VIDEO_KEYS = ("video", "url", "path")
# What a message may say about how a video is sampled and sized.
_VIDEO_OPTIONS = (
    "fps",
    "max_frames",
    "min_pixels",
    "max_pixels",
    "video_total_pixels",
    "min_frame_similarity",
    *vision_process.READING_OPTIONS,
)
# What is said about a video that is given as frames.
_ABOUT = ("height", "width", "fast_height", "fast_width", "timestamps", "frame_types")
_OWN_READING = (vision_process._read_video_decord, vision_process.fetch_video)
_RESCALE = 1 / 255


@dataclass
class ChatMedia:
    """What the conversations of one call show.

    Attributes:
        images: for each conversation, as of :func:`keye_vl_rs.fetch_image`.
        videos: for each conversation, :class:`keye_vl_rs.VideoInputs` or frames.
        about: for the processor, one entry per video; empty if no video is given as frames.
    """

    images: list[list[Any]]
    videos: list[list[Any]]
    about: dict[str, list[Any]]


def load_media(
    conversations: Sequence[Sequence[Mapping[str, Any]]],
    recipe: Recipe,
    defaults: Mapping[str, Any],
) -> ChatMedia:
    """Load all images and videos of conversations.

    Args:
        conversations: lists of messages, whose ``content`` may be a list of dictionaries.
        recipe: what the processor does to pixels.
        defaults: what holds for videos that do not say it themselves (``fps``, ...).

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as ``process_vision_info`` and
            :func:`keye_vl_rs.preprocess_video` raise them.
    """
    media = ChatMedia([], [], {})
    about: list[dict[str, Any]] = []
    streams = _can_stream(recipe)
    for conversation in conversations:
        images: list[Any] = []
        videos: list[Any] = []
        for kind, blocks in groupby(_media_blocks(conversation), _kind):
            if kind == "image":
                eles = [{**block, "image": _source(block, _IMAGE_KEYS)} for block in blocks]
                images += vision_process.fetch_images(eles)
                continue
            for block in blocks:
                given = {key: value for key, value in block.items() if value is not None}
                ele = {**defaults, **given, "video": _source(block, _VIDEO_KEYS)}
                video, of_video = _load_video(ele, recipe, streams=streams)
                videos.append(video)
                about.append(of_video)
        media.images.append(images)
        media.videos.append(videos)
    if any(about):
        media.about = {key: [of_video.get(key) for of_video in about] for key in _ABOUT}
    return media


def _media_blocks(conversation: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The images and videos of a conversation, in order."""
    contents = [message.get("content") for message in conversation]
    blocks = [b for some in contents if isinstance(some, (list, tuple)) for b in some]
    return [block for block in blocks if _kind(block) is not None]


def _kind(block: Any) -> str | None:
    kinds = {"image": "image", "image_url": "image", "video": "video"}
    kind = block.get("type") if isinstance(block, Mapping) else None
    return kinds.get(kind) if isinstance(kind, str) else None


def openai_blocks_as_images(conversation: Any) -> Any:
    """The same messages with ``{"type": "image_url", "image_url": {"url": ...}}`` as images.

    transformers does this too, and forgets what else such a block says (``min_pixels``, ...).
    """
    if isinstance(conversation, (list, tuple)):
        return [openai_blocks_as_images(part) for part in conversation]
    if not isinstance(conversation, Mapping) or not isinstance(conversation.get("content"), list):
        return conversation
    content = [
        {**{k: v for k, v in block.items() if k != "image_url"}, "type": "image"}
        | {"image": _url(block["image_url"])}
        if isinstance(block, Mapping) and block.get("type") == "image_url" and "image_url" in block
        else block
        for block in conversation["content"]
    ]
    return {**conversation, "content": content}


def _load_video(
    ele: dict[str, Any], recipe: Recipe, *, streams: bool
) -> tuple[Any, dict[str, Any]]:
    """A video as :class:`VideoInputs`, or its frames and what is said about them."""
    if isinstance(ele["video"], (list, tuple)) or not streams:
        return vision_process.fetch_video(ele)
    options = {key: ele[key] for key in _VIDEO_OPTIONS if ele.get(key) is not None}
    nframes = ele.get("num_frames")
    inputs = preprocess_video(
        ele["video"],
        **{"fps": vision_process.FPS, **options},
        nframes=nframes,
        image_mean=recipe.image_mean,
        image_std=recipe.image_std,
        dtype=recipe.dtype,
    )
    return inputs, {}


def _can_stream(recipe: Recipe) -> bool:
    """Whether ``preprocess_video`` does what the processor would, and nobody wants it otherwise."""
    if (vision_process._read_video_decord, vision_process.fetch_video) != _OWN_READING:
        reason = "vision_process is wrapped"
    elif (
        recipe.fused() is None
        or not recipe.do_normalize
        or not recipe.do_rescale
        or recipe.rescale_factor != _RESCALE
        or (recipe.patch_size, recipe.merge_size) != (PATCH_SIZE, MERGE_SIZE)
    ):
        reason = f"the image processor's settings are not the model's: {recipe}"
    else:
        return True
    say_once(logger, f"videos are decoded whole before they are processed, for {reason}")
    return False


def _source(block: Mapping[str, Any], keys: Sequence[str]) -> Any:
    for key in keys:
        if block.get(key) is not None:
            return _url(block[key])
    raise InvalidArgumentError(
        f"content of type {block['type']!r} has the keys {sorted(block)}: expected one of "
        f"{', '.join(keys)}"
    )


def _url(source: Any) -> Any:
    """An address, also out of OpenAI's way of giving it."""
    return source.get("url") if isinstance(source, Mapping) else source
