"""Define the constants of the model: patches, tokens, channels, frame types."""

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

# Pixels per side of a patch, patches per side of a token, and pixels per side of a token.
PATCH_SIZE = 14
MERGE_SIZE = 2
FACTOR = PATCH_SIZE * MERGE_SIZE
TOKEN_PIXELS = FACTOR * FACTOR
CHANNELS = 3

# Frame types.
SLOW, FAST = 0, 1
