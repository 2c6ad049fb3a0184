"""Check the messages of a conversation, and convert them to the form that chat templates take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from keye_vl_rs._chat.content_parts import media_kind, plain_part
from keye_vl_rs._util.shorten import short_repr
from keye_vl_rs.errors import InvalidArgumentError

__all__ = [
    "check_dictionary",
    "check_list",
    "check_message",
    "content_parts",
    "extract_vision_info",
    "is_one_conversation",
    "media_parts",
    "media_runs",
    "plain_conversation",
    "plain_conversations",
]

# Keys of which an answer without content has one.
_INSTEAD_OF_CONTENT = (
    "function_call",
    "reasoning",
    "reasoning_content",
    "refusal",
    "thinking",
    "tool_calls",
)


def extract_vision_info(
    conversations: list[dict[str, Any]] | list[list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Return the images and videos of one conversation or several, in the order of their messages.

    Nothing is opened.

    Args:
        conversations: a list of messages, or a list of such lists. A message is a dictionary whose
            ``content`` is a text or a list of parts. An image or a video is a part in the form of
            ``keye_vl_utils`` (``{"type": "video", "video": ...}``), of OpenAI
            (``{"type": "image_url", "image_url": {"url": ...}}``) or of transformers
            (``{"type": "image", "url": ...}``); it may lack its source.

    Returns:
        The parts themselves, unchanged; empty if there are none.

    Raises:
        InvalidArgumentError: something that is not a message is among them, or a part looks like an
            image or a video and is in no known form; the message says where.
    """
    return [
        part
        for place, part in _parts_of_all(conversations)
        if media_kind(plain_part(part, place, needs_source=False)) is not None
    ]


def media_parts(
    conversations: Any = None, vision_infos: Sequence[Any] | None = None
) -> list[dict[str, Any]]:
    """Return the images and videos of conversations, or those of a list, in the plain form.

    Args:
        conversations: messages, or a list of such lists.
        vision_infos: images and videos, instead of ``conversations``.

    Raises:
        InvalidArgumentError: something that is not a message is among them, or a part looks like a
            medium in a form that is not understood; the error says where.
    """
    if vision_infos is not None:
        vision_infos = _as_list(vision_infos, "vision_infos", "a list of images and videos")
        plain = [plain_part(part, f"vision_infos[{i}]") for i, part in enumerate(vision_infos)]
        for index, part in enumerate(plain):
            if media_kind(part) is None:
                raise InvalidArgumentError(
                    f"vision_infos[{index}] is of type {short_repr(part.get('type'))} "
                    f"and has the keys {short_repr(sorted(map(str, part)))}: "
                    "expected image, image_url, video or video_url"
                )
        return plain
    parts = (plain_part(part, place) for place, part in _parts_of_all(conversations))
    return [part for part in parts if media_kind(part) is not None]


def media_runs(parts: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Group neighbouring images and neighbouring videos; yield kind and parts of each group.

    Args:
        parts: as :func:`media_parts` returns them.
    """
    for kind, group in groupby(parts, media_kind):
        if kind is not None:
            yield kind, list(group)


def plain_conversation(
    conversation: Any, where: str, *, needs_sources: bool = True
) -> list[dict[str, Any]]:
    """Return a copy of messages with their parts in the plain form.

    Args:
        conversation: messages, or an object with ``messages``. A message without content may have
            calls of tools, for example.
        where: the name of the conversation in errors.
        needs_sources: refuse images and videos without a source.

    Raises:
        InvalidArgumentError: it is not a conversation, or a part of it is not understood.
    """
    plain = []
    # transformers takes objects that hold their messages, too.
    conversation = getattr(conversation, "messages", conversation)
    for index, message in enumerate(check_list(conversation, where)):
        place = f"{where}[{index}]"
        if callable(getattr(message, "model_dump", None)):
            # An answer, as OpenAI's client returns it.
            message = message.model_dump(exclude_none=True)
        check_message(message, place)
        copy = dict(message)
        content = copy.get("content", "")
        if content is None:
            # Templates iterate over content that is not a string.
            copy["content"] = ""
        elif not isinstance(content, str):
            copy["content"] = [
                plain_part(part, at, needs_source=needs_sources)
                for at, part in content_parts(content, place)
            ]
        plain.append(copy)
    return plain


def plain_conversations(conversations: Any, *, needs_sources: bool = True) -> list[Any]:
    """Return :func:`plain_conversation` of one conversation, or of each one of a list.

    Raises:
        InvalidArgumentError: as there, or there is no message.
    """
    conversations = check_list(conversations, "conversation")
    if not conversations:
        raise InvalidArgumentError("conversation is empty: expected at least one message")
    if is_one_conversation(conversations):
        return plain_conversation(conversations, "conversation", needs_sources=needs_sources)
    return [
        plain_conversation(one, f"conversation[{index}]", needs_sources=needs_sources)
        for index, one in enumerate(conversations)
    ]


def is_one_conversation(conversations: Sequence[Any]) -> bool:
    """Return whether these are messages of one conversation, rather than several conversations."""
    return len(conversations) > 0 and isinstance(conversations[0], Mapping)


def _parts_of_all(conversations: Any) -> Iterator[tuple[str, Any]]:
    """Yield (place, part) for all parts of one conversation or several."""
    conversations = check_list(conversations, "conversations")
    if is_one_conversation(conversations):
        conversations = [conversations]
    for index, conversation in enumerate(conversations):
        where = f"conversations[{index}]"
        for number, message in enumerate(check_list(conversation, where)):
            check_message(message, f"{where}[{number}]")
            yield from content_parts(message.get("content"), f"{where}[{number}]")


def content_parts(content: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield (place, part) for the parts of a message's content; a text alone has none.

    Raises:
        InvalidArgumentError: the content is neither a text nor a list.
    """
    if content is None or isinstance(content, str):
        return
    for number, part in enumerate(_as_list(content, f"{where}['content']", "a text or a list")):
        yield f"{where}['content'][{number}]", part


def check_dictionary(value: Any, where: str) -> None:
    """Raise :class:`InvalidArgumentError`, which says where, unless ``value`` is a dictionary."""
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise InvalidArgumentError(f"{where} is of type {kind}: expected a dictionary")


def check_list(value: Any, where: str) -> Sequence[Any]:
    """Return a list or a tuple as it is, and an array of objects (as tables have it) as a list.

    Raises:
        InvalidArgumentError: it is anything else; the error says where.
    """
    return _as_list(value, where, "a list of messages")


def _as_list(value: Any, where: str, expected: str) -> Sequence[Any]:
    if isinstance(value, (list, tuple)):
        return value
    # pandas stores lists in a table as arrays.
    if getattr(getattr(value, "dtype", None), "kind", None) == "O" and value.ndim == 1:
        return list(value)
    kind = type(value).__name__
    raise InvalidArgumentError(f"{where} is of type {kind}: expected {expected}")


def check_message(value: Any, where: str) -> None:
    """Raise unless ``value`` is a message.

    A message is a dictionary with content, or with what an answer may have instead.

    Raises:
        InvalidArgumentError: it is anything else; the error says where.
    """
    check_dictionary(value, where)
    if "content" not in value and all(value.get(key) is None for key in _INSTEAD_OF_CONTENT):
        raise InvalidArgumentError(
            f"{where} has the keys {short_repr(list(value))}: expected 'content' among them"
        )
