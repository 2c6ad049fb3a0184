"""What a part of a message's content is: the one rule for everything that reads messages.

A part comes in many forms: that of ``keye_vl_utils`` (``{"type": "video", "video": ...}``), those
of OpenAI (``{"type": "image_url", "image_url": {"url": ...}}``, ``input_image``), those of
transformers (``{"type": "image", "url": ...}``), and rows of a table, where absent keys are None.
:func:`plain_part` gives the first form for all of them, so that media are loaded, and placed in a
prompt by a chat template, from the same dictionaries.
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
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs._util.warn_once import say_once_about
from keye_vl_rs.errors import InvalidArgumentError

__all__ = [
    "IMAGE",
    "VIDEO",
    "frame_part",
    "media_kind",
    "plain_image",
    "plain_part",
    "plain_video",
]

Kind: TypeAlias = Literal["image", "video"]
IMAGE: Kind = "image"
VIDEO: Kind = "video"

# The keys that hold a medium. The published ones come first, and the first that is there is read.
# Those of _SHARED_KEYS, which are transformers', need a type beside them.
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
    """The part in the published form, without keys whose value is None; ``part`` stays as it is.

    Args:
        part: a part of a message's content.
        where: its place, as errors name it.
        needs_source: refuse an image or a video without its source. A chat template needs none.
        for_server: let pass what a server may understand, such as the type "file".

    Returns:
        ``{"type": "image", "image": source, ...}``, ``{"type": "video", "video": source, ...}``, or
        what the part says if it is neither; texts have the type "text".

    Raises:
        InvalidArgumentError: the part is no dictionary, holds two media or a medium and a text, or
            looks like a medium and is none that is understood.
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
        say_once_about(other, f"{other} of a message is not read where it has {own}, which is")
    source = _source(given[present[0]], f"{where}[{present[0]!r}]", present[0])
    frames = frames_of_text(source) if kind == VIDEO else None
    return {**plain, own: source if frames is None else frames}


def plain_image(ele: Any, where: str) -> dict[str, Any]:
    """:func:`plain_part` of what has to be an image."""
    return _plain_medium(ele, where, IMAGE)


def plain_video(ele: Any, where: str) -> dict[str, Any]:
    """:func:`plain_part` of what has to be a video."""
    return _plain_medium(ele, where, VIDEO)


def frame_part(frame: Any, shared: Mapping[str, Any], place: int) -> dict[str, Any]:
    """The image that a frame of a list is: a source, with the options of its video, or a part."""
    if isinstance(frame, Mapping) and any(key in frame for key in (*_OWN_KEYS[IMAGE], "type")):
        return plain_image(frame, f"frame {place}")
    return {**shared, "type": IMAGE, "image": _source(frame, f"frame {place}", "image")}


def _plain_medium(ele: Any, where: str, kind: Kind) -> dict[str, Any]:
    plain = plain_part(ele, where)
    if media_kind(plain) != kind:
        raise InvalidArgumentError(
            f"{where} has no {kind}: {kind!r} is None or missing, beside the keys "
            f"{short_repr(sorted(str(key) for key in ele if key != kind))}"
        )
    return plain


def media_kind(plain: Mapping[str, Any]) -> Kind | None:
    """Whether what :func:`plain_part` gave is an image or a video; None if it is neither."""
    kind = plain.get("type")
    return _TYPES.get(kind) if isinstance(kind, str) else None


def _kind(given: dict[str, Any], where: str, for_server: bool) -> Kind | None:
    """What the keys that are not None say; the type "text" is added to texts without one."""
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
                f"{where} is a text and has {key!r}: expected the two as parts of their own"
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
    """A medium out of OpenAI's ``{"url": ...}`` or a table's ``{"bytes": ..., "path": ...}``.

    Base64 is said to be that by its key: it stays ``{"base64": ...}``, which is a source.
    """
    if getattr(getattr(value, "dtype", None), "kind", None) == "O":
        # A list of frames, as pandas has the lists of a table.
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
