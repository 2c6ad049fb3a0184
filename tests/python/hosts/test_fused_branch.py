"""Test settings that a published processor's fused branch drops, after ``enable()``."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch
from transformers.processing_utils import ProcessorMixin

import keye_vl_rs
from support.checkpoint import CODE
from support.processor import TEXT, TOKENIZER, assert_bits, clip, joined, video_kwargs

TYPES = [0, 1, 1, 0, 1]
VIDEO, ABOUT = clip(5, 60, 80), joined(video_kwargs(TYPES))
CHOSEN = {name: ABOUT[name] for name in ("frame_types", "timestamps")}
SETTINGS = {
    "do_rescale": {"do_rescale": False},
    "do_normalize": {"do_normalize": False},
    "image_mean": {"image_mean": [0.1, 0.2, 0.3]},
    "image_std": {"image_std": [0.3, 0.2, 0.1]},
    "rescale_factor": {"rescale_factor": 1 / 127},
    "resample": {"resample": 3},
    "size": {"size": {"height": 84, "width": 112}},
}


def load(name):
    """Import the stand-in for a file of the checkpoint anew."""
    spec = importlib.util.spec_from_file_location(name, CODE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_processor(monkeypatch):
    # As transformers registers modules of remote code.
    module = load("processing_keye_vl_1_5")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    images = load("image_processing_keye_vl_1_5").KeyeVL1_5ImageProcessor()
    return module.KeyeVL1_5Processor(images, TOKENIZER)


@pytest.fixture
def own_path(monkeypatch):
    """Return the processor without an operator."""
    made = make_processor(monkeypatch)
    assert made.enable_fusion_op is False
    return made


@pytest.fixture
def fused(own_path, monkeypatch):
    keye_vl_rs.enable()
    made = make_processor(monkeypatch)
    assert made.enable_fusion_op is True
    yield made
    keye_vl_rs.disable()


def call(processor, video=VIDEO, **kwargs):
    return processor(text=TEXT, videos=[video], return_tensors="pt", **kwargs)


@pytest.mark.parametrize("about", [ABOUT, CHOSEN], ids=["given", "chosen"])
@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_a_call_are_obeyed(name, about, own_path, fused):
    usual = call(fused, **about)
    expected = call(own_path, **about, **SETTINGS[name])
    assert_bits(call(fused, **about, **SETTINGS[name]), expected)
    # In the next call the operator is back.
    assert_bits(call(fused, **about), usual)
    assert fused.enable_fusion_op is True


def test_the_settings_matter(own_path):
    for name, setting in SETTINGS.items():
        made, usual = (
            call(own_path, **CHOSEN, **more)["pixel_values_videos"] for more in (setting, {})
        )
        assert made.shape != usual.shape or not torch.equal(made, usual), name


@pytest.mark.parametrize("about", [ABOUT, CHOSEN], ids=["given", "chosen"])
def test_the_operator_is_used_otherwise(about, own_path, fused, monkeypatch):
    calls = []
    interp = keye_vl_rs.BicubicVideoProcessor.interp
    monkeypatch.setattr(
        keye_vl_rs.BicubicVideoProcessor,
        "interp",
        lambda *args, **kwargs: calls.append(args) or interp(*args, **kwargs),
    )
    assert_bits(call(fused, **about), call(own_path, **about))
    assert len(calls) == 2
    call(fused, **about, do_rescale=False)
    assert len(calls) == 2


@pytest.mark.parametrize("as_array", [True, False], ids=["array", "tensor"])
def test_channels_last(as_array, own_path, fused):
    last = VIDEO.permute(0, 2, 3, 1).contiguous()
    frames = np.asarray(last) if as_array else last
    assert_bits(call(fused, frames, **CHOSEN), call(own_path, frames, **CHOSEN))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("do_rescale", False),
        ("do_normalize", False),
        ("resample", 3),
        ("rescale_factor", 1 / 127.5),
    ],
)
def test_settings_of_the_image_processor_that_the_branch_does_not_pass_on(
    name, value, own_path, fused
):
    setattr(fused.image_processor, name, value)
    assert_bits(call(fused, **ABOUT), call(own_path, **ABOUT))
    assert fused.enable_fusion_op is False


def test_settings_that_were_copied_when_the_processor_was_made(fused):
    fused.image_mean = list(fused.image_processor.image_mean)
    call(fused, **ABOUT)
    assert fused.enable_fusion_op is True
    fused.image_processor.image_mean = 0.5
    call(fused, **ABOUT)
    assert fused.enable_fusion_op is False


def test_taken_back(fused):
    before = fused.enable_fusion_op
    call(fused, **CHOSEN, do_rescale=False)
    assert fused.enable_fusion_op is False
    keye_vl_rs.disable()
    assert fused.enable_fusion_op is before is True
    assert "enable_fusion_op" not in vars(type(fused))
    assert not hasattr(ProcessorMixin._merge_kwargs, "__wrapped__")
