"""Decode media inside text: ``data:`` addresses (RFC 2397), and base64 (RFC 4648)."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from typing import Any, TypeGuard
from urllib.parse import unquote

from keye_vl_rs._util.shorten import shorten
from keye_vl_rs.errors import EmptyMediaError, InvalidArgumentError, UnreadableMediaError
from keye_vl_rs.limits import current_limits

__all__ = ["decode_text", "describe_text", "frames_of_text", "frames_or_source", "is_encoded"]

_SPACE = re.compile(r"\s+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]+={0,2}\s*")
# A shorter text cannot contain an image or a video.
_MIN_CHARACTERS = 64
_HEAD_CHARACTERS = 512
_TS_PACKET_BYTES = 188
# The media type that vLLM, and therefore to_openai_messages, uses for frames in base64, separated
# by commas.
_FRAMES_TYPE = "data:video/jpeg"


def is_encoded(source: object) -> TypeGuard[str | Mapping[str, Any]]:
    """Tell if a source contains its media: a data address, base64, or ``{"base64": ...}``.

    A text is taken for base64 if it is not the name of a file, contains only characters of the
    alphabet, and starts like an image or a video.
    """
    if isinstance(source, Mapping):
        return source.get("base64") is not None
    return isinstance(source, str) and (_is_data_address(source) or _is_base64_media(source))


def describe_text(source: str | Mapping[str, Any]) -> str:
    """Return the name of an encoded source for messages, without its data."""
    text = _text(source)
    if not isinstance(text, str):
        return f"<base64 of {type(text).__name__}>"
    if _is_data_address(text):
        return f"<{shorten(_header(text))} of {len(text):,} characters>"
    return f"<base64 of {len(text):,} characters>"


def frames_of_text(source: object) -> list[dict[str, str]] | None:
    """Return the frames of a ``data:video/jpeg;base64,<frame>,<frame>`` address; else None.

    :func:`keye_vl_rs.to_openai_messages` sends videos in this form.
    """
    text = source.get("base64") if isinstance(source, Mapping) else source
    if not isinstance(text, str) or not _is_of_frames(text):
        return None
    header, _, frames = text.partition(",")
    return [{"base64": frame} for frame in frames.split(",")] if _is_base64(header) else None


def frames_or_source(source: Any) -> Any:
    """Return :func:`frames_of_text` of the source of a video, or else the source itself."""
    frames = frames_of_text(source)
    return source if frames is None else frames


def decode_text(source: str | Mapping[str, Any]) -> bytes:
    """Decode an encoded source, after checking its decoded size against ``Limits.file_bytes``.

    Whitespace and percent-encoding are removed, both base64 alphabets are accepted, and padding is
    optional.

    Raises:
        InvalidArgumentError: it is a data address without base64, or no text.
        EmptyMediaError: it has no bytes.
        LimitError: it has more bytes than allowed.
        UnreadableMediaError: it is not valid base64.
    """
    name = describe_text(source)
    text = _text(source)
    if isinstance(text, (bytes, bytearray)):
        text = bytes(text).decode("latin-1")
    if not isinstance(text, str):
        raise InvalidArgumentError(
            f"base64 is of type {type(text).__name__}: expected a string of base64"
        )
    if _is_data_address(text):
        header, comma, text = text.partition(",")
        if _is_of_frames(header) and _is_base64(header):
            raise UnreadableMediaError(
                f"{name} contains the frames of a video, each in base64; pass it as a video"
            )
        if not comma or not _is_base64(header):
            raise InvalidArgumentError(
                f"{name}: a data: address must be base64: expected data:<media type>;base64,<data>"
            )
    # In addresses, unlike in forms, "+" does not stand for a space.
    plain = _SPACE.sub("", unquote(text) if "%" in text else text).rstrip("=")
    if not plain:
        raise EmptyMediaError(f"{name}: the data is empty (0 bytes)")
    size = len(plain) * 3 // 4
    current_limits().check("file_bytes", size, name, f"data of {size:,} bytes")
    try:
        return _strictly(plain)
    except (binascii.Error, ValueError) as error:
        reason = type(error).__name__ if isinstance(error, UnicodeError) else error
        raise UnreadableMediaError(f"{name} is not valid base64: {reason}") from None


def _text(source: str | Mapping[str, Any]) -> Any:
    return source["base64"] if isinstance(source, Mapping) else source


def _is_data_address(text: str) -> bool:
    return text[:5].lower() == "data:"


def _is_of_frames(text: str) -> bool:
    return _header(text).strip().lower() == _FRAMES_TYPE


def _is_base64(header: str) -> bool:
    """Tell if a data address contains base64, by its header."""
    return header.rstrip().lower().endswith(";base64")


def _header(text: str) -> str:
    """Return the scheme and the media type of a data address."""
    return re.split(r"[;,]", text[:_HEAD_CHARACTERS], maxsplit=1)[0]


def _strictly(plain: str) -> bytes:
    padded = plain.replace("-", "+").replace("_", "/") + "=" * (-len(plain) % 4)
    return base64.b64decode(padded, validate=True)


def _is_base64_media(text: str) -> bool:
    if len(text) < _MIN_CHARACTERS:
        return False
    head = _SPACE.sub("", text[:_HEAD_CHARACTERS]).rstrip("=")
    try:
        start = _strictly(head[: len(head) // 4 * 4])
    except ValueError:
        return False
    if not _begins_like_media(start) or _BASE64.fullmatch(text) is None:
        return False
    try:
        return not os.path.lexists(text)
    except (OSError, ValueError):
        return True


def _begins_like_media(start: bytes) -> bool:
    return (
        start.startswith(
            (
                *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"),
                # Matroska and WebM, Ogg, FLV, ASF, MPEG program streams and elementary streams.
                *(b"\x1aE\xdf\xa3", b"OggS", b"FLV\x01", b"0&\xb2u\x8ef\xcf\x11"),
                *(b"\0\0\x01\xba", b"\0\0\x01\xb3", b"\0\0\0\x01"),
                # JPEG 2000, and IVF.
                *(b"\0\0\0\x0cjP  ", b"DKIF"),
            )
        )
        or (start[:4] == b"RIFF" and start[8:12] in (b"WEBP", b"AVI "))
        or start[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")
        or (start[:2] == b"BM" and start[6:10] == bytes(4))
        or (start[:1] == b"G" and start[_TS_PACKET_BYTES : _TS_PACKET_BYTES + 1] == b"G")
    )
