"""One rule for what a part of a message is: every form of a medium is the same at every entry."""

from __future__ import annotations

import io
import logging
from collections import UserDict
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch

from keye_vl_rs import (
    extract_vision_info,
    preview,
    process_vision_info,
    to_openai_messages,
    to_vllm_inputs,
)
from keye_vl_rs._chat.content_parts import plain_part
from keye_vl_rs._util.warn_once import forget_said
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from support.clips import Clip
from support.processor import PROCESSOR, TOKENIZER
from support.vision_process import assert_same, data_url, pictures

pytestmark = pytest.mark.one_level

# As Qwen2-VL's: it looks for keys, also those whose value is None.
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


def plain(value):
    """Comparable all the way down."""
    if hasattr(value, "items"):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def talk(part, question=None):
    text = {"type": "text", "text": "What is it?"}
    return [{"role": "user", "content": [part, text if question is None else question]}]


@pytest.fixture(scope="module")
def clip(folder):
    return str(Clip("parts.mp4", count=20, width=90, height=60).write(folder))


def image_forms():
    url = data_url(PICTURE)
    return [
        {"type": "image_url", "image_url": url},
        {"type": "image_url", "image_url": {"url": url, "detail": "high"}},
        {"type": "input_image", "image_url": url, "detail": "auto", "file_id": None},
        {"type": "image", "image_url": {"url": url}},
        {"type": "image", "url": url},
        {"type": "image", "image": {"url": url, "detail": None}},
        {"type": "image", "image": {"bytes": None, "path": url}},
        {"image": PICTURE},
        {"image_url": {"url": url}},
        {**ROW, "type": "image", "image": PICTURE},
        {**ROW, "image": PICTURE},
        {**ROW, "image_url": {"url": url, "detail": None}},
        MappingProxyType({"type": "image", "image": PICTURE}),
        UserDict({**ROW, "image": PICTURE}),
    ]


def video_forms(clip):
    return [
        {"type": "video_url", "video_url": f"file://{clip}"},
        {"type": "video_url", "video_url": {"url": clip}},
        {"type": "input_video", "video_url": {"url": clip, "detail": "low"}},
        {"type": "video", "url": clip},
        {"type": "video", "path": clip, "url": None},
        {"video": clip},
        {"video_url": clip},
        {**ROW, "type": "video", "video": clip},
        {**ROW, "video_url": {"url": clip}},
        UserDict({**ROW, "video": clip}),
    ]


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_form_is_the_same_at_every_entry(entry, clip):
    run = ENTRIES[entry]
    for usual, forms in (
        ({"type": "image", "image": PICTURE}, image_forms()),
        ({"type": "video", "video": clip}, video_forms(clip)),
    ):
        expected = plain(run(talk(usual)))
        for form in forms:
            assert_same(plain(run(talk(form))), expected, f"{entry}: {form}")


@pytest.mark.parametrize("entry", ENTRIES)
def test_forms_of_content(entry):
    """Tuples, the arrays that pandas makes of a table's lists, texts of other types."""
    run, part = ENTRIES[entry], {"type": "image", "image": PICTURE}
    expected = plain(run(talk(part)))
    for question in (
        {**ROW, "type": "text", "text": "What is it?"},
        {**ROW, "text": "What is it?"},
        {"type": "input_text", "text": "What is it?"},
    ):
        assert_same(plain(run(talk(part, question))), expected, f"{entry}: {question}")
    ((message),) = talk(part)
    array = np.empty(2, object)
    array[:] = message["content"]
    for content in (tuple(message["content"]), array):
        assert_same(plain(run([{**message, "content": content}])), expected, entry)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"type": "image"}, "expected one of image, image_url"),
        ({"type": "video", "fps": 2.0}, r"\['fps', 'type'\]: expected one of video, video_url"),
        ({"type": "image", "video": "a.mp4"}, "of type 'image' and has 'video'"),
        ({"type": "video", "image": "a.png"}, "of type 'video' and has 'image'"),
        ({"image": "a.png", "video": "a.mp4"}, "has 'image' and 'video': expected one"),
        ({"type": "text", "text": "x", "image": "a.png"}, "is a text and has 'image'"),
        ({"text": "x", "video_url": "a.mp4"}, "is a text and has 'video_url'"),
        ({"type": "image_url", "image_url": {"detail": "low"}}, "expected 'url' among them"),
        ({"type": "image_file", "image_file": {"file_id": "f"}}, "expected the type 'image'"),
        ({"type": "input_audio", "input_audio": {"data": ""}}, "expected the type 'image'"),
        ({"images": ["a.png"]}, "expected the type 'image'"),
        ({"url": "a.png"}, "expected the type 'image'"),
    ],
)
def test_media_that_are_not_understood(entry, part, message):
    if entry != "vision_infos":
        message = rf"\['content'\]\[1\].*{message}"
    with pytest.raises(InvalidArgumentError, match=rf"\[0\].*{message}"):
        ENTRIES[entry]([{"role": "user", "content": [{"type": "text", "text": "x"}, part]}])


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize(
    "part",
    [
        {"type": "media", "media": "V.mp4"},
        {"type": "frames", "frames": [PICTURE]},
        {"type": "document", "source": {"type": "base64", "data": "JVBERi0xLjQ="}},
        {"file": "V.mp4"},
        {"clip": "somewhere"},
        {"type": "upload", "upload": "https://host/a"},
        {"type": "upload", "upload": ["/folder/a.JPG"]},
        {"type": "upload", "upload": {"data": b"\0"}},
        {"type": "upload", "upload": PICTURE},
        {"type": "upload", "upload": io.BytesIO()},
        {"type": "upload", "upload": np.zeros((2, 2, 3), np.uint8)},
        {"type": "upload", "upload": Path("a")},
        {"type": "tool_result", "images": []},
        {"inline_data": {"mime_type": "image/png", "data": "AAAA"}},
        {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}},
        {"fileData": {"fileUri": "files/a"}},
        {"mime_type": "image/png", "data": "AAAA"},
        {"source": {"media_type": "image/jpeg", "data": "AAAA"}},
        {"type": "upload", "upload": data_url(PICTURE).partition(",")[2]},
    ],
)
def test_what_looks_like_a_medium_is_not_dropped(entry, part):
    where = r"\[0\]" if entry == "vision_infos" else r"\[0\]\['content'\]\[0\]"
    with pytest.raises(InvalidArgumentError, match=f"{where} is of type .* and has .*: expected"):
        ENTRIES[entry](talk(part))


FILES = [
    {"type": "file", "file": {"file_data": "data:video/mp4;base64,AAAA"}},
    {"type": "input_file", "file_url": "https://host/V.mp4"},
]


@pytest.mark.parametrize("part", FILES)
def test_files_are_for_servers_alone(part):
    for name, run in ENTRIES.items():
        if name == "to_openai_messages":
            assert run(talk(part)).messages[0]["content"][0] == part
            continue
        with pytest.raises(InvalidArgumentError, match=f"is of type '{part['type']}' and has"):
            run(talk(part))


@pytest.mark.parametrize("key", ["content", "output"])
def test_media_inside_of_a_tools_answer(key):
    part = {"type": "tool_result", key: [{"type": "image", "image": PICTURE}]}
    for name, run in ENTRIES.items():
        if name == "to_openai_messages":
            assert run(talk(part)).messages[0]["content"][0] == part
            continue
        with pytest.raises(InvalidArgumentError, match=f"under '{key}', where none is read"):
            run(talk(part))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_use", "name": "open", "input": {"url": "https://host/a", "file": "V.mp4"}},
        {"type": "tool_result", "content": [{"type": "text", "text": "https://host/V.mp4"}]},
        {"type": "thinking", "thinking": "/folder/V.mp4"},
        {"type": "note", "note": "See a.mp4 and https://host/", "number": 3, "list": [1, None]},
        {"type": "note", "note": "The type is image/png", "other": "text/plain"},
        {"type": "text", "text": "V.mp4"},
    ],
)
def test_texts_and_tools_pass(part):
    assert plain_part(part, "here") == part


@pytest.mark.parametrize("content", [{"type": "image", "image": "a.png"}, 5])
def test_content_that_is_no_list(content):
    for run in ENTRIES.values():
        with pytest.raises(InvalidArgumentError, match=r"\['content'\] is of type .* a text or"):
            run([{"role": "user", "content": content}])


def test_content_of_none_and_other_parts_pass():
    call = {"type": "tool_result", "id": 3, "content": "x"}
    assert plain_part(call, "here") == call
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None}]
    assert process_vision_info(messages) == (None, None, {})
    assert PROCESSOR.apply_chat_template(messages).endswith("<|im_start|>assistant\n<|im_end|>\n")


def test_placeholders_without_media_are_rendered():
    """Media are then given to the processor itself."""
    part = {"type": "image"}
    for processor in (PROCESSOR, KEYS, PREVIEW):
        text = processor.apply_chat_template(talk(part))
        assert text.count("<|image_pad|>") == 1
        assert text == processor.apply_chat_template(talk({"type": "image_url"}))


def test_the_first_of_two_sources_is_read(caplog):
    forget_said()
    part = {"type": "image", "image": PICTURE, "image_url": "/no/such/file.png"}
    with caplog.at_level(logging.WARNING, "keye_vl_rs"):
        found = [process_vision_info(talk(part)) for _ in range(2)]
    assert_same(found[0], process_vision_info(talk({"image": PICTURE})))
    assert [record.getMessage() for record in caplog.records] == [
        "image_url of a message is not read where it has image, which is"
    ]


def test_frames_of_a_list_are_parts_too():
    frames = pictures(3)
    forms = [{"image_url": {"url": data_url(frames[0])}}, {**ROW, "image": frames[1]}, frames[2]]
    for module in (process_vision_info, preview.process_vision_info):
        expected = module(talk({"video": frames}))
        assert_same(module(talk({"type": "video", "video": forms})), expected)


def test_frames_in_an_array_of_a_table():
    frames = pictures(3)
    array = np.empty(3, object)
    array[:] = [data_url(frame) for frame in frames]
    expected = process_vision_info(talk({"video": frames}))
    assert_same(process_vision_info(talk({"video": array})), expected)


def test_answers_of_clients_are_messages():
    class Answer:
        def model_dump(self, exclude_none):
            assert exclude_none
            return {"role": "assistant", "content": "A cat."}

    first = {"role": "user", "content": "Hi"}
    text = PROCESSOR.apply_chat_template([first, Answer()])
    assert text == PROCESSOR.apply_chat_template([first, Answer().model_dump(exclude_none=True)])


def test_parts_and_messages_are_left_as_they_are():
    part = {**ROW, "image_url": {"url": data_url(PICTURE)}}
    messages = talk(part)
    for run in ENTRIES.values():
        run(messages)
    assert messages == talk({**ROW, "image_url": {"url": data_url(PICTURE)}})
    assert messages[0]["content"][0] is part
    assert extract_vision_info(messages)[0] is part


def test_what_a_server_opens_goes_to_it():
    for address in ("https://host/a.mp4", "data:video/mp4;base64,AAAA"):
        for value in (address, {"url": address}):
            (part, _) = to_openai_messages(talk({**ROW, "video_url": value})).messages[0]["content"]
            assert part == {"type": "video_url", "video_url": {"url": address}}


def test_token_ids_name_as_many_media_as_there_are(clip):
    parts = [*image_forms()[:3], *video_forms(clip)[:3], *image_forms()[-2:]]
    text = {**ROW, "text": "What?"}
    out = KEYS.apply_chat_template([{"role": "user", "content": [*parts, text]}], **ALL)
    assert len(out["image_grid_thw"]) == 5
    assert len(out["num_frames"]) == 3
    ids = out["input_ids"][0]
    assert int((ids == KEYS.image_token_id).sum()) == len(out["pixel_values"]) // 4
    assert int((ids == KEYS.video_token_id).sum()) == len(out["pixel_values_videos"]) // 4
    assert isinstance(ids, torch.Tensor)
