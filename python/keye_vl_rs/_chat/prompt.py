"""Build prompts: replace vision tokens by the text that stands for images and videos.

A minute of video takes about 50,000 pad tokens. A prompt holds the pad of each frame once, with a
repeat count, so that :mod:`keye_vl_rs._chat.tokenization` need not write all of them out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keye_vl_rs._slow_fast.sizes import SLOW, TOKEN_PIXELS, Size, tokens_per_frame
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
    """List the tokens that stand for images, videos and frames in a prompt."""

    image: str = "<|image_pad|>"
    video: str = "<|video_pad|>"
    frame: str = "<|frame|>"
    fast_start: str = "<|fast_start|>"
    fast_end: str = "<|fast_end|>"


@dataclass(frozen=True)
class Placeholder:
    """Describe the replacement of one vision token.

    Attributes:
        modality: "image" or "video".
        pad: the pad token.
        text: the replacement with one pad per image or frame.
        counts: how often each of these pads is repeated.
    """

    modality: str
    pad: str
    text: str
    counts: tuple[int, ...]

    def spelled(self) -> str:
        """Return the text with all repeats of its pads written out."""
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
    """Return the text that replaces one video token: :func:`video_placeholder`, spelled out."""
    return video_placeholder(
        frame_types, slow_size, fast_size, timestamps, tokens=tokens, token_pixels=token_pixels
    ).spelled()


def video_placeholder(
    frame_types: Sequence[int],
    slow_size: Size,
    fast_size: Size,
    timestamps: Sequence[float] | None = None,
    *,
    tokens: VisionTokens = VisionTokens(),
    token_pixels: int = TOKEN_PIXELS,
) -> Placeholder:
    """Return the placeholder of one video, with one pad per frame.

    Each frame has its marker, its time in seconds with one decimal (if ``timestamps`` are given),
    and its pad, between the fast markers if it is a fast frame. The pad is repeated once per
    ``token_pixels`` pixels.

    Raises:
        PromptError: there are not as many timestamps as frames.
    """
    if timestamps is not None and len(timestamps) != len(frame_types):
        raise PromptError(
            f"timestamps has {len(timestamps)} values for {len(frame_types)} frames; give one each"
        )
    slow, fast = (tokens_per_frame(size, token_pixels) for size in (slow_size, fast_size))
    fast_pad = tokens.fast_start + tokens.video + tokens.fast_end
    text = "".join(
        tokens.frame
        + ("" if timestamps is None else format(float(timestamps[index]), ".1f"))
        + (tokens.video if kind == SLOW else fast_pad)
        for index, kind in enumerate(frame_types)
    )
    counts = tuple(slow if kind == SLOW else fast for kind in frame_types)
    return Placeholder("video", tokens.video, text, counts)


def image_placeholder(count: int, *, tokens: VisionTokens = VisionTokens()) -> Placeholder:
    """Return the placeholder of one image, which takes ``count`` pads."""
    return Placeholder("image", tokens.image, tokens.image, (count,))


def split_texts(
    texts: Sequence[str], expected: Mapping[str, int], *, guard: str = ""
) -> list[list[str]]:
    """Split each text at its vision tokens: text, token, text, ..., token, text.

    Args:
        texts: the prompts.
        expected: how often all texts together hold each token.
        guard: a regular expression that must match just before a token for it to count.

    Raises:
        PromptError: the texts hold a token more or less often than expected.
    """
    if not expected:
        return [[text] for text in texts]
    pattern = re.compile(f"{guard}({'|'.join(map(re.escape, expected))})")
    cut = [pattern.split(text) for text in texts]
    for token, count in expected.items():
        found = sum(parts[1::2].count(token) for parts in cut)
        if found != count:
            raise PromptError(_wrong_number(token, found, count))
    return cut


def _wrong_number(token: str, found: int, count: int) -> str:
    """Return the message about a token that the texts hold more or less often than expected."""
    if found < count:
        advice = (
            f"add one {token} for each input, as apply_chat_template does for the images and "
            "videos of messages"
        )
    else:
        advice = f"pass one input for each {token}, or remove it from the text"
    plural = "" if count == 1 else "s"
    return f"text holds {found} {token} for {count} input{plural}: {advice}"


def fill(cut: Sequence[Sequence[str]], inputs: Mapping[str, Sequence[Placeholder]]) -> list[Prompt]:
    """Return the texts of :func:`split_texts` with each token replaced by its next placeholder."""
    queues = {token: iter(placeholders) for token, placeholders in inputs.items()}
    return [
        [next(queues[part]) if index % 2 else part for index, part in enumerate(parts)]
        for parts in cut
    ]


def compact_text(prompt: Prompt) -> str:
    """Return the prompt with one pad per frame or image."""
    return "".join(piece if isinstance(piece, str) else piece.text for piece in prompt)


def spelled_text(prompt: Prompt) -> str:
    """Return the prompt as the processor of transformers pull request 41040 tokenises it."""
    return "".join(piece if isinstance(piece, str) else piece.spelled() for piece in prompt)


def replacement_offsets(prompt: Prompt) -> list[dict[str, Any]]:
    """Return where each vision token was and what replaced it, in the form of transformers."""
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
