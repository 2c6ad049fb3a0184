"""Test what hosts do with the processor: save, load, register, look it up, and chat with it."""

from __future__ import annotations

import inspect
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor, PretrainedConfig, Qwen2VLVideoProcessor
from transformers.image_processing_utils import BaseImageProcessor
from transformers.processing_utils import ProcessorMixin

from keye_vl_rs.errors import PromptError
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor, KeyeVL1_5ProcessorKwargs
from oracle.published_processor import CLIP_MEAN, CLIP_STD, published_call
from support.processor import (
    PROCESSOR,
    TEXT,
    TOKENIZER,
    assert_bits,
    clip,
    joined,
    video_kwargs,
)
from support.tokenizers import CHAT_TEMPLATE, make_tokenizer

pytestmark = pytest.mark.one_level


def test_save_and_load(tmp_path):
    made = KeyeVL1_5Processor(
        KeyeVL1_5ImageProcessor(image_mean=[0.5] * 3, image_std=[0.5] * 3, max_pixels=28 * 28 * 50),
        make_tokenizer(first=("<|a|>",), bos=True),
        chat_template=CHAT_TEMPLATE,
    )
    made.save_pretrained(tmp_path)
    loaded = KeyeVL1_5Processor.from_pretrained(tmp_path)
    assert loaded.video_processor is None
    assert loaded.chat_template == CHAT_TEMPLATE
    assert loaded.to_dict() == made.to_dict()
    video, about = clip(3, 60, 80), joined(video_kwargs([0, 1, 0]))
    expected = published_call(
        made.tokenizer, TEXT, [video], image_mean=[0.5] * 3, image_std=[0.5] * 3, **about
    )
    assert_bits(loaded(text=TEXT, videos=[video], return_tensors="pt", **about), expected)
    changed = KeyeVL1_5Processor.from_pretrained(tmp_path, max_pixels=28 * 28 * 9)
    assert changed.image_processor.max_pixels == 28 * 28 * 9


def test_save_and_load_with_a_video_processor(tmp_path):
    made = KeyeVL1_5Processor(None, TOKENIZER, Qwen2VLVideoProcessor(), CHAT_TEMPLATE)
    made.save_pretrained(tmp_path)
    loaded = KeyeVL1_5Processor.from_pretrained(tmp_path)
    assert type(loaded.video_processor) is type(made.video_processor)
    video, about = clip(3, 60, 80), joined(video_kwargs([0, 1, 0]))
    expected = published_call(TOKENIZER, TEXT, [video], **about)
    assert_bits(loaded(text=TEXT, videos=[video], return_tensors="pt", **about), expected)


def test_registered_with_the_auto_class(tmp_path):
    class ConfigForThisTest(PretrainedConfig):
        model_type = "keye_vl_rs_processor_test"

    AutoProcessor.register(ConfigForThisTest, KeyeVL1_5Processor)
    PROCESSOR.save_pretrained(tmp_path)
    ConfigForThisTest().save_pretrained(tmp_path)
    assert type(AutoProcessor.from_pretrained(tmp_path)) is KeyeVL1_5Processor


def test_a_foreign_image_processor_lends_its_settings():
    class ForeignImageProcessor(BaseImageProcessor):
        def __init__(self):
            super().__init__()
            self.image_mean, self.image_std = [0.5, 0.4, 0.3], [0.5, 0.6, 0.7]
            self.min_pixels, self.max_pixels = 3136, 28 * 28 * 12

    processor = KeyeVL1_5Processor(ForeignImageProcessor(), TOKENIZER)
    image, video = np.asarray(clip(1, 300, 200)[0].permute(1, 2, 0)), clip(3, 60, 80)
    text, about = f"<|image_pad|>{TEXT}", joined(video_kwargs([0, 1, 0]))
    expected = published_call(
        TOKENIZER,
        text,
        [video],
        images=[image],
        image_mean=[0.5, 0.4, 0.3],
        image_std=[0.5, 0.6, 0.7],
        max_pixels=28 * 28 * 12,
        **about,
    )
    actual = processor(text=text, images=[image], videos=[video], return_tensors="pt", **about)
    assert_bits(actual, expected)


def test_chat_template_and_back_again():
    talk = [
        {
            "role": "user",
            "content": [{"type": "video"}, {"type": "image"}, {"type": "text", "text": "What?"}],
        }
    ]
    text = PROCESSOR.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
    assert text.startswith("<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>")
    assert text.endswith("What?<|im_end|>\n<|im_start|>assistant\n")
    ids = PROCESSOR(text="A rabbit.<|im_end|>")["input_ids"]
    assert PROCESSOR.batch_decode(ids) == ["A rabbit.<|im_end|>"]
    assert PROCESSOR.decode(ids[0], skip_special_tokens=True) == "A rabbit."
    assert PROCESSOR.post_process_image_text_to_text(torch.tensor(ids)) == ["A rabbit."]


TOKENIZING = inspect.signature(ProcessorMixin.apply_chat_template).parameters


@pytest.mark.skipif("sanitize_control_tokens" not in TOKENIZING, reason="transformers is older")
def test_chat_template_with_tokenize():
    template = CHAT_TEMPLATE.replace(
        "{{ message.content }}", "{% generation %}{{ message.content }}{% endgeneration %}"
    )
    processor = KeyeVL1_5Processor(None, TOKENIZER, chat_template=template)
    image = Image.new("RGB", (60, 90), "teal")
    question = [{"type": "image", "image": image}, {"type": "text", "text": "Where?"}]
    talk = [{"role": "user", "content": question}, {"role": "assistant", "content": "At sea."}]
    out = processor.apply_chat_template(
        talk, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    marked = np.asarray(out["input_ids"][0])[np.asarray(out["assistant_masks"][0]) == 1]
    assert processor.decode(marked) == "At sea."
    question[1]["text"] = "<|image_pad|>"
    out = processor.apply_chat_template(
        talk, tokenize=True, return_dict=True, sanitize_control_tokens=True
    )
    assert out["input_ids"][0].count(processor.image_token_id) == 6
    with pytest.raises(PromptError, match=r"2 .* for 1 input"):
        processor.apply_chat_template(talk, tokenize=True, return_dict=True)


def test_what_hosts_ask_about():
    annotation = inspect.signature(KeyeVL1_5Processor.__call__).parameters["kwargs"].annotation
    assert get_args(annotation) == (KeyeVL1_5ProcessorKwargs,)
    keys = KeyeVL1_5ProcessorKwargs.__annotations__["videos_kwargs"].__annotations__
    assert {"frame_types", "timestamps", "height", "width", "fast_height", "fast_width"} <= set(
        keys
    )
    assert PROCESSOR.model_input_names == [
        "input_ids",
        "attention_mask",
        "pixel_values",
        "image_grid_thw",
        "pixel_values_videos",
        "video_grid_thw",
    ]
    assert isinstance(PROCESSOR, ProcessorMixin)
    sizes = [(60, 90), (13, 900), (2000, 1000)]
    counts = PROCESSOR._get_num_multimodal_tokens(image_sizes=sizes, max_pixels=200 * 200)
    images = [np.zeros((*size, 3), np.uint8) for size in sizes]
    out = PROCESSOR(text="<|image_pad|>" * 3, images=images, max_pixels=200 * 200)
    patches = out["image_grid_thw"].prod(-1).tolist()
    assert counts["num_image_patches"] == patches
    assert counts["num_image_tokens"] == [count // 4 for count in patches]
    assert (PROCESSOR.image_processor.image_mean, PROCESSOR.image_processor.image_std) == (
        list(CLIP_MEAN),
        list(CLIP_STD),
    )
