"""Test the video processor, alone and as a part of the processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers.video_processing_utils import BaseVideoProcessor

from keye_vl_rs import KeyeVL1_5VideoProcessor
from keye_vl_rs._slow_fast.video_arguments import VIDEO_KWARGS
from keye_vl_rs.errors import FrameTypesError, InvalidArgumentError
from keye_vl_rs.processors.image_processor import KeyeVL1_5ImageProcessor
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from keye_vl_rs.processors.video_processor import KeyeVL1_5VideosKwargs
from oracle.published_processor import published_call
from support.processor import PROCESSOR, TEXT, TOKENIZER, assert_bits, clip, joined, video_kwargs

OUTPUTS = ["pixel_values_videos", "video_grid_thw", "num_frames"]
HALVES = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}


def test_same_as_the_processor():
    videos = [clip(5, 60, 80), clip(3, 90, 70, seed=1)]
    about = joined(video_kwargs([0, 1, 1, 0, 1]), video_kwargs([0, 0, 0], slow=(56, 56)))
    whole = PROCESSOR(text=TEXT * 2, videos=videos, return_tensors="pt", **about)
    made = KeyeVL1_5VideoProcessor()(videos, return_tensors="pt", **about)
    assert_bits(made, {name: whole[name] for name in OUTPUTS})
    arrays = KeyeVL1_5VideoProcessor()(videos, **about)
    for name in OUTPUTS:
        assert isinstance(arrays[name], np.ndarray)
        assert np.array_equal(arrays[name], whole[name].numpy())


def test_settings_of_a_call_and_of_the_processor():
    video, about = clip(3, 60, 80), joined(video_kwargs([0, 1, 0]))
    expected = published_call(TOKENIZER, TEXT, [video], **HALVES, **about)
    expected = {name: expected[name] for name in OUTPUTS}
    assert_bits(KeyeVL1_5VideoProcessor(**HALVES)(video, return_tensors="pt", **about), expected)
    made = KeyeVL1_5VideoProcessor()(video, return_tensors="pt", **HALVES, **about)
    assert_bits(made, expected)
    halved = KeyeVL1_5VideoProcessor(**HALVES, dtype="bfloat16")(video, return_tensors="pt")
    assert halved["pixel_values_videos"].dtype == torch.bfloat16


def test_it_says_what_a_processor_does_to_videos():
    """The image processor still describes what is done to images."""
    processor = KeyeVL1_5Processor(
        KeyeVL1_5ImageProcessor(), TOKENIZER, KeyeVL1_5VideoProcessor(**HALVES)
    )
    video, about = clip(3, 60, 80), joined(video_kwargs([0, 1, 0]))
    image = np.asarray(clip(1, 60, 90)[0].permute(1, 2, 0))
    actual = processor(text=TEXT, videos=[video], return_tensors="pt", **about)
    assert_bits(actual, published_call(TOKENIZER, TEXT, [video], **HALVES, **about))
    actual = processor(text="<|image_pad|>", images=[image], return_tensors="pt")
    assert_bits(actual, published_call(TOKENIZER, "<|image_pad|>", images=[image]))


def test_save_and_load(tmp_path):
    made = KeyeVL1_5VideoProcessor(**HALVES, max_pixels=28 * 28 * 50)
    made.save_pretrained(tmp_path)
    assert (tmp_path / "video_preprocessor_config.json").exists()
    loaded = KeyeVL1_5VideoProcessor.from_pretrained(tmp_path)
    assert isinstance(loaded, BaseVideoProcessor)
    assert loaded.to_dict() == made.to_dict()
    assert loaded.to_dict()["video_processor_type"] == "KeyeVL1_5VideoProcessor"
    assert loaded.pixel_config({}) == made.pixel_config({})


def test_saved_and_loaded_with_the_processor(tmp_path):
    video = KeyeVL1_5VideoProcessor(**HALVES, max_pixels=28 * 28 * 50)
    KeyeVL1_5Processor(None, TOKENIZER, video).save_pretrained(tmp_path)
    loaded = KeyeVL1_5Processor.from_pretrained(tmp_path)
    assert type(loaded.video_processor) is KeyeVL1_5VideoProcessor
    assert loaded.video_processor.pixel_config({}) == video.pixel_config({})
    assert loaded.image_processor.pixel_config({}) != video.pixel_config({})


def test_what_it_refuses():
    processor = KeyeVL1_5VideoProcessor()
    with pytest.raises(InvalidArgumentError, match="do_magic: not among"):
        processor(clip(2, 56, 56), do_magic=True)
    with pytest.raises(FrameTypesError, match="frame_types of video 0 has 3 entries for 2"):
        processor(clip(2, 56, 56), frame_types=[0, 0, 1])
    with pytest.raises(InvalidArgumentError, match="temporal_patch_size is 2"):
        KeyeVL1_5VideoProcessor(temporal_patch_size=2)


def test_the_arguments_that_describe_videos_are_among_the_keyword_arguments():
    """transformers reads them as objects, not as the strings of postponed annotations."""
    annotations = KeyeVL1_5VideosKwargs.__annotations__
    assert {annotations[name] for name in VIDEO_KWARGS} == {Any}
    assert set(VIDEO_KWARGS) < set(annotations)
