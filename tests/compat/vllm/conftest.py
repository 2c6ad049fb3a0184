"""Run vLLM's processing of Keye-VL-1.5 without a GPU, from a small checkpoint folder."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")

# What vLLM needs to know about a model before it creates its processor.
MODEL = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 128,
    "vocab_size": 600,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "rope_scaling": {"type": "default", "mrope_section": [2, 3, 3]},
    "torch_dtype": "bfloat16",
    "vision_config": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 128,
        "image_size": 384,
        "num_channels": 3,
    },
}


@pytest.fixture(scope="session")
def model_config(tmp_path_factory):
    os.environ["HF_MODULES_CACHE"] = str(tmp_path_factory.mktemp("modules"))
    from vllm.config import ModelConfig

    from support.checkpoint import make_checkpoint

    folder = make_checkpoint(tmp_path_factory.mktemp("checkpoint"), **MODEL)
    return ModelConfig(
        model=str(folder),
        tokenizer=str(folder),
        trust_remote_code=True,
        max_model_len=32768,
        dtype="bfloat16",
        limit_mm_per_prompt={"image": 4, "video": 1},
        mm_processor_cache_gb=0,
    )
