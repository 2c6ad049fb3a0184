"""Do what the published processor of Keye-VL-8B-Preview does, step by step.

It is that of Qwen2.5-VL with another image processor: the steps of
``published_processor.preprocess``, bicubic, for images and videos alike.
"""

from __future__ import annotations

import torch
from PIL import Image

from oracle.published_processor import FILLER, IMAGE, MERGE, VIDEO, preprocess

HALVES = (0.5, 0.5, 0.5)


def fill(text, token, grids):
    index = 0
    for i in range(len(text)):
        while token in text[i]:
            text[i] = text[i].replace(token, FILLER * (grids[index].prod() // MERGE // MERGE), 1)
            index += 1
        text[i] = text[i].replace(FILLER, token)


def published_call(tokenizer, text, *, images=None, videos=None, fps=2.0, **settings):
    """Call the processor with ``return_tensors="pt"``."""
    settings = {
        "image_mean": HALVES,
        "image_std": HALVES,
        "resample": Image.Resampling.BICUBIC,
        **settings,
    }
    text = list(text) if isinstance(text, list) else [text]
    data = {}
    if images is not None:
        data.update(preprocess(images, "image", **settings))
        fill(text, IMAGE, data["image_grid_thw"])
    if videos is not None:
        data.update(preprocess(videos, "video", **settings))
        rates = fps if isinstance(fps, list) else [fps] * len(videos)
        data["second_per_grid_ts"] = torch.tensor([1 / rate for rate in rates])
        fill(text, VIDEO, data["video_grid_thw"])
    return {**tokenizer(text, padding=False, return_tensors="pt"), **data}
