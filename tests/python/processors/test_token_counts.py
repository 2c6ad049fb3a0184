"""Test that processors say how many vision tokens images and videos of some sizes have."""

from __future__ import annotations

import pytest
from transformers.processing_utils import ProcessorMixin

from keye_vl_rs import preprocess_video, preview, probe_video
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.processors.processor import KeyeVL1_5Processor
from support.clips import Clip
from support.processor import TOKENIZER

pytestmark = pytest.mark.one_level

PROCESSOR = KeyeVL1_5Processor(None, TOKENIZER)
SIZES = [(1, 60, 90), (2, 360, 640), (30, 1080, 1920), (500, 720, 1280), (7, 90, 400)]


def tokens(processor, *sizes, **kwargs):
    return processor._get_num_multimodal_tokens(video_sizes=sizes, **kwargs)["num_video_tokens"]


@pytest.mark.parametrize("threshold", [0.0, 0.9, 1.1])
def test_videos_have_at_most_that_many(threshold, folder):
    path = Clip("counted.mp4", width=320, height=240, count=40).write(folder)
    (most,) = tokens(PROCESSOR, (40, 240, 320))
    inputs = preprocess_video(path, num_frames=40, min_frame_similarity=threshold)
    assert inputs.tokens <= most == probe_video(path, num_frames=40).max_tokens
    if threshold > 1:
        assert inputs.tokens == most


def test_limits_of_the_call(folder):
    path = Clip("counted.mp4", width=320, height=240, count=40).write(folder)
    (most,) = tokens(PROCESSOR, (5, 240, 320), max_pixels=60 * 784)
    assert most == probe_video(path, num_frames=5, max_pixels=60 * 784).max_tokens


def test_images_and_videos_of_one_call():
    both = PROCESSOR._get_num_multimodal_tokens(image_sizes=[(60, 90)], video_sizes=SIZES)
    images = PROCESSOR._get_num_multimodal_tokens(image_sizes=[(60, 90)])
    assert both["num_image_tokens"] == images["num_image_tokens"]
    assert both["num_video_tokens"] == tokens(PROCESSOR, *SIZES)
    assert len(both["num_video_tokens"]) == len(SIZES)
    assert "num_video_tokens" not in images


def test_other_sizes_of_patches():
    (plain,) = tokens(PROCESSOR, (10, 360, 640))
    (merged,) = tokens(PROCESSOR, (10, 360, 640), merge_size=1)
    assert merged == 4 * plain


def test_videos_of_the_preview(folder):
    path = Clip("counted.mp4", width=320, height=240, count=40).write(folder)
    processor = preview.KeyeProcessor(None, TOKENIZER)
    for count in (2, 8, 40):
        message = [
            {"role": "user", "content": [{"type": "video", "video": str(path), "nframes": count}]}
        ]
        _, videos = preview.process_vision_info(message)
        out = processor(text="<|video_pad|>", videos=videos)
        grid = out["video_grid_thw"].prod(-1).tolist()
        assert tokens(processor, (count, 240, 320)) == [patches // 4 for patches in grid]


@pytest.mark.parametrize("size", [(0, 60, 90), (1.5, 60, 90), (2, 0, 90), (2, 60, 90_000)], ids=str)
def test_videos_that_there_are_not(size):
    with pytest.raises(InvalidArgumentError):
        tokens(PROCESSOR, size)


def test_nothing_is_asked():
    assert isinstance(PROCESSOR, ProcessorMixin)
    assert "num_video_tokens" not in PROCESSOR._get_num_multimodal_tokens()
