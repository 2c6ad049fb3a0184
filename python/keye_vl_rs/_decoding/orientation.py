"""Find messages inside packets that say how frames are presented.

FFmpeg turns them into a display matrix of the frame, which no description of the file shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

__all__ = ["has_orientation_message"]

# They precede the pictures of a packet.
_SEARCHED_BYTES = 1 << 12
_START_CODE = re.compile(b"\0\0\1")
# The type of the message (ITU-T H.264 D.1.1, H.265 D.2.1).
_DISPLAY_ORIENTATION = 47
# By codec: the length of a unit's header, the types of units with messages and of pictures.
_UNITS = {"h264": (1, (6,), range(1, 6)), "hevc": (2, (39, 40), range(32))}


def has_orientation_message(codec: str, length_size: int, packet: Any) -> bool:
    """Tell if a packet of H.264 or HEVC has a display orientation message; False for others.

    Args:
        codec: FFmpeg's name of the codec.
        length_size: bytes of the length before each unit; 0 for start codes.
        packet: the packet, or any other object with a buffer of bytes.
    """
    if codec not in _UNITS:
        return False
    header, messages, pictures = _UNITS[codec]
    for unit in _units(bytes(memoryview(packet)[:_SEARCHED_BYTES]), length_size):
        if len(unit) <= header:
            continue
        kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
        if kind in messages and _DISPLAY_ORIENTATION in _message_types(unit[header:]):
            return True
        if kind in pictures:
            return False
    return False


def _units(data: bytes, length_size: int) -> Iterator[bytes]:
    if length_size == 0:
        yield from _START_CODE.split(data)[1:]
        return
    at = 0
    while at + length_size < len(data):
        start = at + length_size
        at = start + int.from_bytes(data[at:start], "big")
        yield data[start:at]


def _message_types(unit: bytes) -> Iterator[int]:
    """Yield the types of the messages of a unit, whose header was removed."""
    data = unit.replace(b"\0\0\3", b"\0\0")
    at = 0
    # The last byte is the stop bit.
    while at + 2 < len(data):
        kind, at = _number(data, at)
        size, at = _number(data, at)
        yield kind
        at += size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number in its code of bytes, 255 and more in several, and where it ends."""
    value = 0
    while data[at : at + 1] == b"\xff":
        value, at = value + 255, at + 1
    return value + (data[at] if at < len(data) else 0), at + 1
