"""Provide messages with one video, and a processor that takes the reference path."""

from __future__ import annotations

from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from support.processor import TOKENIZER
from support.tokenizers import CHAT_TEMPLATE
from support.vision_process import pictures

ALL = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
PLAIN = KeyeVL1_5Processor(
    KeyeVL1_5ImageProcessor(do_rescale=False, do_normalize=False),
    TOKENIZER,
    chat_template=CHAT_TEMPLATE,
)
FRAMES = pictures(12, width=84, height=56)


def talk(video, **options):
    return [{"role": "user", "content": [{"type": "video", "video": video, **options}]}]
