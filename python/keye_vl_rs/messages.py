"""Messages of a conversation, as chat templates take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from keye_vl_rs.errors import InvalidArgumentError

__all__ = ["check_dictionary", "extract_vision_info", "media_runs"]


def extract_vision_info(
    conversations: list[dict[str, Any]] | list[list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """The images and videos of one conversation or several, in the order of their messages."""
    if conversations and isinstance(conversations[0], dict):
        conversations = [conversations]
    return [
        ele
        for conversation in conversations
        for message in conversation
        if isinstance(message["content"], list)  # type: ignore[index]
        for ele in message["content"]  # type: ignore[index]
        if "image" in ele
        or "image_url" in ele
        or "video" in ele
        or ele.get("type") in ("image", "image_url", "video")
    ]


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
