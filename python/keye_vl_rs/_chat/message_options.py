"""What messages may say beside their media, and who reads it.

An option that is new to messages takes a line in :data:`READ_BY`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from keye_vl_rs._chat.content_parts import VIDEO, frame_part, media_kind
from keye_vl_rs._sampling.video import READING_OPTIONS
from keye_vl_rs._util.shorten import short_repr, shorten
from keye_vl_rs._util.warn_once import say_once_about
from keye_vl_rs.errors import InvalidArgumentError

__all__ = [
    "READ_BY",
    "VIDEO_OPTIONS",
    "frame_parts",
    "take_call_options",
    "warn_of_unread",
    "with_defaults",
]

# How a video is sampled and sized for Keye-VL-1.5.
VIDEO_OPTIONS = (
    *("fps", "num_frames", "max_frames", "min_pixels", "max_pixels", "video_total_pixels"),
    "min_frame_similarity",
)
_SIZE_OPTIONS = ("min_pixels", "max_pixels", "resized_height", "resized_width")

# What is read, by what is said to have it.
READ_BY: dict[str, tuple[str, ...]] = {
    "an image": (*_SIZE_OPTIONS, "exif"),
    "a video file": (*VIDEO_OPTIONS, *READING_OPTIONS),
    # Of its frames, which are resized one by one before they are sampled, sizes are read too.
    "a frame of a list": (*_SIZE_OPTIONS, "exif"),
    "a list of frames": (*VIDEO_OPTIONS, "resized_height", "resized_width", "timeout", "exif"),
    "a video file of Keye-VL-8B-Preview": (
        *("fps", "num_frames", "nframes", "min_frames", "max_frames", "total_pixels"),
        # Its prompt says a rate, and no times.
        *(*_SIZE_OPTIONS, *(option for option in READING_OPTIONS if option != "timestamps")),
    ),
    "a list of frames of Keye-VL-8B-Preview": (
        *("fps", "num_frames", *_SIZE_OPTIONS, "timeout", "exif"),
    ),
}
# What says the same where it is read.
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
    "total_pixels": ("video_total_pixels",),
    "video_fps": ("fps",),
    "video_max_pixels": ("max_pixels",),
    "video_min_pixels": ("min_pixels",),
    "video_total_pixels": ("total_pixels",),
}
# Why there is nothing that says the same.
_WHY_NOT = {"exif": "videos are turned as their files say, and frames of a list by exif"}
# What is read together, or not at all.
_TOGETHER = {"resized_height": "resized_width", "resized_width": "resized_height"}
# What stands beside media for others: servers, tables, people.
_NOT_OPTIONS = frozenset(
    {
        *("type", "image", "video", "cache_control", "id", "uuid", "index", "name"),
        *("detail", "format", "media_type", "mime_type", "file_name", "filename", "alt", "title"),
        *("caption", "description", "label", "metadata"),
    }
)
# Options of messages that may be given to a call, for all its videos.
CALL_OPTIONS = ("fps", "num_frames", "max_frames", "nframes")
# Those that a call would take for variables of its template.
_OF_ONE_MEDIUM = tuple(
    dict.fromkeys(
        option
        for options in READ_BY.values()
        for option in options
        # These are settings of processors, too.
        if option not in (*CALL_OPTIONS, "min_pixels", "max_pixels", "exif")
    )
)
# Over this share of equal letters a key is taken for an option that is misspelt.
_SIMILAR = 0.85


def warn_of_unread(ele: Mapping[str, Any], what: str) -> None:
    """Warn of what ``ele`` carries and nothing reads, once for each key in a process.

    Args:
        ele: an image or a video of a message, in the published form.
        what: a key of :data:`READ_BY`.
    """
    read = READ_BY[what]
    for key, value in ele.items():
        if value is None or key in _NOT_OPTIONS or not isinstance(key, str):
            continue
        partner = _TOGETHER.get(key)
        if key not in read:
            hint = _hint(key, read)
        elif partner is not None and ele.get(partner) is None:
            hint = f" without {partner}"
        else:
            continue
        say_once_about(key, f"{shorten(key)} in the message of {what} is not read{hint}")


def _hint(key: str, read: Sequence[str]) -> str:
    """Say what is read instead of an option."""
    meant = [name for name in _INSTEAD.get(key, ()) if name in read]
    meant = meant or difflib.get_close_matches(key.lower(), read, n=1, cutoff=_SIMILAR)
    if meant:
        return f": {', '.join(meant)} would be"
    if key in _WHY_NOT:
        return f": {_WHY_NOT[key]}"
    return f"; what is: {', '.join(read)}"


def frame_parts(ele: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The images that the frames of a list are, each with the options of the list or its own.

    Args:
        ele: a video of a message, in the published form, whose ``video`` is a list.
    """
    shared = {key: value for key, value in ele.items() if key not in ("type", "video")}
    parts = [frame_part(frame, shared, place) for place, frame in enumerate(ele["video"])]
    for frame, part in zip(ele["video"], parts, strict=True):
        if isinstance(frame, Mapping):
            own = {key: value for key, value in part.items() if key in frame}
            warn_of_unread(own, "a frame of a list")
    return parts


def take_call_options(*given: dict[str, Any]) -> dict[str, Any]:
    """Take :data:`CALL_OPTIONS` out of a call's arguments; what comes first wins.

    They may also stand among ``videos_kwargs``, where transformers has them.

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


def _check_not_of_one(arguments: Mapping[str, Any]) -> None:
    for name in _OF_ONE_MEDIUM:
        value = arguments.get(name)
        # The times of frames that are given to a processor have the same name as this option.
        if value is None or (name == "timestamps" and not isinstance(value, str)):
            continue
        raise InvalidArgumentError(
            f"{name} is {short_repr(value)} in a call: expected it beside each video or image that "
            f"it is for, in the message ({', '.join(CALL_OPTIONS[:3])} hold for all videos)"
        )


def with_defaults(
    conversation: Sequence[Mapping[str, Any]],
    defaults: Mapping[str, Any],
    exclusive: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """The messages with options for the videos that do not say them, and ``exif`` for pictures.

    Args:
        conversation: as :func:`keye_vl_rs._chat.messages.plain_conversation` gives it.
        defaults: those of a call.
        exclusive: options of which a video has one; a video's own is not joined by another.
    """

    def joined(part: Any) -> Any:
        kind = media_kind(part)
        if kind is None:
            return part
        taken = exclusive if any(name in part for name in exclusive) else ()
        kept = {
            name: value
            for name, value in defaults.items()
            if name not in taken and _is_for(name, kind, part)
        }
        return {**kept, **part}

    return [
        {**message, "content": [joined(part) for part in message["content"]]}
        if isinstance(message.get("content"), list)
        else dict(message)
        for message in conversation
    ]


def _is_for(name: str, kind: str, part: Mapping[str, Any]) -> bool:
    """Tell if an option of a call is about a part: ``exif`` about pictures, others about videos."""
    if name == "exif":
        return kind != VIDEO or isinstance(part.get("video"), (list, tuple))
    return kind == VIDEO
