"""Test enable() and disable(): what keye_vl_utils contains, and that it is restored."""

from __future__ import annotations

import importlib.metadata
import logging
import subprocess
import sys

import keye_vl_utils
import pytest
from keye_vl_utils import vision_process as published

import keye_vl_rs
from keye_vl_rs import vision_process as ours
from keye_vl_rs.errors import InvalidArgumentError
from keye_vl_rs.hosts.switch import switched_off

pytestmark = pytest.mark.one_level

OPERATORS = ("BicubicVideoProcessor", "BicubicVideoFusionOpProcessor")
FUNCTIONS = ("extract_vision_info", "fetch_image", "fetch_video", "process_vision_info")


@pytest.fixture(autouse=True)
def back_to_what_it_was():
    before, drop_in = dict(vars(keye_vl_utils)), dict(vars(ours))
    yield
    keye_vl_rs.disable()
    assert vars(keye_vl_utils) == before
    assert sys.modules["keye_vl_utils.vision_process"] is published
    assert vars(ours) == drop_in


def test_what_stands_there():
    assert keye_vl_rs.enable() is True
    assert keye_vl_rs.enable() is True
    for name in FUNCTIONS:
        assert getattr(keye_vl_utils, name) is getattr(ours, name)
    for name in OPERATORS:
        assert type(getattr(keye_vl_utils, name)()) is getattr(keye_vl_rs, name)
        assert getattr(keye_vl_utils, name)().resample == "bilinear"
    from keye_vl_utils import vision_process

    assert vision_process is ours
    assert importlib.import_module("keye_vl_utils.vision_process") is ours


def test_bicubic_on_request_and_back():
    keye_vl_rs.enable(resample="bicubic")
    for name in OPERATORS:
        assert getattr(keye_vl_utils, name)().resample == "bicubic"
    keye_vl_rs.enable()
    assert keye_vl_utils.BicubicVideoProcessor().resample == "bilinear"
    with pytest.raises(InvalidArgumentError, match="resample is 'nearest'"):
        keye_vl_rs.enable(resample="nearest")


def test_constants_that_were_set_before(monkeypatch):
    usual = ours.VIDEO_MAX_PIXELS
    monkeypatch.setattr(published, "VIDEO_MAX_PIXELS", 100 * 28 * 28)
    keye_vl_rs.enable()
    assert ours.VIDEO_MAX_PIXELS == 100 * 28 * 28
    keye_vl_rs.disable()
    assert usual == ours.VIDEO_MAX_PIXELS


def test_constants_and_functions_that_are_set_later(monkeypatch):
    keye_vl_rs.enable()
    monkeypatch.setattr(keye_vl_utils.vision_process, "FPS", 1.0)
    assert ours.smart_nframes({}, 100, 10.0) == 10
    asked = []

    def read(ele):
        asked.append(ele["video"])
        raise LookupError

    monkeypatch.setattr(keye_vl_utils.vision_process, "_read_video_decord", read)
    with pytest.raises(LookupError):
        keye_vl_utils.fetch_video({"video": "somewhere.mp4"})
    assert asked == ["somewhere.mp4"]
    monkeypatch.undo()


def test_functions_that_were_replaced_before_stay(monkeypatch, caplog):
    monkeypatch.setattr(published, "_read_video_decord", lambda ele: None)
    keye_vl_rs.enable()
    assert keye_vl_utils.process_vision_info is published.process_vision_info
    assert keye_vl_utils.BicubicVideoProcessor is keye_vl_rs.BicubicVideoProcessor
    assert "the program has replaced _read_video_decord" in caplog.text
    keye_vl_rs.disable()
    monkeypatch.undo()


def test_a_release_that_was_not_tried(monkeypatch, caplog):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "9.0")
    keye_vl_rs.enable()
    assert keye_vl_utils.process_vision_info is published.process_vision_info
    assert keye_vl_utils.BicubicVideoProcessor is keye_vl_rs.BicubicVideoProcessor
    assert "keye-vl-utils 9.0 is left unpatched" in caplog.text
    assert "1.5.2" in caplog.text


def test_switched_off_by_the_environment(monkeypatch, caplog):
    before = dict(vars(keye_vl_utils))
    monkeypatch.setenv("KEYE_VL_RS", "0")
    with caplog.at_level(logging.INFO):
        assert keye_vl_rs.enable() is False
    assert "KEYE_VL_RS is 0" in caplog.text
    assert vars(keye_vl_utils) == before
    monkeypatch.delenv("KEYE_VL_RS")
    monkeypatch.setenv("ENABLE_FUSION_PROCESSOR_OP", "0")
    assert keye_vl_rs.enable() is True
    assert keye_vl_utils.process_vision_info is ours.process_vision_info
    assert not hasattr(keye_vl_utils, "BicubicVideoProcessor")
    monkeypatch.setenv("KEYE_VL_RS_VLLM", "0")
    assert (switched_off(), switched_off("vllm"), switched_off("sglang")) == (False, True, False)


def test_nothing_is_imported_by_it():
    code = """
import sys
import keye_vl_rs
keye_vl_rs.enable()
slow = {"torch", "transformers", "av", "PIL", "keye_vl_utils"}
slow = (slow | {"httpx", "urllib.request"}) & set(sys.modules)
assert not slow, slow
keye_vl_rs.disable()
assert all("keye_vl_rs.hosts" not in type(finder).__module__ for finder in sys.meta_path)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
