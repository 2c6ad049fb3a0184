"""Test one rule for the parts of messages: every form of a medium means the same at every entry."""

from __future__ import annotations

import logging
from collections import UserDict
from types import MappingProxyType

import numpy as np
import pytest
import torch

from keye_vl_rs import extract_vision_info, preview, process_vision_info, to_openai_messages
from keye_vl_rs._util.warn_once import reset_warnings
from support.clips import Clip
from support.content_parts import ALL, ENTRIES, KEYS, PICTURE, PREVIEW, ROW, talk
from support.processor import PROCESSOR
from support.vision_process import assert_same, data_url, pictures

pytestmark = pytest.mark.one_level


def plain(value):
    """Convert nested values into comparable ones."""
    if hasattr(value, "items"):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


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
    """Tuples, arrays as pandas makes them of lists in a table, and strings of other types."""
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


def test_placeholders_without_media_are_rendered():
    """The media are then passed to the processor directly."""
    part = {"type": "image"}
    for processor in (PROCESSOR, KEYS, PREVIEW):
        text = processor.apply_chat_template(talk(part))
        assert text.count("<|image_pad|>") == 1
        assert text == processor.apply_chat_template(talk({"type": "image_url"}))


def test_the_first_of_two_sources_is_read(caplog):
    reset_warnings()
    part = {"type": "image", "image": PICTURE, "image_url": "/no/such/file.png"}
    with caplog.at_level(logging.WARNING, "keye_vl_rs"):
        found = [process_vision_info(talk(part)) for _ in range(2)]
    assert_same(found[0], process_vision_info(talk({"image": PICTURE})))
    assert [record.getMessage() for record in caplog.records] == [
        "a message has both image and image_url: only image is read"
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
