"""Test inputs for vLLM in the same process."""

from __future__ import annotations

import copy

import pytest
import torch

from keye_vl_rs import preview, process_vision_info, to_vllm_inputs
from keye_vl_rs.errors import InvalidArgumentError, MediaNotFoundError
from support.processor import PROCESSOR
from support.requests import talk
from support.vision_process import assert_same, data_url, pictures

pytestmark = pytest.mark.one_level


@pytest.fixture(scope="module")
def messages(short):
    return talk(pictures(1)[0], short, fps=4.0)


def test_a_conversation(messages):
    inputs = to_vllm_inputs(messages, PROCESSOR)
    images, videos, about = process_vision_info(messages)
    assert inputs["prompt"] == PROCESSOR.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )
    assert inputs["prompt"].endswith("<|im_start|>assistant\n")
    assert_same(inputs["multi_modal_data"]["image"], images)
    (video,) = inputs["multi_modal_data"]["video"]
    assert torch.equal(video, videos[0])
    assert video.is_contiguous()
    assert_same(inputs["mm_processor_kwargs"], dict(about))


def test_the_same_tensors_as_here(messages):
    inputs = to_vllm_inputs(messages, PROCESSOR)
    data = inputs["multi_modal_data"]
    actual = PROCESSOR(
        text=inputs["prompt"],
        images=data["image"],
        videos=data["video"],
        return_tensors="pt",
        **inputs["mm_processor_kwargs"],
    )
    expected = PROCESSOR.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True
    )
    for name, value in expected.items():
        assert torch.equal(actual[name], value), name


def test_the_older_model(messages):
    inputs = to_vllm_inputs(messages, PROCESSOR, model="Keye-VL-8B-Preview")
    images, videos, about = preview.process_vision_info(messages, return_video_kwargs=True)
    assert_same(inputs["multi_modal_data"]["image"], images)
    assert torch.equal(inputs["multi_modal_data"]["video"][0], videos[0])
    assert inputs["mm_processor_kwargs"] == about


def test_a_batch_and_what_is_left_out(messages):
    text = [{"role": "user", "content": "Hello."}]
    image = [{"role": "user", "content": messages[1]["content"][:1]}]
    both, only_text, only_image = to_vllm_inputs(
        [messages, text, image], PROCESSOR, add_generation_prompt=False
    )
    assert set(both) == {"prompt", "multi_modal_data", "mm_processor_kwargs"}
    assert only_text == {"prompt": "<|im_start|>user\nHello.<|im_end|>\n"}
    assert set(only_image) == {"prompt", "multi_modal_data"}
    assert set(only_image["multi_modal_data"]) == {"image"}


def test_images_in_openais_form(messages):
    image = messages[1]["content"][0]
    part = {
        "type": "image_url",
        "image_url": {"url": data_url(image["image"])},
        "max_pixels": 15680,
    }
    asked = [{"role": "user", "content": [part, {"type": "text", "text": "What is it?"}]}]
    before = copy.deepcopy(asked)
    inputs = to_vllm_inputs(asked, PROCESSOR)
    assert asked == before
    named = [{"role": "user", "content": [image, asked[0]["content"][1]]}]
    assert_same(inputs, to_vllm_inputs(named, PROCESSOR))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "^messages is empty"),
        ("Hello", "^messages is of type str"),
        (["Hello"], r"^messages\[0\] is of type str: expected a list of messages"),
        ([[]], r"^messages\[0\] is empty"),
        ([[{"role": "user"}]], r"^messages\[0\]\[0\] has the keys \['role'\]"),
        ([{"content": "x"}, "x"], r"^messages\[1\] is of type str"),
        ([{"content": ["x"]}], r"^messages\[0\]\['content'\]\[0\] is of type str"),
    ],
)
def test_wrong_messages(wrong, message):
    with pytest.raises(InvalidArgumentError, match=message):
        to_vllm_inputs(wrong, PROCESSOR)


def test_a_conversation_of_a_batch_is_named(messages):
    lost = [{"role": "user", "content": [{"type": "video", "video": "/none.mp4"}]}]
    with pytest.raises(MediaNotFoundError, match=r"^messages\[1\]: /none.mp4"):
        to_vllm_inputs([messages, lost], PROCESSOR)
