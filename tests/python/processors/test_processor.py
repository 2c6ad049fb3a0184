"""Compare the processor with the published steps, bit for bit."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from PIL import Image

from keye_vl_rs.errors import InvalidArgumentError, PromptError
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from oracle.published_processor import published_call
from support.processor import (
    MIXES,
    PROCESSOR,
    TEXT,
    TOKENIZER,
    assert_bits,
    clip,
    joined,
    video_kwargs,
)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_dtype_is_the_rounded_float32(dtype):
    video, image = clip(5, 60, 80), Image.fromarray(clip(1, 70, 50)[0].permute(1, 2, 0).numpy())
    kwargs = joined(video_kwargs(MIXES["slow_fast"]))
    text = "<|image_pad|>" + TEXT
    expected = published_call(TOKENIZER, text, [video], images=[image], **kwargs)
    for name in ("pixel_values", "pixel_values_videos"):
        expected[name] = expected[name].to(dtype)
    processors = (
        (PROCESSOR, {"dtype": dtype}),
        (PROCESSOR, {"images_kwargs": {"dtype": str(dtype)}}),
        (KeyeVL1_5Processor(KeyeVL1_5ImageProcessor(dtype=dtype), TOKENIZER), {}),
    )
    for processor, asked in processors:
        actual = processor(
            text=text, images=image, videos=video, return_tensors="pt", **asked, **kwargs
        )
        assert_bits(actual, expected)


def test_images_videos_and_plain_text_in_one_batch():
    images = [
        Image.fromarray(clip(1, h, w, seed=h)[0].permute(1, 2, 0).numpy())
        for h, w in ((60, 90), (200, 33), (28, 28))
    ]
    videos = [clip(3, 60, 80), clip(5, 40, 70, seed=5)]
    about = joined(video_kwargs([0, 1, 1]), video_kwargs(MIXES["slow_fast"], fast=(28, 56)))
    text = [
        f"<|image_pad|> then {TEXT} <|image_pad|>x",
        "only words",
        f"{TEXT}<|image_pad|>",
    ]
    before = copy.deepcopy((text, about))
    for side in ("left", "right"):
        kwargs = {"padding": True, "padding_side": side}
        expected = published_call(
            TOKENIZER, text, videos, images=images, text_kwargs=kwargs, **about
        )
        actual = PROCESSOR(
            text=text, images=images, videos=videos, return_tensors="pt", **kwargs, **about
        )
        assert_bits(actual, expected)
    assert text == before[0]
    assert {name: len(value) for name, value in about.items()} == dict.fromkeys(about, 2)
    for name, values in about.items():
        assert all(
            torch.equal(torch.as_tensor(a), torch.as_tensor(b))
            for a, b in zip(values, before[1][name], strict=True)
        )


@pytest.mark.parametrize("tensors", [None, "np"])
def test_other_return_tensors(tensors):
    video, kwargs = clip(3, 60, 80), joined(video_kwargs([0, 1, 0]))
    expected = published_call(TOKENIZER, TEXT, [video], **kwargs)
    actual = PROCESSOR(text=TEXT, videos=[video], return_tensors=tensors, **kwargs)
    assert list(actual) == list(expected)
    for name, value in expected.items():
        if name in ("input_ids", "attention_mask"):
            assert isinstance(actual[name], list if tensors is None else np.ndarray)
        else:
            assert isinstance(actual[name], torch.Tensor if tensors is None else np.ndarray)
        np.testing.assert_array_equal(np.asarray(actual[name]), value.numpy())


def test_text_without_inputs_passes_untouched():
    for text in (TEXT, [TEXT, "x<|image_pad|>"]):
        actual = PROCESSOR(text=text, padding=True, return_tensors="pt")
        texts = text if isinstance(text, list) else [text]
        assert_bits(actual, dict(TOKENIZER(texts, padding=True, return_tensors="pt")))


def test_tokens_of_a_kind_that_has_no_inputs():
    """With inputs of the other kind, the model would look for features that do not exist."""
    image, video = np.zeros((40, 40, 3), np.uint8), clip(2, 60, 80)
    with pytest.raises(PromptError, match=r"text holds 1 <\|video_pad\|> for 0 inputs"):
        PROCESSOR(text=f"<|image_pad|>{TEXT}", images=[image], videos=[])
    with pytest.raises(PromptError, match=r"text holds 2 <\|image_pad\|> for 0 inputs"):
        PROCESSOR(text=f"<|image_pad|>{TEXT}<|image_pad|>", videos=[video])


def test_inputs_without_text():
    image = np.zeros((40, 40, 3), np.uint8)
    assert list(PROCESSOR(images=image)) == ["pixel_values", "image_grid_thw"]


def test_token_types_and_offsets_for_newer_hosts():
    video, kwargs = clip(2, 60, 80), joined(video_kwargs([0, 1]))
    image = np.zeros((40, 40, 3), np.uint8)
    text = f"<|image_pad|>{TEXT}"
    for tensors in (None, "np", "pt"):
        out = PROCESSOR(
            text=text,
            images=[image],
            videos=[video],
            return_tensors=tensors,
            return_mm_token_type_ids=True,
            return_text_replacement_offsets=True,
            **kwargs,
        )
        ids, types = np.asarray(out["input_ids"]), np.asarray(out["mm_token_type_ids"])
        assert type(out["mm_token_type_ids"]) is type(out["input_ids"])
        np.testing.assert_array_equal(types == 1, ids == PROCESSOR.image_token_id)
        np.testing.assert_array_equal(types == 2, ids == PROCESSOR.video_token_id)
        offsets = out["text_replacement_offsets"][0]
        assert [entry["type"] for entry in offsets] == ["image", "video"]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"text": "no token"}, PromptError, "0 .* for 1 input"),
        ({"text": TEXT * 2}, PromptError, "2 .* for 1 input"),
        ({"text": [["split", "words"]]}, InvalidArgumentError, "list"),
        ({"dtype": torch.int64}, InvalidArgumentError, "int64"),
    ],
)
def test_refusals_come_before_any_work(changes, error, words, monkeypatch):
    monkeypatch.setattr("keye_vl_rs.processors.processor.video_tensors", None)
    kwargs = {"text": TEXT, "videos": [clip(3, 60, 80)], **joined(video_kwargs([0, 1, 0]))}
    with pytest.raises(error, match=words):
        PROCESSOR(return_tensors="pt", **{**kwargs, **changes})
