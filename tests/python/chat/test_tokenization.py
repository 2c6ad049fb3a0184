"""Test that spliced token ids equal those of the spelled-out text, which is the fallback."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tokenizers import AddedToken

from keye_vl_rs._chat import prompt
from keye_vl_rs._chat.tokenization import tokenize
from support.prompts import random_prompts
from support.tokenizers import make_qwen2_tokenizer, make_tokenizer

pytestmark = pytest.mark.without_pixels

TOKENS = prompt.VisionTokens()
PLAIN = make_tokenizer()
TOKENIZERS = {
    "plain": PLAIN,
    "other_ids": make_tokenizer(first=("<|a|>", "<|b|>", "<|c|>")),
    "qwen2": make_qwen2_tokenizer(),
    "bos": make_tokenizer(bos=True),
    "bos_eos": make_tokenizer(bos=True, eos=True, padding_side="left", truncation_side="left"),
    "types": make_tokenizer(
        eos=True, model_input_names=["input_ids", "token_type_ids", "attention_mask"]
    ),
    "swallowing": make_tokenizer(
        extra=(AddedToken("x<|", normalized=False), AddedToken("_ ", rstrip=True), "|><|", "_ <")
    ),
}


def spelled_ids(tokenizer, prompts, kwargs):
    return tokenizer([prompt.spelled_text(p) for p in prompts], **kwargs)


def assert_same(actual, expected):
    assert list(actual) == list(expected)
    for name, value in expected.items():
        assert type(actual[name]) is type(value), name
        if isinstance(value, torch.Tensor):
            assert actual[name].dtype == value.dtype
            assert torch.equal(actual[name], value), name
        elif isinstance(value, np.ndarray):
            assert actual[name].dtype == value.dtype
            np.testing.assert_array_equal(actual[name], value)
        else:
            assert actual[name] == value, name


KWARGS = {
    "bare": {},
    "no_specials": {"add_special_tokens": False},
    "pt": {"padding": True, "return_tensors": "pt"},
    "np_left": {"padding": "longest", "padding_side": "left", "return_tensors": "np"},
    "multiple": {"padding": True, "pad_to_multiple_of": 16, "return_tensors": "pt"},
    "max_length": {"padding": "max_length", "max_length": 400, "return_length": True},
    "cut": {"truncation": True, "max_length": 12},
    "cut_only_first": {"truncation": "only_first", "max_length": 31, "padding": True},
    "cut_and_fill": {
        "truncation": True,
        "max_length": 48,
        "padding": "max_length",
        "pad_to_multiple_of": 8,
        "return_tensors": "pt",
        "return_special_tokens_mask": True,
        "return_length": True,
    },
    "by_max_length_alone": {"max_length": 20},
    "no_mask": {"return_attention_mask": False, "return_token_type_ids": True},
}


@pytest.mark.parametrize("kwargs", KWARGS.values(), ids=KWARGS.keys())
@pytest.mark.parametrize("tokenizer", TOKENIZERS.values(), ids=TOKENIZERS.keys())
def test_splicing_equals_spelling(tokenizer, kwargs):
    for seed in range(25):
        prompts = random_prompts(seed)
        expected = spelled_ids(tokenizer, prompts, kwargs)
        assert_same(tokenize(tokenizer, prompts, kwargs), expected)


def counting(tokenizer, monkeypatch):
    """Record the texts that the tokenizer is called with."""
    seen = []
    call = type(tokenizer).__call__

    def spy(self, text, **kwargs):
        seen.append(text)
        return call(self, text, **kwargs)

    monkeypatch.setattr(type(tokenizer), "__call__", spy)
    return seen


VIDEO = [["look: ", prompt.video_placeholder([0, 1], (140, 140), (56, 56), [0.0, 0.5]), " what?"]]
COMPACT = "look: <|frame|>0.0<|video_pad|><|frame|>0.5<|fast_start|><|video_pad|><|fast_end|> what?"


@pytest.mark.parametrize("name", ["plain", "other_ids", "qwen2", "bos_eos"])
def test_what_can_be_spliced_is_not_spelled_out(name, monkeypatch):
    seen = counting(TOKENIZERS[name], monkeypatch)
    tokenize(TOKENIZERS[name], VIDEO, {"padding": True, "return_tensors": "pt"})
    assert seen == [[COMPACT]]


UNUSUAL = {
    "lstrip": make_tokenizer(pad_flags={"lstrip": True}),
    "rstrip": make_tokenizer(pad_flags={"rstrip": True}),
    "single_word": make_tokenizer(pad_flags={"single_word": True}),
    "normalized": make_tokenizer(pad_flags={"normalized": True}),
    "not_added": make_tokenizer(without=("<|video_pad|>",)),
    "longer_rival": make_tokenizer(extra=("<|video_pad|><|video_pad|>",)),
    "split": make_tokenizer(split_special_tokens=True),
}


@pytest.mark.parametrize("tokenizer", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_unusual_tokenizers_get_the_spelled_text(tokenizer, monkeypatch):
    expected = spelled_ids(tokenizer, VIDEO, {})
    seen = counting(tokenizer, monkeypatch)
    assert_same(tokenize(tokenizer, VIDEO, {}), expected)
    assert seen[-1] == [prompt.spelled_text(VIDEO[0])]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"return_offsets_mapping": True},
        {"return_overflowing_tokens": True, "truncation": True, "max_length": 10, "stride": 2},
        {"truncation": True, "max_length": 2},
        {"text_pair": ["and then?"]},
        {"text_pair": ["and " * 99], "truncation": "only_second", "max_length": 90},
    ],
)
def test_requests_beyond_splicing_get_the_spelled_text(kwargs):
    tokenizer = TOKENIZERS["bos_eos"]
    if kwargs.get("max_length") == 2:
        tokenizer = TOKENIZERS["bos"]
    assert_same(tokenize(tokenizer, VIDEO, kwargs), dict(spelled_ids(tokenizer, VIDEO, kwargs)))


def test_ragged_tensors_are_refused_in_the_tokenizers_own_words():
    prompts = [*VIDEO, ["short"]]
    with pytest.raises(ValueError, match="padding"):
        tokenize(PLAIN, prompts, {"return_tensors": "pt"})


def test_a_pad_swallowed_by_the_text_before_it_is_noticed(monkeypatch):
    tokenizer = TOKENIZERS["swallowing"]
    prompts = [["x", prompt.image_placeholder(3), " z"]]
    expected = spelled_ids(tokenizer, prompts, {})
    assert expected["input_ids"][0].count(tokenizer.convert_tokens_to_ids(TOKENS.image)) == 2
    assert_same(tokenize(tokenizer, prompts, {}), expected)
