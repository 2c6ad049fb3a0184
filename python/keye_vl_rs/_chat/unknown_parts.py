"""Recognise parts of messages that look like media, but have no form that is understood.

They must be refused, because they would be dropped silently: neither loaded nor put into the prompt
by a chat template.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from keye_vl_rs._media.encoded_sources import is_encoded

__all__ = ["TEXT_TYPES", "is_for_servers", "looks_like_media", "media_inside"]

TEXT_TYPES = ("text", "input_text", "output_text")
# Types of parts without media. Addresses and paths in them are texts.
_SPOKEN_TYPES = frozenset(
    {
        *TEXT_TYPES,
        *("citation", "function", "function_call", "function_call_output", "reasoning"),
        *("redacted_thinking", "refusal", "search_result", "summary_text", "thinking", "think"),
        *("tool", "tool_call", "tool_calls", "tool_output", "tool_response", "tool_result"),
        *("tool_use", "web_search_call"),
    }
)
# Keys under which the answers of tools hold parts.
_ANSWER_KEYS = ("content", "output")
# Types that a server may understand, and this package does not.
_SERVER_TYPES = ("file", "input_file")
# Keys of media in other libraries. The second set does not count in texts and calls of tools.
_MEDIA_KEYS = frozenset(
    {
        *("audio", "audio_url", "image_base64", "image_embeds", "image_file", "image_path"),
        # Gemini's; its clients also spell them inlineData and fileData.
        *("inline_data", "inlineData"),
        *("image_pil", "images", "img", "input_audio", "input_image", "input_video", "picture"),
        *("video_file", "video_path", "videos"),
    }
)
_FILE_KEYS = frozenset(
    {
        *("clip", "document", "file", "file_data", "fileData", "file_id", "file_path", "file_url"),
        *("frames", "media", "media_url"),
    }
)
_NEAR_TYPES = re.compile(
    r"(^|_)(image|img|picture|photo|video|audio|frame|clip|movie|media|file|document)s?(_|$)",
    re.IGNORECASE,
)
# A media type, which some forms state beside the data (RFC 6838).
_MEDIA_TYPE = re.compile(r"(?:image|video|audio)/[a-z0-9][a-z0-9.+-]*\Z", re.IGNORECASE)
_ADDRESS = re.compile(r"(?:data:|[a-z][a-z0-9+.-]+://)", re.IGNORECASE)
_SUFFIX = re.compile(
    r"\.(?:avi|avif|bmp|flv|gif|heic|jpe?g|m4v|mkv|mov|mp4|mpe?g|mts|m2ts|ogv|png|tiff?|ts|webm"
    r"|webp|wmv)$",
    re.IGNORECASE,
)
# How many levels of nested values are searched, and how many entries of each.
_DEPTH = 4
_ENTRIES = 64


def looks_like_media(given: Mapping[Any, Any], kind: str | None) -> bool:
    """Return whether a part without a key for media looks like a medium.

    Args:
        given: the part, without keys whose value is None.
        kind: its type, if that is a string.
    """
    keys = {key for key in given if isinstance(key, str)}
    if keys & _MEDIA_KEYS:
        return True
    if kind in _SPOKEN_TYPES:
        return False
    if keys & _FILE_KEYS or (kind is not None and _NEAR_TYPES.search(kind)):
        return True
    return any(map(_is_medium, _values(given, _DEPTH)))


def is_for_servers(kind: str | None) -> bool:
    """Return whether a part of this type may be sent to a server unchanged."""
    return kind in _SERVER_TYPES


def media_inside(given: Mapping[Any, Any], media_types: Mapping[str, Any]) -> str | None:
    """Return the key under which a tool's answer holds images or videos, or None.

    Args:
        given: the part.
        media_types: the types of images and videos.
    """
    for key in _ANSWER_KEYS:
        held = given.get(key)
        for part in held if isinstance(held, (list, tuple)) else ():
            kind = part.get("type") if isinstance(part, Mapping) else None
            if isinstance(kind, str) and kind in media_types:
                return key
    return None


def _values(value: Any, depth: int) -> Iterator[Any]:
    """Yield the values inside a value, down to ``depth`` levels."""
    if not isinstance(value, (Mapping, list, tuple)):
        yield value
    elif depth:
        items = value.values() if isinstance(value, Mapping) else value
        for item in islice(items, _ENTRIES):
            yield from _values(item, depth - 1)


def _is_medium(value: Any) -> bool:
    """Return whether a value is a medium, or states the place or the type of one.

    That is an address, a path with the suffix of an image or a video, base64, bytes, a file, an
    image of Pillow's, an array, or a media type.
    """
    if isinstance(value, str):
        named = _ADDRESS.match(value[:32]) or _SUFFIX.search(value[-8:])
        return bool(named or _MEDIA_TYPE.match(value[:64])) or is_encoded(value)
    if isinstance(value, (bytes, bytearray, memoryview, os.PathLike)):
        return True
    # Files, images of Pillow's, arrays and tensors.
    return callable(getattr(value, "read", None)) or (
        hasattr(value, "size") and (hasattr(value, "getexif") or getattr(value, "ndim", 0) > 1)
    )
