"""Merge and check the options beside media in messages, and list which kind of medium reads which.

A new option of video files is a field of :class:`keye_vl_rs._sampling.video_options.VideoOptions`;
any other one needs one line in :data:`READ_BY`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from keye_vl_rs._chat.content_parts import IMAGE, VIDEO, frame_part, is_frame_list, media_kind
from keye_vl_rs._sampling import preview_rules
from keye_vl_rs._sampling.video_options import MESSAGE_OPTIONS, VIDEO_OPTIONS
from keye_vl_rs._util.shorten import short_repr, shorten
from keye_vl_rs._util.warn_once import warn_once_about
from keye_vl_rs.errors import InvalidArgumentError

__all__ = [
    "READ_BY",
    "frame_parts",
    "list_parts",
    "take_call_options",
    "take_exif",
    "warn_of_unread",
    "warn_of_unread_in_video",
    "with_defaults",
    "with_options",
]

_SIZE_OPTIONS = ("min_pixels", "max_pixels", "resized_height", "resized_width")

# The options that are read, by the kind of medium; warnings use the names of the kinds.
READ_BY: dict[str, tuple[str, ...]] = {
    "an image": (*_SIZE_OPTIONS, "exif"),
    "a video file": MESSAGE_OPTIONS,
    # Frames of a list are resized one by one, so each may state a size.
    "a frame of a list": (*_SIZE_OPTIONS, "exif"),
    "a list of frames": (*VIDEO_OPTIONS, "resized_height", "resized_width", "timeout", "exif"),
    "a video file of Keye-VL-8B-Preview": (
        *(*preview_rules.COUNT_OPTIONS, *_SIZE_OPTIONS),
        *(*preview_rules.RANGE_OPTIONS, *preview_rules.READING_OPTIONS),
    ),
    "a list of frames of Keye-VL-8B-Preview": (
        *("fps", "num_frames", *_SIZE_OPTIONS, "timeout", "exif"),
    ),
}
# Options with the same meaning, which other kinds of media read.
_INSTEAD = {
    "end": ("video_end",),
    "end_time": ("video_end",),
    "frames": ("num_frames",),
    "max_num_frames": ("max_frames",),
    "min_frames": ("num_frames", "fps"),
    "max_frames": ("num_frames",),
    "nframes": ("num_frames", "fps", "max_frames"),
    "num_frames": ("nframes",),
    "resized_height": ("min_pixels", "max_pixels"),
    "resized_width": ("min_pixels", "max_pixels"),
    "sample_fps": ("fps",),
    "start": ("video_start",),
    "start_time": ("video_start",),
    "video_fps": ("fps",),
    "video_max_pixels": ("max_pixels",),
    "video_min_pixels": ("min_pixels",),
    "video_total_pixels": ("total_pixels",),
}
# Why no option has the same meaning.
_WHY_NOT = {
    "exif": "video files are rotated as their metadata says; exif applies to images and lists of "
    "frames"
}
# Options that are read only together.
_TOGETHER = {"resized_height": "resized_width", "resized_width": "resized_height"}
# Options that are read only beside another one, by the kind of medium.
_READ_BESIDE = {"a list of frames of Keye-VL-8B-Preview": {"max_frames": "num_frames"}}
# Keys that others use: servers, tables, people.
_NOT_OPTIONS = frozenset(
    {
        *("type", "image", "video", "cache_control", "id", "uuid", "index", "name"),
        *("detail", "format", "media_type", "mime_type", "file_name", "filename", "alt", "title"),
        *("caption", "description", "label", "metadata"),
    }
)
# Options that a call may have for all of its videos.
CALL_OPTIONS = ("fps", "num_frames", "max_frames", "nframes")
# Options that a call would take for variables of its template.
_OF_ONE_MEDIUM = tuple(
    dict.fromkeys(
        option
        for options in READ_BY.values()
        for option in options
        # The last three are settings of processors, too.
        if option not in (*CALL_OPTIONS, "min_pixels", "max_pixels", "exif")
    )
)
# Similarity (difflib's ratio) from which on a key counts as a misspelt option.
_SIMILAR = 0.85


def warn_of_unread(ele: Mapping[str, Any], what: str) -> None:
    """Warn of options that are not read, once per option and process.

    Args:
        ele: an image or a video of a message, in the plain form.
        what: its kind, a key of :data:`READ_BY`.
    """
    read = READ_BY[what]
    beside = _READ_BESIDE.get(what, {})
    for key, value in ele.items():
        if value is None or key in _NOT_OPTIONS or not isinstance(key, str):
            continue
        partner = _TOGETHER.get(key)
        if key in beside and ele.get(beside[key]) is not None:
            continue
        if key not in read:
            hint = _hint(key, read)
        elif partner is not None and ele.get(partner) is None:
            hint = f" without {partner}"
        else:
            continue
        warn_once_about(key, f"{shorten(key)} in the message of {what} is not read{hint}")


def warn_of_unread_in_video(ele: Mapping[str, Any], model: str | None = None) -> None:
    """Call :func:`warn_of_unread` for a video.

    Args:
        ele: a video of a message, in the plain form.
        model: None for Keye-VL-1.5, or "Keye-VL-8B-Preview".
    """
    what = "a list of frames" if is_frame_list(ele) else "a video file"
    warn_of_unread(ele, what if model is None else f"{what} of {model}")


def _hint(key: str, read: Sequence[str]) -> str:
    """Return the end of a warning: what to use instead of an option."""
    meant = [name for name in _INSTEAD.get(key, ()) if name in read]
    meant = meant or difflib.get_close_matches(key.lower(), read, n=1, cutoff=_SIMILAR)
    if meant:
        return f": use {_alternatives(meant)}"
    if key in _WHY_NOT:
        return f": {_WHY_NOT[key]}"
    return f"; options that are: {', '.join(read)}"


def _alternatives(names: Sequence[str]) -> str:
    """Return names as in "a, b or c"."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def list_parts(ele: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return :func:`frame_parts` of a message's video that is a list, in the plain form."""
    shared = {key: value for key, value in ele.items() if key not in ("type", VIDEO)}
    return frame_parts(ele[VIDEO], shared)


def frame_parts(frames: Sequence[Any], shared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the frames of a list as images in the plain form, each with its options.

    Frames that are parts have their own options; all others have those of the list.

    Args:
        frames: a list of image sources or parts.
        shared: the options of the list.
    """
    parts = [frame_part(frame, shared, place) for place, frame in enumerate(frames)]
    for frame, part in zip(frames, parts, strict=True):
        if isinstance(frame, Mapping):
            own = {key: value for key, value in part.items() if key in frame}
            warn_of_unread(own, "a frame of a list")
    return parts


def take_call_options(*given: dict[str, Any]) -> dict[str, Any]:
    """Remove :data:`CALL_OPTIONS` from a call's arguments, and return them.

    They may also stand in ``videos_kwargs``, where transformers has them.

    Args:
        given: dictionaries of arguments; the first value of an option wins.

    Raises:
        InvalidArgumentError: among the arguments is an option that only a message can have.
    """
    defaults: dict[str, Any] = {}
    for arguments in given:
        nested = arguments.get("videos_kwargs")
        if isinstance(nested, Mapping):
            nested = arguments["videos_kwargs"] = dict(nested)
        for place in (arguments, nested or {}):
            _check_not_of_one(place)
        for name in CALL_OPTIONS:
            for place in (arguments, nested):
                if place is not None and (value := place.pop(name, None)) is not None:
                    defaults.setdefault(name, value)
    return defaults


def take_exif(arguments: dict[str, Any]) -> dict[str, Any]:
    """Remove ``exif`` from a call's arguments, and return it unless it is missing or None.

    It is apart from :data:`CALL_OPTIONS` because processors have a setting of this name.
    """
    if arguments.get("exif") is None:
        return {}
    return {"exif": arguments.pop("exif")}


def _check_not_of_one(arguments: Mapping[str, Any]) -> None:
    for name in _OF_ONE_MEDIUM:
        value = arguments.get(name)
        # The timestamps that are given to a processor have the same name as this option.
        if value is None or (name == "timestamps" and not isinstance(value, str)):
            continue
        raise InvalidArgumentError(
            f"{name} is {short_repr(value)} in a call: expected it in the messages, beside each "
            f"video or image that it is for (only {', '.join(CALL_OPTIONS[:3])} may be given for "
            "all videos of a call)"
        )


def with_defaults(
    conversation: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any],
    exclusive: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return the messages with :func:`with_options` of each of their parts.

    Args:
        conversation: as :func:`keye_vl_rs._chat.messages.plain_conversation` returns it.
        defaults: as there.
        exclusive: as there.
    """
    return [
        {
            **message,
            "content": [with_options(part, defaults, exclusive) for part in message["content"]],
        }
        if isinstance(message.get("content"), list)
        else dict(message)
        for message in conversation
    ]


def with_options(
    part: dict[str, Any], defaults: Mapping[str, Any], exclusive: Sequence[str] = ()
) -> dict[str, Any]:
    """Return an image or a video with the options of its call; other parts as they are.

    ``exif`` is for images and lists of frames, all other options are for videos.

    Args:
        part: a part of a message, in the plain form; its own options win.
        defaults: the options of the call.
        exclusive: options of which a video has one: if it has one itself, it gets none of them.
    """
    kind = media_kind(part)
    if kind is None:
        return part
    taken = exclusive if any(name in part for name in exclusive) else ()
    has_images = kind == IMAGE or is_frame_list(part)
    wanted = {
        name: value
        for name, value in defaults.items()
        if name not in taken and (has_images if name == "exif" else kind == VIDEO)
    }
    return {**wanted, **part}
