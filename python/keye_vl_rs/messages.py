"""Messages of a conversation, as chat templates take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from keye_vl_rs.errors import InvalidArgumentError

__all__ = ["check_dictionary", "check_list", "check_message", "extract_vision_info", "media_runs"]


# Content of these types is an image or a video, also where it lacks what it is about.
_MEDIA_TYPES = ("image", "image_url", "video")


def extract_vision_info(
    conversations: list[dict[str, Any]] | list[list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """The images and videos of one conversation or several, in the order of their messages.

    Raises:
        InvalidArgumentError: they are no messages; the error says where.
    """
    check_list(conversations, "conversations")
    if conversations and isinstance(conversations[0], Mapping):
        conversations = [conversations]
    return [
        part
        for index, conversation in enumerate(conversations)
        for part in _parts(conversation, f"conversations[{index}]")
        if "image" in part
        or "image_url" in part
        or "video" in part
        or part.get("type") in _MEDIA_TYPES
    ]


def _parts(conversation: Any, where: str) -> Iterator[Any]:
    """What the messages of a conversation hold, but for those that are only a text."""
    for index, message in enumerate(check_list(conversation, where)):
        place = f"{where}[{index}]"
        check_message(message, place)
        if isinstance(message["content"], list):
            for number, part in enumerate(message["content"]):
                check_dictionary(part, f"{place}['content'][{number}]")
                yield part


def media_runs(
    vision_infos: Sequence[dict[str, Any]],
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Images ("image") and videos ("video") in order, each with those of its kind that follow it.

    Raises :class:`InvalidArgumentError`, when its turn comes, for what is neither.
    """
    for kind, group in groupby(vision_infos, _media_kind):
        run = list(group)
        if kind is None:
            raise InvalidArgumentError(
                f"content of type {run[0].get('type')!r} has no image, image_url or video"
            )
        yield kind, run


def _media_kind(vision_info: dict[str, Any]) -> str | None:
    if "image" in vision_info or "image_url" in vision_info:
        return "image"
    return "video" if "video" in vision_info else None


def check_dictionary(value: Any, where: str) -> None:
    """Raises :class:`InvalidArgumentError`, which says where it stands, for anything else."""
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise InvalidArgumentError(f"{where} is of type {kind}: expected a dictionary")


def check_list(value: Any, where: str) -> Sequence[Any]:
    """A list or a tuple as it is; raises as :func:`check_dictionary` does for anything else."""
    if not isinstance(value, (list, tuple)):
        kind = type(value).__name__
        raise InvalidArgumentError(f"{where} is of type {kind}: expected a list of messages")
    return value


def check_message(value: Any, where: str) -> None:
    """Raises as :func:`check_dictionary` does for what is no message: a dictionary with content."""
    check_dictionary(value, where)
    if "content" not in value:
        raise InvalidArgumentError(
            f"{where} has the keys {list(value)}: expected 'content' among them"
        )
