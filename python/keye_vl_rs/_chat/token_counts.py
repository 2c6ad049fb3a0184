"""Count the tokens that a video takes in a prompt, with those of timestamps and markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keye_vl_rs._slow_fast.sizes import SLOW, Size, tokens_per_frame

__all__ = ["TokenCounts", "count_tokens_of"]


@dataclass(frozen=True)
class TokenCounts:
    """Count the tokens of one video in a prompt.

    Attributes:
        slow: vision tokens of slow frames.
        fast: vision tokens of fast frames.
        timestamps: tokens of the frames' times. An estimate, made without a tokenizer: one token
            for each digit and for the decimal point, as Qwen's tokenizers split numbers.
        markers: ``<|frame|>`` before each frame, ``<|fast_start|>`` and ``<|fast_end|>`` around
            each fast one; each is one token of Keye-VL-1.5.
    """

    slow: int
    fast: int
    timestamps: int
    markers: int

    @property
    def vision(self) -> int:
        """Return the number of ``<|video_pad|>`` tokens."""
        return self.slow + self.fast

    @property
    def total(self) -> int:
        """Return the number of all tokens of the video."""
        return self.slow + self.fast + self.timestamps + self.markers


def count_tokens_of(
    frame_types: Sequence[int], slow_size: Size, fast_size: Size, times: Sequence[float]
) -> TokenCounts:
    """Return the tokens of :func:`keye_vl_rs._chat.prompt.video_prompt`.

    ``times`` are the seconds of the frames, or empty if the prompt has none.
    """
    slow_frames = sum(kind == SLOW for kind in frame_types)
    fast_frames = len(frame_types) - slow_frames
    return TokenCounts(
        slow=slow_frames * tokens_per_frame(slow_size),
        fast=fast_frames * tokens_per_frame(fast_size),
        timestamps=sum(len(format(float(time), ".1f")) for time in times),
        markers=len(frame_types) + 2 * fast_frames,
    )
