"""Test that malformed messages are refused, with the place of the mistake."""

from __future__ import annotations

import numpy as np
import pytest

from keye_vl_rs import (
    extract_vision_info,
    preview,
    process_vision_info,
    to_openai_messages,
    to_vllm_inputs,
)
from keye_vl_rs.errors import InvalidArgumentError
from support.processor import PROCESSOR, TOKENIZER

pytestmark = pytest.mark.one_level

IMAGE = {"type": "image", "image": "a.png"}
VIDEO = {"type": "video", "video": "a.mp4"}
TEXT = {"type": "text", "text": "image"}


def test_images_and_videos_in_order():
    first = [{"role": "user", "content": [TEXT, VIDEO, IMAGE]}, {"role": "x", "content": "image"}]
    second = [{"role": "user", "content": [IMAGE, {"type": "video"}]}]
    assert extract_vision_info(first) == [VIDEO, IMAGE]
    assert extract_vision_info([first, second]) == [VIDEO, IMAGE, IMAGE, {"type": "video"}]
    assert extract_vision_info([]) == []
    assert extract_vision_info(tuple(first)) == [VIDEO, IMAGE]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("Hello", r"^conversations is of type str: expected a list of messages"),
        ({"content": []}, r"^conversations is of type dict"),
        (np.ones(3), r"^conversations is of type ndarray"),
        (["Hello"], r"^conversations\[0\] is of type str"),
        ([{"role": "user"}], r"^conversations\[0\]\[0\] has the keys \['role'\]: .* 'content'"),
        ([{"role": "user", "tool_calls": None}], r"\['role', 'tool_calls'\]: .* 'content'"),
        ([{"content": "x"}, 5], r"^conversations\[0\]\[1\] is of type int: expected a dictionary"),
        ([[{"content": "x"}], [3]], r"^conversations\[1\]\[0\] is of type int"),
        ([{"content": ["an image"]}], r"^conversations\[0\]\[0\]\['content'\]\[0\] is of type str"),
        (
            [{"content": [{"type": "image"}]}],
            r"^conversations\[0\]\[0\]\['content'\]\[0\]: content of type 'image' has no image",
        ),
    ],
)
def test_what_is_no_message(wrong, message):
    for process in (process_vision_info, preview.process_vision_info):
        with pytest.raises(InvalidArgumentError, match=message):
            process(wrong)


CALLS = [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"id": "1"}]}]
ENTRIES = {
    "process_vision_info": process_vision_info,
    "preview": preview.process_vision_info,
    "apply_chat_template": PROCESSOR.apply_chat_template,
    "to_openai_messages": to_openai_messages,
    "to_vllm_inputs": lambda messages: to_vllm_inputs(messages, PROCESSOR),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_messages_without_content(entry):
    """Messages with tool calls have none; in any other it is a mistake at every entry."""
    ENTRIES[entry](CALLS)
    for wrong in ({"role": "user"}, {"role": "user", "contents": [IMAGE]}):
        with pytest.raises(
            InvalidArgumentError, match=r"\[1\] has the keys .*'content' among them"
        ):
            ENTRIES[entry]([CALLS[0], wrong])


@pytest.mark.parametrize("tokenize", [False, True])
def test_no_messages(tokenize):
    of_preview = preview.KeyeProcessor(tokenizer=TOKENIZER, chat_template=PROCESSOR.chat_template)
    for processor in (PROCESSOR, of_preview):
        with pytest.raises(
            InvalidArgumentError, match="conversation is empty: expected at least one mess"
        ):
            processor.apply_chat_template([], tokenize=tokenize)


def test_requests_want_a_list():
    with pytest.raises(InvalidArgumentError, match=r"^messages is of type int: expected"):
        to_openai_messages(5)
    for name in ("image_format", "frame_format", "model"):
        with pytest.raises(InvalidArgumentError, match=rf"^{name} is array"):
            to_openai_messages([], **{name: np.ones(2)})
