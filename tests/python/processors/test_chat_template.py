"""Test one call from messages to the model's inputs, against the two published steps."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs import preprocess_video, process_vision_info, vision_process
from keye_vl_rs.errors import InvalidArgumentError, MediaNotFoundError, PromptError
from keye_vl_rs.processors import chat_template, chat_template_media
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from support.clips import Clip
from support.processor import PROCESSOR, TOKENIZER, assert_bits
from support.tokenizers import CHAT_TEMPLATE

pytestmark = pytest.mark.one_level

CLIP = {name: getattr(PROCESSOR.image_processor, name) for name in ("image_mean", "image_std")}
ALL = {"tokenize": True, "return_dict": True, "return_tensors": "pt", "add_generation_prompt": True}


@pytest.fixture(scope="module")
def clip(folder):
    return str(Clip("chat.mp4", count=60, b_frames=2).write(folder))


@pytest.fixture(scope="module")
def other(folder):
    return str(Clip("chat_other.mp4", count=30, width=90, height=200).write(folder))


def picture(width=90, height=60):
    return Image.fromarray(np.random.default_rng(width).integers(0, 256, (height, width, 3), "u1"))


def asking(*content):
    return [{"role": "user", "content": [*content, {"type": "text", "text": "What happens?"}]}]


def video(source, **options):
    return {"type": "video", "video": source, **options}


def in_steps(messages, processor=PROCESSOR, **options):
    text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    images, videos, kwargs = process_vision_info(messages)
    texts = [text] if isinstance(text, str) else text
    return processor(
        text=texts, images=images, videos=videos, **{"return_tensors": "pt"} | options, **kwargs
    )


def streamed(monkeypatch):
    """Record the sources of videos that go from file to patches."""
    sources = []
    stream = chat_template_media.preprocess_file
    monkeypatch.setattr(
        chat_template_media,
        "preprocess_file",
        lambda options, *rest: sources.append(options.source) or stream(options, *rest),
    )
    return sources


def test_a_video(clip, monkeypatch):
    sources = streamed(monkeypatch)
    messages = asking(video(clip, fps=5.0, max_frames=9, min_frame_similarity=0.95))
    assert_bits(PROCESSOR.apply_chat_template(messages, **ALL), in_steps(messages))
    assert sources == [clip]


def test_releases_that_would_load_videos_themselves(clip, other, monkeypatch):
    monkeypatch.setattr(chat_template, "_BASE_CAN_LOAD", False)
    sources = streamed(monkeypatch)
    talks = [asking(video(clip), {"type": "image", "image": picture()}), asking(video(other))]
    out = PROCESSOR.apply_chat_template(talks, **ALL, padding=True, dtype=torch.float16)
    assert_bits(out, in_steps(talks, padding=True, dtype=torch.float16))
    one = PROCESSOR.apply_chat_template(talks[0], **ALL, fps=5.0)
    assert_bits(one, in_steps(asking(video(clip, fps=5.0), talks[0][0]["content"][1])))
    assert len(sources) == 3


def test_an_image():
    messages = asking({"type": "image", "image": picture(), "max_pixels": 28 * 28 * 5})
    assert_bits(PROCESSOR.apply_chat_template(messages, **ALL), in_steps(messages))


def test_text_alone():
    messages = [{"role": "user", "content": "Hello"}]
    out = PROCESSOR.apply_chat_template(messages, **ALL)
    assert set(out) == {"input_ids", "attention_mask"}


def test_conversations_with_several_videos_and_images(clip, other, monkeypatch):
    sources = streamed(monkeypatch)
    frames = [picture(100 + i) for i in range(3)]
    talks = [
        asking(video(clip), {"type": "image", "image": picture()}, video(other, fps=3.0)),
        asking(video([frame.resize((112, 84)) for frame in frames])),
        asking(video(other, video_total_pixels=28 * 28 * 200), video(clip, max_frames=2)),
        [{"role": "user", "content": "Hello"}],
    ]
    out = PROCESSOR.apply_chat_template(talks, **ALL, padding=True)
    assert_bits(out, in_steps(talks, padding=True))
    assert len(out["input_ids"]) == 4
    assert len(sources) == 4


def test_the_dtype_is_the_calls(clip):
    messages = asking(video(clip))
    out = PROCESSOR.apply_chat_template(messages, **ALL, dtype=torch.bfloat16)
    assert out["pixel_values_videos"].dtype == torch.bfloat16
    assert_bits(out, in_steps(messages, dtype=torch.bfloat16))
    again = PROCESSOR.apply_chat_template(
        messages, **ALL, processor_kwargs={"dtype": torch.bfloat16}
    )
    assert_bits(again, out)


def test_the_processors_own_mean_and_std(clip):
    processor = KeyeVL1_5Processor(
        KeyeVL1_5ImageProcessor(image_mean=[0.1, 0.2, 0.3], image_std=[0.5, 0.6, 0.7]),
        TOKENIZER,
        chat_template=CHAT_TEMPLATE,
    )
    messages = asking(video(clip))
    assert_bits(processor.apply_chat_template(messages, **ALL), in_steps(messages, processor))


def test_other_forms_of_results(clip):
    messages = asking(video(clip))
    expected = in_steps(messages)
    ids = PROCESSOR.apply_chat_template(messages, **{**ALL, "return_dict": False})
    assert torch.equal(ids, expected["input_ids"])
    lists = PROCESSOR.apply_chat_template(messages, **{**ALL, "return_tensors": None})
    assert lists["input_ids"] == expected["input_ids"].tolist()
    arrays = PROCESSOR.apply_chat_template(messages, **{**ALL, "return_tensors": "np"})
    np.testing.assert_array_equal(arrays["pixel_values_videos"], expected["pixel_values_videos"])
    types = PROCESSOR.apply_chat_template(messages, **ALL, return_mm_token_type_ids=True)
    assert int((types["mm_token_type_ids"] == 2).sum()) == int(
        (expected["input_ids"] == PROCESSOR.video_token_id).sum()
    )


def test_a_rate_for_all_videos(clip, other):
    messages = asking(video(clip), video(other, fps=2.0))
    out = PROCESSOR.apply_chat_template(messages, **ALL, fps=7.0)
    expected = in_steps(asking(video(clip, fps=7.0), video(other, fps=2.0)))
    assert_bits(out, expected)
    few = PROCESSOR.apply_chat_template(asking(video(clip)), **ALL, num_frames=3)
    assert few["num_frames"].tolist() == [3]


@pytest.mark.parametrize("key", ["url", "path"])
def test_transformers_keys(key, clip, folder):
    picture().save(folder / "chat.png")
    messages = asking(
        {"type": "video", key: clip, "fps": 3.0}, {"type": "image", key: str(folder / "chat.png")}
    )
    named = asking(video(clip, fps=3.0), {"type": "image", "image": str(folder / "chat.png")})
    assert_bits(PROCESSOR.apply_chat_template(messages, **ALL), in_steps(named))


def test_openais_images(folder):
    picture().save(folder / "chat.png")
    url = {"url": f"file://{folder}/chat.png"}
    messages = asking({"type": "image_url", "image_url": url, "max_pixels": 28 * 28 * 5})
    named = asking({"type": "image", "image": url["url"], "max_pixels": 28 * 28 * 5})
    assert_bits(PROCESSOR.apply_chat_template(messages, **ALL), in_steps(named))


def test_a_part_of_a_video(clip):
    messages = asking(video(clip, fps=5.0, video_start=0.4, video_end=1.2))
    assert_bits(PROCESSOR.apply_chat_template(messages, **ALL), in_steps(messages))


def with_settings(**settings):
    return KeyeVL1_5Processor(
        KeyeVL1_5ImageProcessor(**settings), TOKENIZER, chat_template=CHAT_TEMPLATE
    )


@pytest.mark.parametrize("setting", [{"do_rescale": False}, {"do_normalize": False}])
def test_settings_that_the_core_can_do_are_streamed(setting, clip, monkeypatch):
    sources = streamed(monkeypatch)
    processor, messages = with_settings(**setting), asking(video(clip))
    out = processor.apply_chat_template(messages, **ALL)
    assert_bits(out, in_steps(messages, processor))
    assert sources == [clip]


def test_settings_that_cannot_be_streamed_go_the_plain_way(clip, monkeypatch, caplog):
    sources = streamed(monkeypatch)
    processor = with_settings(do_rescale=False, do_normalize=False)
    messages = asking(video(clip))
    with caplog.at_level(logging.INFO, "keye_vl_rs"):
        out = processor.apply_chat_template(messages, **ALL)
    assert_bits(out, in_steps(messages, processor))
    assert not sources
    assert "decoded completely" in caplog.text


def test_constants_that_a_program_set_hold_for_streamed_videos(clip, monkeypatch):
    sources = streamed(monkeypatch)
    messages = asking(video(clip))
    before = PROCESSOR.apply_chat_template(messages, **ALL)
    monkeypatch.setattr(vision_process, "VIDEO_TOTAL_PIXELS", 16 * 28 * 28)
    monkeypatch.setattr(vision_process, "VIDEO_MIN_PIXELS", 4 * 28 * 28)
    monkeypatch.setattr(vision_process, "MIN_FRAME_SIMILARITY", 0.5)
    out = PROCESSOR.apply_chat_template(messages, **ALL)
    assert_bits(out, in_steps(messages))
    assert len(out["pixel_values_videos"]) < len(before["pixel_values_videos"])
    assert sources == [clip, clip]


def test_a_wrapped_reader_is_called(clip, monkeypatch):
    read, called = vision_process._read_video_decord, []
    monkeypatch.setattr(
        vision_process, "_read_video_decord", lambda ele: called.append(ele["video"]) or read(ele)
    )
    messages = asking(video(clip))
    out = PROCESSOR.apply_chat_template(messages, **ALL)
    assert called == [clip]
    assert_bits(out, in_steps(messages))


def test_a_wrapped_count_is_called(clip, monkeypatch):
    monkeypatch.setattr(vision_process, "smart_nframes", lambda ele, total, fps: 2)
    frames = video([picture()] * 6)
    out = PROCESSOR.apply_chat_template(asking(video(clip), frames), **ALL)
    assert out["num_frames"].tolist() == [2, 2]


def test_a_wrapped_size_is_used(clip, monkeypatch):
    """keye_vl_utils calls it for the frames of a list, and where frames are compared."""
    called, resize = [], vision_process.smart_resize
    frames = video([picture()] * 3)
    monkeypatch.setattr(
        vision_process, "smart_resize", lambda *a, **k: called.append(k) or resize(*a, **k)
    )
    process_vision_info(asking(frames))
    assert len(called) == 4
    process_vision_info(asking(video(clip)))
    assert len(called) == 5
    monkeypatch.setattr(vision_process, "smart_resize", lambda *a, **k: (56, 84))
    (shown,) = process_vision_info(asking(frames))[1]
    assert shown.shape[2:] == (56, 84)


def test_what_was_preprocessed_before(clip, other):
    # As in a data loader's workers.
    messages = asking(video(clip), video(other, fps=3.0))
    text = PROCESSOR.apply_chat_template(messages, add_generation_prompt=True)
    videos = [preprocess_video(clip, **CLIP), preprocess_video(other, fps=3.0, **CLIP)]
    assert_bits(PROCESSOR(text=[text], videos=videos, return_tensors="pt"), in_steps(messages))


def test_one_video_is_not_copied(clip):
    inputs = preprocess_video(clip, **CLIP)
    out = PROCESSOR(text="<|video_pad|>", videos=[inputs])
    assert out["pixel_values_videos"].data_ptr() == inputs.pixel_values_videos.data_ptr()


def test_what_is_said_twice_or_does_not_fit(clip):
    inputs = preprocess_video(clip, dtype=torch.bfloat16, **CLIP)
    with pytest.raises(InvalidArgumentError, match="frame_types of video 0"):
        PROCESSOR(
            text="<|video_pad|>", videos=[inputs], frame_types=[[0] * 4], dtype=torch.bfloat16
        )
    with pytest.raises(InvalidArgumentError, match="bfloat16"):
        PROCESSOR(text="<|video_pad|>", videos=[inputs])


def test_what_is_wrong_is_named(clip, tmp_path):
    with pytest.raises(MediaNotFoundError, match="nowhere"):
        PROCESSOR.apply_chat_template(asking(video(str(tmp_path / "nowhere.mp4"))), **ALL)
    with pytest.raises(InvalidArgumentError, match=r"\['fps', 'type'\]: expected one of video"):
        PROCESSOR.apply_chat_template(asking({"type": "video", "fps": 1}), **ALL)
    messages = asking(video(clip), {"type": "text", "text": "<|video_pad|>"})
    with pytest.raises(PromptError, match=r"2 .* for 1"):
        PROCESSOR.apply_chat_template(messages, **ALL)


def test_messages_are_left_as_they_are(clip):
    messages = asking(video(clip), {"type": "image_url", "image_url": {"url": clip}})
    with pytest.raises(Exception, match="not an image"):
        PROCESSOR.apply_chat_template(messages, **ALL)
    assert messages == asking(video(clip), {"type": "image_url", "image_url": {"url": clip}})
