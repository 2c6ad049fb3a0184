"""Load the images and videos in conversations, for ``apply_chat_template``.

``_chat.message_media`` calls back here for each video, and video files are streamed where possible.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._chat.content_parts import is_frame_list, media_kind
from keye_vl_rs._chat.message_media import fetch_media
from keye_vl_rs._chat.message_options import warn_of_unread, with_options
from keye_vl_rs._patches.pixel_config import PixelConfig
from keye_vl_rs._preprocess import preprocess_file
from keye_vl_rs._sampling.video_options import VideoOptions
from keye_vl_rs._slow_fast.processor_kwargs import collate_kwargs
from keye_vl_rs._slow_fast.sizes import MERGE_SIZE, PATCH_SIZE
from keye_vl_rs._slow_fast.video_arguments import VIDEO_KWARGS
from keye_vl_rs._util.warn_once import warn_once
from keye_vl_rs.errors import memory_errors
from keye_vl_rs.processors.media_functions import media_functions

__all__ = ["ChatMedia", "load_media"]

logger = logging.getLogger(__name__)


@dataclass
class ChatMedia:
    """Load the images and videos of the conversations of one call.

    Attributes:
        images: for each conversation, images as :func:`keye_vl_rs.fetch_image` returns them.
        videos: for each conversation, :class:`keye_vl_rs.VideoInputs` or frames.
        video_kwargs: arguments of the processor with one entry per video; empty if all videos are
            :class:`keye_vl_rs.VideoInputs`.
    """

    images: list[list[Any]]
    videos: list[list[Any]]
    video_kwargs: dict[str, list[Any]]


def load_media(
    conversations: Sequence[Sequence[Mapping[str, Any]]],
    config: PixelConfig,
    defaults: Mapping[str, Any],
) -> ChatMedia:
    """Load all images and videos of conversations.

    Args:
        conversations: lists of messages, as
            :func:`keye_vl_rs._chat.messages.plain_conversation` returns them.
        config: the processor's pixel configuration for videos.
        defaults: options for videos that do not have them (``fps``, ...), and ``exif`` for images
            and lists of frames.

    Raises:
        MediaError, InvalidArgumentError: subclasses of them, as for ``process_vision_info`` and
            :func:`keye_vl_rs.preprocess_video`.
    """
    media = ChatMedia([], [], {})
    kwargs: list[dict[str, Any]] = []
    streams = _can_stream(config)
    for conversation in conversations:
        images, loaded = fetch_media(
            [with_options(part, defaults) for part in _media_parts(conversation)],
            media_functions().fetch_image,
            lambda part: _load_video(part, config, streams=streams),
        )
        videos = [video for video, _ in loaded]
        kwargs += [one for _, one in loaded]
        media.images.append(images)
        media.videos.append(videos)
    media.video_kwargs = collate_kwargs(kwargs, VIDEO_KWARGS)
    return media


def _media_parts(conversation: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the images and videos of a conversation, in order."""
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
    """Load a video as :class:`VideoInputs`, or as frames with arguments of the processor."""
    if is_frame_list(ele) or not streams:
        return media_functions().fetch_video(ele)
    warn_of_unread(ele, "a video file")
    options = VideoOptions.from_message(ele)
    with memory_errors("the video"):
        return preprocess_file(options, config, media_functions().rules), {}


def _can_stream(config: PixelConfig) -> bool:
    """Return whether video files may be streamed with results equal to the program's functions."""
    unit = PATCH_SIZE * MERGE_SIZE
    if media_functions().are_replaced:
        reason = "vision_process is wrapped"
    elif (
        config.fused() is None
        or (config.patch_size, config.merge_size) != (PATCH_SIZE, MERGE_SIZE)
        or media_functions().rules.factor % unit
    ):
        reason = f"the processor's settings are not the model's: {config}"
    else:
        return True
    warn_once(logger, f"videos are decoded completely before they are processed, because {reason}")
    return False
