"""enable() where keye_vl_utils is that of Keye-VL-8B-Preview."""

from __future__ import annotations

import sys

import keye_vl_utils
from keye_vl_utils import vision_process as published

import keye_vl_rs
from keye_vl_rs.preview import vision_process as ours

FUNCTIONS = ("extract_vision_info", "fetch_image", "fetch_video", "process_vision_info")


def test_what_stands_there_and_back(monkeypatch):
    before = dict(vars(keye_vl_utils))
    monkeypatch.setattr(published, "FPS_MAX_FRAMES", 10)
    usual = ours.FPS_MAX_FRAMES
    keye_vl_rs.enable()
    try:
        for name in FUNCTIONS:
            assert getattr(keye_vl_utils, name) is getattr(ours, name)
        assert sys.modules["keye_vl_utils.vision_process"] is ours
        assert ours.FPS_MAX_FRAMES == 10
    finally:
        keye_vl_rs.disable()
    assert vars(keye_vl_utils) == before
    assert sys.modules["keye_vl_utils.vision_process"] is published
    assert usual == ours.FPS_MAX_FRAMES
