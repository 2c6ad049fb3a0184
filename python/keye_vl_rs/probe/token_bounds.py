"""Bound the tokens of a video, by its sizes for every possible number of slow frames."""

from __future__ import annotations

from dataclasses import dataclass

from keye_vl_rs._slow_fast.sizes import PATCH_SIZE, Size, patches_per_frame, tokens_of_patches
from keye_vl_rs._streaming.size_choices import SizeChoices
from keye_vl_rs.limits import check_resized_frames

__all__ = ["TokenBounds", "bound_tokens"]


@dataclass(frozen=True)
class TokenBounds:
    """Hold the bounds of the tokens of one video.

    Attributes:
        least: the fewest tokens for any number of slow frames.
        most: the most tokens for any number of slow frames.
        fast_sizes: (height, width) of slow and of fast frames if only the first frame is slow.
        fast_tokens: the tokens of the video in that case.
        slow_size: (height, width) of frames if all are slow.
        slow_tokens: the tokens of the video in that case.
    """

    least: int
    most: int
    fast_sizes: tuple[Size, Size]
    fast_tokens: int
    slow_size: Size
    slow_tokens: int


def bound_tokens(choices: SizeChoices, name: str) -> TokenBounds:
    """Count the tokens for each number of slow frames, from one to all.

    Frames get smaller as more of them are slow, so the bounds may lie anywhere between the ends.

    Args:
        choices: the sizes for each number of slow frames.
        name: the name of the video in messages.

    Raises:
        LimitError: whichever frames are slow, the video exceeds ``resized_video_pixels``.
    """
    counts = []
    for slow in range(1, choices.frames + 1):
        slow_size, fast_size = choices.runs[choices.run_of[slow]]
        fast_patches = (choices.frames - slow) * patches_per_frame(fast_size)
        counts.append(slow * patches_per_frame(slow_size) + fast_patches)
    # If there is only one pair of sizes, memory is allocated at once for as many slow frames as
    # there may be. Otherwise some of the frames are known by then.
    surely = max(counts) if len(choices.runs) == 1 else min(counts)
    check_resized_frames((), surely * PATCH_SIZE**2, name)
    tokens = [tokens_of_patches(patches) for patches in counts]
    return TokenBounds(
        least=min(tokens),
        most=max(tokens),
        fast_sizes=choices.runs[choices.run_of[1]],
        fast_tokens=tokens[0],
        slow_size=choices.runs[choices.run_of[choices.frames]][0],
        slow_tokens=tokens[-1],
    )
