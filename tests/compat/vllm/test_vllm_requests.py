"""Test vLLM's server-side processing of requests, from the body to the model's inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.renderers.chat_utils.chat_message import parse_chat_messages

from keye_vl_rs import to_openai_messages, to_vllm_inputs
from support.clips import Clip, picture
from support.processor import PROCESSOR
from support.requests import talk
from support.vllm import assert_same, process, processor_of

# More frames than vLLM takes of a video by default.
FRAMES = 40


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    video = Clip("clip.mp4", count=60).write(tmp_path_factory.mktemp("requests"))
    return talk(
        Image.fromarray(picture(300, 200, 0)),
        video,
        fps=25.0,
        max_frames=FRAMES,
        min_frame_similarity=0.99,
    )


def served(request, model_config):
    """Return images and videos as vLLM loads them, and what else it passes to the processor."""
    body = json.loads(json.dumps({"messages": request.messages, **request.extra_body}))
    asked = ChatCompletionRequest.model_validate({"model": "keye", **body})
    assert not asked.model_extra, "fields that this release does not know"
    _, data, _ = parse_chat_messages(
        asked.messages, model_config, "openai", media_io_kwargs=asked.media_io_kwargs
    )
    return data, asked.mm_processor_kwargs


def here(messages):
    inputs = to_vllm_inputs(messages, PROCESSOR)
    return inputs["multi_modal_data"], inputs["mm_processor_kwargs"]


def test_every_frame_arrives(messages, model_config):
    data, about = served(to_openai_messages(messages, frame_format="png"), model_config)
    local, _ = here(messages)
    ((frames, _metadata),) = data["video"]
    assert np.array_equal(frames, local["video"][0].permute(0, 2, 3, 1))
    assert len(frames) == len(about["timestamps"][0]) == FRAMES
    assert set(about["frame_types"][0]) == {0, 1}
    (image,) = data["image"]
    assert np.array_equal(image.media, local["image"][0])


def test_the_models_inputs_are_equal(messages, model_config):
    with processor_of("ours"):
        _, expected = process(model_config, *here(messages))
        request = to_openai_messages(messages, frame_format="png")
        _, made = process(model_config, *served(request, model_config))
    assert made["prompt_token_ids"] == expected["prompt_token_ids"]
    assert_same(made["mm_placeholders"], expected["mm_placeholders"])
    assert_same(made["mm_kwargs"].get_data(), expected["mm_kwargs"].get_data())


@pytest.mark.parametrize("options", [{}, {"resize_frames": True}, {"image_format": "jpeg"}])
def test_with_jpeg_all_but_patches_is_equal(options, messages, model_config):
    with processor_of("ours"):
        _, expected = process(model_config, *here(messages))
        _, made = process(
            model_config, *served(to_openai_messages(messages, **options), model_config)
        )
    assert made["prompt_token_ids"] == expected["prompt_token_ids"]
    assert_same(made["mm_placeholders"], expected["mm_placeholders"])
    fields, wanted = made["mm_kwargs"].get_data(), expected["mm_kwargs"].get_data()
    for name, value in wanted.items():
        if name.startswith("pixel_values"):
            assert (fields[name].float() - value.float()).abs().mean() < 0.1, name
        else:
            assert torch.equal(fields[name], value), name


def test_what_media_io_kwargs_are_for(messages, model_config):
    request = to_openai_messages(messages)
    del request.extra_body["media_io_kwargs"]
    ((frames, _),) = served(request, model_config)[0]["video"]
    assert len(frames) < FRAMES
