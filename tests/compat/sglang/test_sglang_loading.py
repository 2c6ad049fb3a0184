"""Test SGLang's own loading of plugins and processors, with ours and without.

SGLang is installed without its serving dependencies. It has no Keye-VL among its own models, and
loads the processor of any checkpoint in the same way.
"""

from __future__ import annotations

import importlib.metadata

import numpy as np
import pytest

from keye_vl_rs._util.tested_hosts import TESTED
from support.checkpoint import make_checkpoint
from support.program import run_program

PROGRAM = """
from sglang.srt.plugins import load_plugins
load_plugins()
load_plugins()
from sglang.srt.utils.hf_transformers_utils import get_processor
from support.processor import clip, joined, video_kwargs

processor = get_processor({folder!r}, trust_remote_code=True)
used = type(processor).__module__.split(".")[0]
inputs = processor(
    text=["<|vision_start|><|video_pad|><|vision_end|>What?"],
    videos=[clip(5, 60, 80)],
    return_tensors="pt",
    **joined(video_kwargs([0, 1, 1, 0, 1])),
)
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return PROGRAM.format(folder=str(make_checkpoint(tmp_path_factory.mktemp("checkpoint"))))


def run(program, tmp_path, **environment):
    environment = {"HF_MODULES_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1", **environment}
    return run_program(program, ("used", "inputs"), **environment)


def test_the_same_tensors_from_ours(program, tmp_path):
    ours = run(program, tmp_path)
    published = run(program, tmp_path, KEYE_VL_RS_SGLANG="0")
    assert (ours["used"], published["used"]) == ("keye_vl_rs", "transformers_modules")
    assert list(ours["inputs"]) == list(published["inputs"])
    for name, value in published["inputs"].items():
        assert ours["inputs"][name].dtype == value.dtype, name
        assert np.array_equal(ours["inputs"][name], value), name


def test_the_release_that_is_stated():
    assert importlib.metadata.version("sglang") in TESTED["sglang"]
