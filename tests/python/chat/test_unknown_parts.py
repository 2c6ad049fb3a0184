"""Test that unknown parts are refused at every entry, while texts and tool calls pass."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from keye_vl_rs import process_vision_info
from keye_vl_rs._chat.content_parts import plain_part
from keye_vl_rs.errors import InvalidArgumentError
from support.content_parts import ENTRIES, PICTURE, talk
from support.processor import PROCESSOR
from support.vision_process import data_url

pytestmark = pytest.mark.one_level


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
