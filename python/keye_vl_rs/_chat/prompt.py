"""Prompts: the text that stands for images and videos.

A minute of video is some 50,000 pad tokens. A prompt holds every frame's pad once, next to how
often it counts: :mod:`keye_vl_rs._chat.tokenization` makes its token ids without spelling it out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._slow_fast.sizes import SLOW, TOKEN_PIXELS, Size
from keye_vl_rs.errors import PromptError

__all__ = [
    "Placeholder",
    "Prompt",
    "VisionTokens",
    "compact_text",
    "fill",
    "image_placeholder",
    "replacement_offsets",
    "spelled_text",
    "split_texts",
    "video_placeholder",
    "video_prompt",
]


@dataclass(frozen=True)
class VisionTokens:
    """The tokens that a prompt spells vision input with."""

    image: str = "<|image_pad|>"
    video: str = "<|video_pad|>"
    frame: str = "<|frame|>"
    fast_start: str = "<|fast_start|>"
    fast_end: str = "<|fast_end|>"


@dataclass(frozen=True)
class Placeholder:
    """What replaces one vision token: ``text`` with each pad once, and how often each counts."""

    modality: str
    pad: str
    text: str
    counts: tuple[int, ...]

    def spelled(self) -> str:
        """The text with every pad written as often as it counts."""
        first, *rest = self.text.split(self.pad)
        return first + "".join(
            self.pad * n + part for n, part in zip(self.counts, rest, strict=True)
        )


Prompt = list[str | Placeholder]


def video_prompt(
    frame_types: Sequence[int],
    slow_size: Size,
    fast_size: Size,
    timestamps: Sequence[float] | None = None,
    *,
    tokens: VisionTokens = VisionTokens(),
    token_pixels: int = TOKEN_PIXELS,
) -> str:
    """The text that replaces one video token.

    Per frame: its marker, its time in seconds with one decimal (if ``timestamps`` are given), and
    one pad per ``token_pixels`` pixels of its size, between the fast markers when it is fast.
    """
    if timestamps is not None and len(timestamps) != len(frame_types):
        raise PromptError(
            f"timestamps has {len(timestamps)} values for {len(frame_types)} frames; give one each"
        )
    slow = tokens.video * (slow_size[0] * slow_size[1] // token_pixels)
    fast = tokens.video * (fast_size[0] * fast_size[1] // token_pixels)
    fast = tokens.fast_start + fast + tokens.fast_end
    return "".join(
        tokens.frame
        + ("" if timestamps is None else format(float(timestamps[index]), ".1f"))
        + (slow if kind == SLOW else fast)
        for index, kind in enumerate(frame_types)
    )


def video_placeholder(
    frame_types: Sequence[int],
    slow_size: Size,
    fast_size: Size,
    timestamps: Sequence[float] | None = None,
    *,
    tokens: VisionTokens = VisionTokens(),
    token_pixels: int = TOKEN_PIXELS,
) -> Placeholder:
    """:func:`video_prompt` with one pad per frame."""
    slow, fast = (height * width // token_pixels for height, width in (slow_size, fast_size))
    one_token = (1, token_pixels)
    text = video_prompt(
        frame_types, one_token, one_token, timestamps, tokens=tokens, token_pixels=token_pixels
    )
    counts = tuple(slow if kind == SLOW else fast for kind in frame_types)
    return Placeholder("video", tokens.video, text, counts)


def image_placeholder(count: int, *, tokens: VisionTokens = VisionTokens()) -> Placeholder:
    """The ``count`` pads of one image."""
    return Placeholder("image", tokens.image, tokens.image, (count,))


def split_texts(
    texts: Sequence[str], expected: Mapping[str, int], *, guard: str = ""
) -> list[list[str]]:
    """Cut each text at the tokens that ``expected`` counts: text, token, text, ..., token, text.

    ``guard`` is a regular expression that must match just before a token for it to count. Raises
    :class:`PromptError` unless the texts together hold each token as often as expected.
    """
    if not expected:
        return [[text] for text in texts]
    pattern = re.compile(f"{guard}({'|'.join(map(re.escape, expected))})")
    cut = [pattern.split(text) for text in texts]
    for token, count in expected.items():
        found = sum(parts[1::2].count(token) for parts in cut)
        if found != count:
            raise PromptError(f"text holds {found} {token} for {count} inputs; give one per input")
    return cut


def fill(cut: Sequence[Sequence[str]], inputs: Mapping[str, Sequence[Placeholder]]) -> list[Prompt]:
    """The texts of :func:`split_texts` with each token's placeholders in place of it, in order."""
    queues = {token: iter(placeholders) for token, placeholders in inputs.items()}
    return [
        [next(queues[part]) if index % 2 else part for index, part in enumerate(parts)]
        for parts in cut
    ]


def compact_text(prompt: Prompt) -> str:
    """The prompt with one pad per frame or image."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in prompt)


def spelled_text(prompt: Prompt) -> str:
    """The prompt as the published processor hands it to the tokenizer."""
    return "".join(piece if isinstance(piece, str) else piece.spelled() for piece in prompt)


def replacement_offsets(prompt: Prompt) -> list[dict[str, Any]]:
    """Where each vision token stood and what replaced it, as transformers' processors tell it."""
    offsets: list[dict[str, Any]] = []
    old = new = 0
    for piece in prompt:
        if isinstance(piece, str):
            old, new = old + len(piece), new + len(piece)
            continue
        replacement = piece.spelled()
        spans = (old, old + len(piece.pad)), (new, new + len(replacement))
        (_, old), (_, new) = spans
        offsets.append(
            {
                "type": piece.modality,
                "span": spans[0],
                "new_span": spans[1],
                "text": piece.pad,
                "replacement": replacement,
            }
        )
    return offsets
