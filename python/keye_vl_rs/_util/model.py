"""Define the constants of the model: patches, tokens, channels, frame types."""

from __future__ import annotations

from typing import TypeAlias

__all__ = [
    "CHANNELS",
    "FACTOR",
    "FAST",
    "MAX_RATIO",
    "MERGE_SIZE",
    "NORMALIZATION",
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
# The mean and the standard deviation of each channel, of values from 0 to 1.
NORMALIZATION = (0.5, 0.5, 0.5)
# The maximum ratio of the longer side of an image or a frame to its shorter one.
MAX_RATIO = 200.0

# Frame types.
SLOW, FAST = 0, 1
