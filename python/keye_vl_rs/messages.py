"""Messages of a conversation, as chat templates take them."""

from __future__ import annotations

from typing import Any

__all__ = ["extract_vision_info"]


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
