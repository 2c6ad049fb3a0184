"""The images and videos of a conversation, loaded for the processor: files to patches in one go."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._chat.content_parts import is_frame_list, media_kind
from keye_vl_rs._chat.fetching import fetch_media
from keye_vl_rs._chat.message_options import warn_of_unread, with_options
from keye_vl_rs._chat.reading import readers
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._preprocess import preprocess_file
from keye_vl_rs._slow_fast.processor_kwargs import VIDEO_KWARGS
from keye_vl_rs._slow_fast.sizes import MERGE_SIZE, PATCH_SIZE
from keye_vl_rs._util.warn_once import warn_once
from keye_vl_rs.errors import memory_errors

__all__ = ["ChatMedia", "load_media"]

logger = logging.getLogger(__name__)


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
    config: PixelConfig,
    defaults: Mapping[str, Any],
) -> ChatMedia:
    """Load all images and videos of conversations.

    Args:
        conversations: lists of messages, as
            :func:`keye_vl_rs._chat.messages.plain_conversation` gives them.
        config: what the processor does to pixels.
        defaults: what holds for videos that do not say it themselves (``fps``, ...), and
            ``exif`` for images and frames.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as ``process_vision_info`` and
            :func:`keye_vl_rs.preprocess_video` raise them.
    """
    media = ChatMedia([], [], {})
    about: list[dict[str, Any]] = []
    streams = _can_stream(config)
    for conversation in conversations:
        images, loaded = fetch_media(
            [with_options(part, defaults) for part in _media_parts(conversation)],
            readers().fetch_image,
            lambda part: _load_video(part, config, streams=streams),
        )
        videos = [video for video, _ in loaded]
        about += [of_video for _, of_video in loaded]
        media.images.append(images)
        media.videos.append(videos)
    if any(about):
        media.about = {key: [of_video.get(key) for of_video in about] for key in VIDEO_KWARGS}
    return media


def _media_parts(conversation: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The images and videos of a conversation, in order."""
    contents = [message.get("content") for message in conversation]
    return [
        part
        for content in contents
        if isinstance(content, list)
        for part in content
        if media_kind(part) is not None
    ]


def _load_video(
    ele: dict[str, Any], config: PixelConfig, *, streams: bool
) -> tuple[Any, dict[str, Any]]:
    """A video as :class:`VideoInputs`, or its frames and what is said about them."""
    if is_frame_list(ele) or not streams:
        return readers().fetch_video(ele)
    warn_of_unread(ele, "a video file")
    asked = {name: value for name, value in ele.items() if value is not None}
    with memory_errors("the video"):
        return preprocess_file(asked, config, readers().rules), {}


def _can_stream(config: PixelConfig) -> bool:
    """Tell if videos may go from file to patches, as the program's own functions would have it."""
    unit = PATCH_SIZE * MERGE_SIZE
    if readers().are_replaced:
        reason = "vision_process is wrapped"
    elif (
        config.fused() is None
        or (config.patch_size, config.merge_size) != (PATCH_SIZE, MERGE_SIZE)
        or readers().rules.factor % unit
    ):
        reason = f"the image processor's settings are not the model's: {config}"
    else:
        return True
    warn_once(logger, f"videos are decoded whole before they are processed, for {reason}")
    return False
