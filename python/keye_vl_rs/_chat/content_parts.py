"""Decide what a part of a message's content is; no other module does.

A part comes in many forms: that of ``keye_vl_utils`` (``{"type": "video", "video": ...}``), those
of OpenAI (``{"type": "image_url", "image_url": {"url": ...}}``, ``input_image``), those of
transformers (``{"type": "image", "url": ...}``), and rows of a table, where absent keys are None.
:func:`plain_part` converts all of them to the first form, the plain one, so that media are loaded
from the same dictionaries from which a chat template places them in a prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from keye_vl_rs._chat.unknown_parts import (
    TEXT_TYPES,
    is_for_servers,
    looks_like_media,
    media_inside,
)
from keye_vl_rs._media.encoded_sources import frames_of_text
from keye_vl_rs._media.sources import is_remote
from keye_vl_rs._sampling.video_options import holds_frames
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.warn_once import warn_once_about
from keye_vl_rs.errors import InvalidArgumentError

__all__ = [
    "IMAGE",
    "VIDEO",
    "frame_part",
    "is_frame_list",
    "media_kind",
    "plain_image",
    "plain_part",
    "plain_video",
    "server_address",
]

Kind: TypeAlias = Literal["image", "video"]
IMAGE: Kind = "image"
VIDEO: Kind = "video"

# The keys that hold a medium; the first one that is present is read. Those of keye_vl_utils come
# first. Those of _SHARED_KEYS, which are transformers', need a type beside them.
_SHARED_KEYS = ("url", "path", "base64")
_OWN_KEYS: dict[Kind, tuple[str, str]] = {
    IMAGE: ("image", "image_url"),
    VIDEO: ("video", "video_url"),
}
_TYPES: dict[str, Kind] = {
    "image": IMAGE,
    "image_url": IMAGE,
    "input_image": IMAGE,
    "video": VIDEO,
    "video_url": VIDEO,
    "input_video": VIDEO,
}


def plain_part(
    part: Any, where: str, *, needs_source: bool = True, for_server: bool = False
) -> dict[str, Any]:
    """Return a copy of a part in the plain form, without keys whose value is None.

    Args:
        part: a part of a message's content.
        where: its place in the messages, for errors.
        needs_source: refuse an image or a video without a source. A chat template needs none.
        for_server: accept what a server may understand, such as the type "file".

    Returns:
        ``{"type": "image", "image": source, ...}`` or ``{"type": "video", "video": source, ...}``;
        any other part with its own keys. Texts have the type "text".

    Raises:
        InvalidArgumentError: the part is not a dictionary, holds two media or a medium and a text,
            or looks like a medium in a form that is not understood.
    """
    if not isinstance(part, Mapping):
        raise InvalidArgumentError(
            f"{where} is of type {type(part).__name__}: expected a dictionary"
        )
    given = {key: value for key, value in part.items() if value is not None}
    kind = _kind(given, where, for_server)
    if kind is None:
        return {"type": given["type"], **given} if "type" in given else given
    own, other = _OWN_KEYS[kind]
    keys = (own, other, *_SHARED_KEYS)
    present = [key for key in keys if key in given]
    plain = {**given, "type": kind}
    if not present:
        if needs_source:
            raise InvalidArgumentError(
                f"{where}: content of type {short_repr(given['type'])} has no {kind} in the keys "
                f"{short_repr(sorted(map(str, given)))}: expected one of {', '.join(keys)}"
            )
        return plain
    plain.pop(present[0])
    if plain.pop(other, None) is not None:
        warn_once_about(other, f"a message has both {own} and {other}: only {own} is read")
    source = _source(given[present[0]], f"{where}[{present[0]!r}]", present[0])
    frames = frames_of_text(source) if kind == VIDEO else None
    return {**plain, own: source if frames is None else frames}


def plain_image(ele: Any, where: str) -> dict[str, Any]:
    """Return :func:`plain_part` of an image.

    Raises:
        InvalidArgumentError: as there, or ``ele`` is not an image.
    """
    return _plain_medium(ele, where, IMAGE)


def plain_video(ele: Any, where: str) -> dict[str, Any]:
    """Return :func:`plain_part` of a video.

    Raises:
        InvalidArgumentError: as there, or ``ele`` is not a video.
    """
    return _plain_medium(ele, where, VIDEO)


def frame_part(frame: Any, shared: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return a frame of a list as an image in the plain form.

    Args:
        frame: an image in any form of :func:`plain_part`, which keeps its own options, or a source.
        shared: the options of the video, which hold for a source.
        place: index of the frame, for errors.
    """
    if isinstance(frame, Mapping) and any(key in frame for key in (*_OWN_KEYS[IMAGE], "type")):
        return plain_image(frame, f"frame {place}")
    return {**shared, "type": IMAGE, IMAGE: _source(frame, f"frame {place}", IMAGE)}


def media_kind(plain: Mapping[str, Any]) -> Kind | None:
    """Return whether a part in the plain form is an image or a video, or None for any other."""
    kind = plain.get("type")
    return _TYPES.get(kind) if isinstance(kind, str) else None


def is_frame_list(plain: Mapping[str, Any]) -> bool:
    """Return whether a part in the plain form is a video that is given as a list of frames."""
    return holds_frames(plain.get(VIDEO))


def server_address(part: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return OpenAI's ``{"url": ...}`` of a video that a server can open itself, or None.

    Args:
        part: a video as it was given, not in the plain form, in which all addresses are alike:
            only an http(s) or ``data:`` address under ``video_url`` is the server's.
    """
    own, other = _OWN_KEYS[VIDEO]
    address = part.get(other) if part.get(own) is None else None
    address = dict(address) if isinstance(address, Mapping) else {"url": address}
    url = address.get("url")
    if not isinstance(url, str):
        return None
    return address if is_remote(url) or url[:5].lower() == "data:" else None


def _plain_medium(ele: Any, where: str, kind: Kind) -> dict[str, Any]:
    plain = plain_part(ele, where)
    if media_kind(plain) != kind:
        others = sorted(str(key) for key in ele if key != kind)
        beside = f"beside the keys {short_repr(others)}" if others else "and there is no other key"
        raise InvalidArgumentError(
            f"{where} has no source: {kind!r} is None or missing, {beside}: expected one under "
            f"{' or '.join(map(repr, _OWN_KEYS[kind]))}"
        )
    return plain


def _kind(given: dict[str, Any], where: str, for_server: bool) -> Kind | None:
    """Return what the keys of a part say; add the type "text" to texts without a type.

    ``given`` has no key whose value is None.
    """
    stated = given.get("type")
    stated = stated if isinstance(stated, str) else None
    kind = _TYPES.get(stated) if stated is not None else None
    held: dict[str, Kind] = {
        key: own for own, keys in _OWN_KEYS.items() for key in keys if key in given
    }
    if set(held.values()) == {IMAGE, VIDEO}:
        raise InvalidArgumentError(
            f"{where} has {' and '.join(map(repr, held))}: expected one of them, and the other in "
            "a part of its own"
        )
    for key, own in held.items():
        if kind is not None and own != kind:
            raise InvalidArgumentError(
                f"{where} is of type {short_repr(stated)} and has {key!r}: expected "
                f"{kind!r}, or the type {own!r}"
            )
        is_text = stated in TEXT_TYPES or (stated is None and given.get("text"))
        if is_text:
            raise InvalidArgumentError(
                f"{where} is a text and has {key!r}: expected the two as separate parts"
            )
        return own
    if kind is not None:
        return kind
    if stated in TEXT_TYPES or (stated is None and "text" in given):
        given["type"] = "text"
        return None
    if for_server and is_for_servers(stated):
        return None
    answers = media_inside(given, _TYPES)
    if answers is not None and not for_server:
        raise InvalidArgumentError(
            f"{where} is of type {short_repr(stated)} and holds an image or a video under "
            f"{answers!r}, where none is read: expected it as a part of its own"
        )
    shared = stated is None and any(key in given for key in _SHARED_KEYS)
    if shared or looks_like_media(given, stated):
        raise InvalidArgumentError(
            f"{where} is of type {short_repr(stated)} and has the keys "
            f"{short_repr(sorted(map(str, given)))}: expected the type 'image' with 'image' or "
            "'image_url', or 'video' with 'video' (a source or a list of frames) or 'video_url'"
        )
    return None


def _source(value: Any, where: str, key: str) -> Any:
    """Return the source in OpenAI's ``{"url": ...}`` or a table's ``{"bytes": ..., "path": ...}``.

    Base64 under a key of that name stays ``{"base64": ...}``, which is a source.
    """
    if getattr(getattr(value, "dtype", None), "kind", None) == "O":
        # A list of frames: pandas stores lists in a table as arrays.
        return list(value)
    if not isinstance(value, Mapping):
        return {"base64": value} if key == "base64" else value
    if value.get("base64") is not None:
        return {"base64": value["base64"]}
    for name in ("url", "bytes", "path"):
        if value.get(name) is not None:
            return value[name]
    if key in ("image_url", "video_url"):
        raise InvalidArgumentError(
            f"{where} has the keys {short_repr(sorted(map(str, value)))}: expected 'url' among them"
        )
    return value
