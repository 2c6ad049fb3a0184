"""Test vLLM's own multi-modal processing, with the checkpoint's processor and with ours."""

from __future__ import annotations

import importlib.metadata

import numpy as np
import pytest
import vllm
from PIL import Image

from keye_vl_rs import KeyeVL1_5Processor, vision_process
from keye_vl_rs._util.tested_hosts import TESTED
from keye_vl_rs.hosts import vllm as plugin
from support.processor import clip, joined, video_kwargs
from support.vllm import assert_same, process, processor_of

TYPES = [0, 1, 1, 0, 1]


def image(height, width, seed):
    return Image.fromarray(clip(1, height, width, seed)[0].permute(1, 2, 0).numpy())


def loaded(video):
    """Return a video as vLLM's loaders pass it on: channels last."""
    return np.ascontiguousarray(video.permute(0, 2, 3, 1))


def video_case(types, **kwargs):
    return {"video": clip(len(types), 60, 80).numpy()}, joined(video_kwargs(types, **kwargs))


def sampled():
    """Return the result of ``process_vision_info`` for frames."""
    frames = [Image.fromarray(frame) for frame in loaded(clip(8, 120, 160))]
    ele = {"type": "video", "video": frames, "fps": 2.0}
    _, (video,), about = vision_process.process_vision_info([{"role": "user", "content": [ele]}])
    return {"video": video}, dict(about)


CASES = {
    "slow and fast": video_case(TYPES),
    "all slow": video_case([0, 0, 0], slow=(56, 84)),
    "one frame": video_case([0]),
    "no sizes": (
        {"video": clip(3, 60, 80).numpy()},
        {name: joined(video_kwargs([0, 1, 0]))[name] for name in ("frame_types", "timestamps")},
    ),
    "nothing said": ({"video": clip(3, 60, 80).numpy()}, {}),
    "tensor": ({"video": clip(5, 60, 80)}, joined(video_kwargs(TYPES))),
    "sampled": sampled(),
    "image": ({"image": image(90, 60, 1)}, {}),
    "images": ({"image": [image(90, 60, 1), image(300, 200, 2), image(28, 28, 3)]}, {}),
    "both": (
        {"image": [image(90, 60, 1), image(64, 200, 2)], **video_case(TYPES)[0]},
        video_case(TYPES)[1],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_field_is_equal(name, model_config):
    with processor_of("the checkpoint"):
        kind, published = process(model_config, *CASES[name])
    assert kind.__module__.startswith("transformers_modules.")
    with processor_of("ours"):
        kind, ours = process(model_config, *CASES[name])
    assert kind is KeyeVL1_5Processor
    assert set(ours) == set(published)
    assert ours["prompt_token_ids"] == published["prompt_token_ids"]
    assert ours["mm_hashes"] == published["mm_hashes"]
    assert_same(ours["mm_placeholders"], published["mm_placeholders"])
    fields = ours["mm_kwargs"].get_data(), published["mm_kwargs"].get_data()
    assert fields[0]
    assert_same(*fields)


@pytest.mark.parametrize("about", [video_case(TYPES)[1], {}], ids=["said", "nothing said"])
def test_frames_of_its_own_loaders(about, model_config):
    """With sizes given, the published processor mistakes rows for channels."""
    video = clip(len(TYPES), 60, 80)
    metadata = {"fps": 2.0, "total_num_frames": 5, "duration": 2.5, "do_sample_frames": False}
    with processor_of("ours"):
        _, expected = process(model_config, {"video": video.numpy()}, about)
        for data in (loaded(video), (loaded(video), metadata)):
            _, made = process(model_config, {"video": data}, about)
            assert made["prompt_token_ids"] == expected["prompt_token_ids"]
            assert_same(made["mm_kwargs"].get_data(), expected["mm_kwargs"].get_data())


def test_found_by_vllm_itself():
    (entry,) = [
        one
        for one in importlib.metadata.entry_points(group="vllm.general_plugins")
        if one.name == "keye_vl_rs"
    ]
    assert entry.load() is plugin.register


def test_the_release_that_is_stated():
    assert vllm.__version__ in TESTED["vllm"]
