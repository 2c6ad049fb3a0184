"""List every entry that reads messages, and build messages of one part."""

from __future__ import annotations

from keye_vl_rs import (
    extract_vision_info,
    preview,
    process_vision_info,
    to_openai_messages,
    to_vllm_inputs,
)
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from support.processor import PROCESSOR, TOKENIZER
from support.vision_process import pictures

# As in Qwen2-VL: it tests which keys exist, even if their value is None.
KEYS_TEMPLATE = (
    "{% for message in messages %}{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' or 'image' in part or 'image_url' in part %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' or 'video' in part %}"
    "<|vision_start|><|video_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}{% endfor %}"
)
KEYS = KeyeVL1_5Processor(KeyeVL1_5ImageProcessor(), TOKENIZER, chat_template=KEYS_TEMPLATE)
PREVIEW = preview.KeyeProcessor(
    preview.SiglipImageProcessor(), TOKENIZER, chat_template=PROCESSOR.chat_template
)
ALL = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
ROW = {"type": None, "text": None, "image": None, "image_url": None, "video": None, "fps": None}
PICTURE = pictures(1)[0]

ENTRIES = {
    "process_vision_info": process_vision_info,
    "vision_infos": lambda talk: process_vision_info(vision_infos=extract_vision_info(talk)),
    "one call": lambda talk: PROCESSOR.apply_chat_template(talk, **ALL),
    "a template that looks for keys": lambda talk: KEYS.apply_chat_template(talk, **ALL),
    "to_openai_messages": lambda talk: to_openai_messages(talk, frame_format="png"),
    "to_vllm_inputs": lambda talk: to_vllm_inputs(talk, PROCESSOR),
    "preview": lambda talk: preview.process_vision_info(talk, return_video_kwargs=True),
    "preview's call": lambda talk: PREVIEW.apply_chat_template(talk, **ALL),
}


def talk(part, question=None):
    text = {"type": "text", "text": "What is it?"}
    return [{"role": "user", "content": [part, text if question is None else question]}]
