"""Generate random prompts that surround vision tokens in the least convenient ways."""

from __future__ import annotations

import random

from keye_vl_rs._chat import prompt

GLUE = [
    "",
    " ",
    "\n",
    "a",
    "x",
    "_ ",
    "12",
    "'s",
    "<|",
    "|>",
    ">",
    "<",
    "é",
    "e\u0301",
    "视频",
    "  ",
]
TIMES = [0.0, 0.04, 0.05, 0.25, 9.95, 59.949, 600.0]


def random_prompts(seed: int) -> list[prompt.Prompt]:
    draw = random.Random(seed)
    prompts = []
    for _ in range(draw.randint(1, 4)):
        pieces: prompt.Prompt = []
        for _ in range(draw.randint(0, 5)):
            pieces.append("".join(draw.choices(GLUE, k=draw.randint(0, 4))))
            kind = draw.randrange(4)
            if kind == 0:
                pieces.append(prompt.image_placeholder(draw.randint(1, 9)))
            elif kind == 1:
                types = [draw.randrange(2) for _ in range(draw.randint(1, 6))]
                times = draw.choices(TIMES, k=len(types)) if draw.randrange(3) else None
                sizes = [tuple(28 * draw.randint(1, 5) for _ in range(2)) for _ in range(2)]
                pieces.append(prompt.video_placeholder(types, *sizes, times))
            elif kind == 2:
                pieces.append(draw.choice(["<|frame|>", "<|im_end|>", "<|fast_end|>"]))
        pieces.append("".join(draw.choices(GLUE, k=2)))
        prompts.append(pieces)
    return prompts
