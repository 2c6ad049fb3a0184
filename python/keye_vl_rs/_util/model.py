"""Numbers that are the model's: patches, tokens, channels, kinds of frames."""

from __future__ import annotations

from typing import TypeAlias

__all__ = [
    "CHANNELS",
    "FACTOR",
    "FAST",
    "MERGE_SIZE",
    "PATCH_SIZE",
    "SLOW",
    "TOKEN_PIXELS",
    "Size",
]

Size: TypeAlias = tuple[int, int]
"""(height, width)."""

# Pixels on a side of a patch, patches on a side of a token, and so pixels on a side of a token.
PATCH_SIZE = 14
MERGE_SIZE = 2
FACTOR = PATCH_SIZE * MERGE_SIZE
TOKEN_PIXELS = FACTOR * FACTOR
CHANNELS = 3

# The types of frames.
SLOW, FAST = 0, 1
