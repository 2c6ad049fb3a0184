"""Run vLLM's multi-modal processing of one prompt, with a given processor."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch
from vllm.multimodal import MULTIMODAL_REGISTRY
from vllm.transformers_utils import processor as vllm_processor
from vllm.transformers_utils import processors

from keye_vl_rs.hosts import vllm as plugin

VISION = {
    "image": "<|vision_start|><|image_pad|><|vision_end|>",
    "video": "<|vision_start|><|video_pad|><|vision_end|>",
}


def process(model_config, data, about):
    """Return the class of the processor, and the result of vLLM's processing."""
    processor = MULTIMODAL_REGISTRY.create_processor(model_config)
    counts = {kind: len(v) if isinstance(v, list) else 1 for kind, v in data.items()}
    prompt = "".join(VISION[kind] * count for kind, count in counts.items()) + "What happens?"
    items = processor.info.parse_mm_data(data)
    made = processor(prompt, mm_items=items, hf_processor_mm_kwargs=about)
    return type(processor.info.get_hf_processor()), made


@contextmanager
def processor_of(used):
    """Return the processor that vLLM finds for a checkpoint: its own, or ours by the plugin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processors, "_CLASS_TO_MODULE", dict(processors._CLASS_TO_MODULE))
        if used == "ours":
            plugin.register()
            plugin.register()
        vllm_processor.cached_get_processor.cache_clear()
        yield
    vllm_processor.cached_get_processor.cache_clear()


def assert_same(ours, published, where="result"):
    assert type(ours) is type(published), where
    if isinstance(published, torch.Tensor):
        assert ours.dtype == published.dtype, where
        assert torch.equal(ours, published), where
    elif isinstance(published, dict):
        assert list(ours) == list(published), where
        for key, value in published.items():
            assert_same(ours[key], value, f"{where}[{key!r}]")
    elif isinstance(published, (list, tuple)):
        assert len(ours) == len(published), where
        for index, value in enumerate(published):
            assert_same(ours[index], value, f"{where}[{index}]")
    elif hasattr(published, "__dataclass_fields__"):
        for name in published.__dataclass_fields__:
            assert_same(getattr(ours, name), getattr(published, name), f"{where}.{name}")
    else:
        assert ours == published, where
