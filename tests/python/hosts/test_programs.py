"""Test programs written for keye_vl_utils and AutoProcessor, changed in one line only."""

from __future__ import annotations

import numpy as np
import pytest
import transformers

from support.checkpoint import FORMS, make_checkpoint
from support.clips import Clip, decord
from support.program import run_program

pytestmark = pytest.mark.one_level

decord()

FROM_5_5 = tuple(map(int, transformers.__version__.split(".")[:2])) >= (5, 5)
PROGRAM = """
from transformers import AutoProcessor
from keye_vl_utils import process_vision_info

processor = AutoProcessor.from_pretrained({folder!r}, trust_remote_code=True)
messages = [{{"role": "user", "content": [
    {{"type": "image", "image": {image!r}}},
    {{"type": "video", "video": {cuts!r}, "fps": 4.0}},
    {{"type": "video", "video": {still!r}, "fps": 4.0}},
    {{"type": "text", "text": "What happens?"}},
]}}]
text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
image_inputs, video_inputs, kwargs = process_vision_info(messages)
inputs = processor(
    text=[text], images=image_inputs, videos=video_inputs, padding=True, return_tensors="pt",
    **kwargs,
)
used = [type(processor).__module__.split(".")[0], process_vision_info.__module__.split(".")[0]]
fused = getattr(processor, "enable_fusion_op", None)
"""
ENABLE = "import keye_vl_rs\nkeye_vl_rs.enable()\n"
OUTPUTS = [
    *("input_ids", "attention_mask", "pixel_values", "image_grid_thw"),
    *("pixel_values_videos", "video_grid_thw", "num_frames"),
]


@pytest.fixture(scope="module", params=FORMS)
def form(request):
    return request.param


@pytest.fixture(scope="module")
def program(form, tmp_path_factory):
    folder = tmp_path_factory.mktemp("program")
    from PIL import Image

    from support.clips import picture

    Image.fromarray(picture(300, 200, 3)).save(folder / "image.png")
    return PROGRAM.format(
        folder=str(make_checkpoint(folder / "checkpoint", form)),
        image=str(folder / "image.png"),
        cuts=str(Clip("cuts.mp4", count=50, width=320, height=192).write(folder)),
        still=str(Clip("still.mp4", count=8, width=192, height=320).write(folder)),
    )


@pytest.fixture(scope="module")
def published(program, tmp_path_factory):
    made = run(program, tmp_path_factory)
    assert made["used"] == ["transformers_modules", "keye_vl_utils"]
    assert made["fused"] is False
    assert list(made["inputs"]) == OUTPUTS
    return made["inputs"]


def run(code, tmp_path_factory, **environment):
    # The folder to which transformers copies a checkpoint's code; one per process, so that they can
    # run at the same time.
    modules = tmp_path_factory.mktemp("modules")
    environment = {"HF_MODULES_CACHE": str(modules), "HF_HUB_OFFLINE": "1", **environment}
    return run_program(code, ("inputs", "used", "fused"), **environment)


def assert_same(inputs, expected):
    assert list(inputs) == list(expected)
    for name, value in expected.items():
        assert inputs[name].dtype == value.dtype, name
        assert np.array_equal(inputs[name], value), name


def test_the_frames_are_of_both_kinds(published):
    assert len(set(map(tuple, published["video_grid_thw"][:, 1:].tolist()))) >= 3
    assert published["num_frames"].tolist() == [8, 1]


def test_one_call_of_enable(form, program, published, tmp_path_factory):
    made = run(ENABLE + program, tmp_path_factory)
    ours = "keye_vl_rs" if FROM_5_5 else "transformers_modules"
    assert made["used"] == [ours, "keye_vl_rs"]
    assert made["fused"] is (None if FROM_5_5 else True)
    if FROM_5_5 and form == FORMS[1]:
        # Our whole processor gives the bits of the earlier form.
        pixels = made["inputs"].pop("pixel_values_videos")
        published = dict(published)
        assert 0 < np.abs(pixels - published.pop("pixel_values_videos")).max() < 2.4e-7
    assert_same(made["inputs"], published)


@pytest.mark.parametrize("form", FORMS[:1], indirect=True)
def test_enable_behind_the_imports(program, published, tmp_path_factory):
    lines = program.split("\n")
    code = "\n".join([*lines[:3], ENABLE, *lines[3:]])
    made = run(code, tmp_path_factory)
    assert made["used"][1] == "keye_vl_utils"
    assert made["fused"] is (None if FROM_5_5 else True)
    assert_same(made["inputs"], published)


@pytest.mark.parametrize("form", FORMS[:1], indirect=True)
def test_one_import(program, published, tmp_path_factory):
    code = program.replace("from keye_vl_utils import", "from keye_vl_rs import")
    made = run(code, tmp_path_factory)
    assert made["used"] == ["transformers_modules", "keye_vl_rs"]
    assert_same(made["inputs"], published)


@pytest.mark.parametrize("form", FORMS[:1], indirect=True)
def test_both_imports(program, published, tmp_path_factory):
    code = program.replace("from keye_vl_utils import", "from keye_vl_rs import").replace(
        "from transformers import AutoProcessor",
        "from keye_vl_rs import KeyeVL1_5Processor as AutoProcessor",
    )
    made = run(code, tmp_path_factory)
    assert made["used"] == ["keye_vl_rs", "keye_vl_rs"]
    assert_same(made["inputs"], published)


@pytest.mark.skipif(FROM_5_5, reason="there ours is what is loaded")
@pytest.mark.parametrize("form", FORMS[:1], indirect=True)
def test_without_remote_code(program, published, tmp_path_factory):
    made = run(ENABLE + program.replace(", trust_remote_code=True", ""), tmp_path_factory)
    assert made["used"] == ["keye_vl_rs", "keye_vl_rs"]
    assert_same(made["inputs"], published)


@pytest.mark.parametrize("form", FORMS[:1], indirect=True)
def test_switched_off(program, published, tmp_path_factory):
    made = run(ENABLE + program, tmp_path_factory, KEYE_VL_RS="0")
    assert made["used"] == ["transformers_modules", "keye_vl_utils"]
    assert made["fused"] is False
    made = run(ENABLE + program + "\nkeye_vl_rs.disable()", tmp_path_factory)
    assert_same(made["inputs"], published)


@pytest.mark.parametrize("form", FORMS[:1], indirect=True)
def test_the_operator_switched_off(program, published, tmp_path_factory):
    made = run(ENABLE + program, tmp_path_factory, ENABLE_FUSION_PROCESSOR_OP="0")
    assert made["fused"] is (None if FROM_5_5 else False)
    assert_same(made["inputs"], published)
