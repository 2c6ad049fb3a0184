"""Test the frames of requests, and what a server's processor makes of them."""

from __future__ import annotations

import json

import pytest
import torch

from keye_vl_rs import fetch_image, fetch_video, preprocess_video, preview, to_openai_messages
from keye_vl_rs.errors import EmptyMediaError, InvalidArgumentError, UnreadableMediaError
from support.clips import BUNNY
from support.processor import PROCESSOR, assert_bits
from support.requests import opened, opened_frames, talk
from support.vision_process import assert_same, data_url, pictures

pytestmark = pytest.mark.one_level


def message(part):
    return {"role": "user", "content": [part]}


@pytest.fixture(scope="module")
def image():
    return pictures(1, width=300, height=200)[0]


def as_served(request, messages):
    """Return what a server's processor makes of a request with frames in PNG."""
    parts = [part for message in request.messages for part in message["content"]]
    text = PROCESSOR.apply_chat_template(messages, tokenize=False)
    return PROCESSOR(
        text=text,
        images=[opened(p["image_url"]["url"]) for p in parts if "image_url" in p],
        videos=[opened_frames(p["video_url"]["url"], "PNG") for p in parts if "video_url" in p],
        return_tensors="pt",
        **json.loads(json.dumps(request.extra_body["mm_processor_kwargs"])),
    )


def test_frames_without_a_loss(image, short, h264):
    messages = talk(image, short, h264, fps=4.0)[1:]
    made = as_served(to_openai_messages(messages, frame_format="png"), messages)
    expected = PROCESSOR.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_tensors="pt"
    )
    assert_bits(made, expected)


def test_resized_slow_frames_are_the_models(image):
    messages = talk(image, BUNNY, max_frames=5, min_frame_similarity=0.01)[1:]
    request = to_openai_messages(messages, frame_format="png", resize_frames=True)
    made = as_served(request, messages)
    expected = PROCESSOR.apply_chat_template(
        messages, tokenize=True, return_dict=True, return_tensors="pt"
    )
    assert torch.equal(made["input_ids"], expected["input_ids"])
    assert torch.equal(made["video_grid_thw"], expected["video_grid_thw"])
    (types,) = request.extra_body["mm_processor_kwargs"]["frame_types"]
    assert set(types) == {0, 1}
    said = {n: v[0] for n, v in request.extra_body["mm_processor_kwargs"].items()}
    sizes = [said["height"] * said["width"], said["fast_height"] * said["fast_width"]]
    slow = torch.cat([torch.full((sizes[kind] // 14**2,), kind == 0) for kind in types])
    name = "pixel_values_videos"
    assert torch.equal(made[name][slow], expected[name][slow])
    assert not torch.equal(made[name], expected[name])


def test_frames_at_the_size_of_slow_ones(image, short):
    own = to_openai_messages(talk(image, short))
    request = to_openai_messages(talk(image, short), resize_frames=True)
    said = request.extra_body["mm_processor_kwargs"]
    sent = request.messages[1]["content"][1]
    frames = opened_frames(sent["video_url"]["url"])
    assert frames.shape[1:3] == (said["height"][0], said["width"][0])
    assert said == own.extra_body["mm_processor_kwargs"]


@pytest.mark.parametrize("count", [1, 4])
def test_what_is_sent_is_a_source_here_too(count):
    frames = pictures(count)
    sent = [fetch_image({"image": frame}, is_video=True) for frame in frames]
    request = to_openai_messages([message({"video": sent})], frame_format="png")
    (part,) = request.messages[0]["content"]
    address = part["video_url"]["url"]
    expected = fetch_video({"video": sent, "fps": 1.0})
    for source in ({"video": address}, {"video_url": part["video_url"]}, {"video": [*sent]}):
        assert_same(fetch_video({**source, "fps": 1.0}), expected)
    ours = preprocess_video(address.replace("video/jpeg", "Video/JPEG"), fps=1.0)
    assert_bits(ours.model_inputs(), preprocess_video(sent, fps=1.0).model_inputs())
    assert_same(preview.fetch_video({"video": address}), preview.fetch_video({"video": sent}))
    options = {"tokenize": True, "return_dict": True, "return_tensors": "pt"}
    made = PROCESSOR.apply_chat_template([message({"video": address})], **options)
    assert_bits(made, PROCESSOR.apply_chat_template([message({"video": sent})], **options))
    # As a video_url it is up to the server.
    assert to_openai_messages([message(part)]).messages == [message(part)]
    with pytest.raises(UnreadableMediaError, match=r"contains the frames of a video.*pass it as"):
        fetch_image({"image": address})


def test_frames_that_cannot_be_read_are_named():
    image = data_url(pictures(1)[0]).partition(",")[2]
    for frames, error, text in (
        (f"{image},%%%", UnreadableMediaError, "frame 1: .*not valid base64"),
        (f"{image},", EmptyMediaError, "frame 1: .*is empty"),
        ("", EmptyMediaError, "frame 0: .*is empty"),
    ):
        with pytest.raises(error, match=text):
            fetch_video({"video": f"data:video/jpeg;base64,{frames}"})
    with pytest.raises(InvalidArgumentError, match="expected data:<media type>;base64,"):
        fetch_video({"video": "data:video/jpeg,abc"})
