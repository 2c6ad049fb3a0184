"""Test the text that stands for images and videos against its definition."""

from __future__ import annotations

import random
import re

import pytest
import torch

from keye_vl_rs._chat import prompt
from keye_vl_rs.errors import PromptError
from oracle.keye_oracle import video_prompt as defined_prompt
from support.prompts import TIMES, random_prompts

pytestmark = pytest.mark.one_level

TOKENS = prompt.VisionTokens()


def test_video_prompt_is_the_definition():
    draw = random.Random(1)
    for _ in range(50):
        types = [draw.randrange(2) for _ in range(draw.randint(1, 12))]
        sizes = [tuple(28 * draw.randint(1, 9) for _ in range(2)) for _ in range(2)]
        times = torch.tensor(draw.choices(TIMES, k=len(types)))
        for stamps in (None, times, times.tolist()):
            expected = defined_prompt(types, *sizes, stamps)
            assert prompt.video_prompt(types, *sizes, stamps) == expected
            assert prompt.video_placeholder(types, *sizes, stamps).spelled() == expected


def test_video_prompt_with_other_tokens():
    tokens = prompt.VisionTokens(video="V", frame="F", fast_start="(", fast_end=")")
    text = prompt.video_prompt([0, 1], (28, 56), (28, 28), [1, 2.25], tokens=tokens)
    assert text == "F1.0VVF2.2(V)"


def test_timestamps_of_another_length_are_refused():
    with pytest.raises(PromptError, match="timestamps has 1 values for 2 frames"):
        prompt.video_prompt([0, 1], (28, 28), (28, 28), [0.0])


def test_texts_are_split_at_their_tokens_and_filled_in_order():
    pads = [prompt.image_placeholder(n) for n in (1, 2, 3)]
    video = prompt.video_placeholder([0], (28, 28), (28, 28))
    cut = prompt.split_texts(
        ["a<|image_pad|><|image_pad|>b", "", "<|video_pad|>c<|image_pad|>"],
        {TOKENS.image: 3, TOKENS.video: 1},
    )
    prompts = prompt.fill(cut, {TOKENS.image: pads, TOKENS.video: [video]})
    pad = TOKENS.image
    assert [prompt.spelled_text(p) for p in prompts] == [
        f"a{pad * 3}b",
        "",
        f"<|frame|><|video_pad|>c{pad * 3}",
    ]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_and_too_many_tokens_are_refused(count):
    text = "<|video_pad|> and <|video_pad|>"
    with pytest.raises(PromptError, match=rf"2 <\|video_pad\|> for {count} inputs?: ") as caught:
        prompt.split_texts([text], {TOKENS.video: count})
    advice = "add one <|video_pad|> for each" if count == 3 else "remove it from the text"
    assert advice in str(caught.value)


def test_a_guard_spares_marked_tokens():
    cut = prompt.split_texts(["#<|image_pad|><|image_pad|>"], {TOKENS.image: 1}, guard="(?<!#)")
    assert cut == [["#<|image_pad|>", "<|image_pad|>", ""]]


def test_replacement_offsets_point_into_both_texts():
    (pieces,) = [p for p in random_prompts(3) if any(not isinstance(x, str) for x in p)][:1]
    original = "".join(p if isinstance(p, str) else p.pad for p in pieces)
    spelled = prompt.spelled_text(pieces)
    offsets = prompt.replacement_offsets(pieces)
    assert len(offsets) == sum(not isinstance(p, str) for p in pieces)
    for entry in offsets:
        assert original[slice(*entry["span"])] == entry["text"]
        assert spelled[slice(*entry["new_span"])] == entry["replacement"]
        assert entry["type"] == re.search("image|video", entry["text"]).group()
