"""Test transformers' auto classes with and without this package's registration."""

from __future__ import annotations

import importlib

import pytest
import transformers
from transformers import AutoImageProcessor, AutoProcessor, AutoVideoProcessor

import keye_vl_rs
from keye_vl_rs.hosts.transformers import AUTO_MODULES, register
from support.checkpoint import HALVES, make_checkpoint

pytestmark = pytest.mark.one_level

VERSION = tuple(map(int, transformers.__version__.split(".")[:2]))
OURS = {
    AutoProcessor: keye_vl_rs.KeyeVL1_5Processor,
    AutoImageProcessor: keye_vl_rs.KeyeVL1_5ImageProcessor,
    AutoVideoProcessor: keye_vl_rs.KeyeVL1_5VideoProcessor,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = make_checkpoint(tmp_path_factory.mktemp("checkpoint"))
    keye_vl_rs.KeyeVL1_5VideoProcessor(**HALVES).save_pretrained(folder)
    return folder


@pytest.fixture
def enabled(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    keye_vl_rs.enable()
    yield
    keye_vl_rs.disable()


@pytest.mark.usefixtures("enabled")
@pytest.mark.parametrize("auto", OURS)
def test_ours_without_remote_code(auto, folder):
    made = auto.from_pretrained(folder)
    assert type(made) is OURS[auto]


@pytest.mark.usefixtures("enabled")
@pytest.mark.skipif(VERSION < (5, 5), reason="remote code wins there")
@pytest.mark.parametrize("auto", OURS)
def test_ours_before_remote_code(auto, folder):
    made = auto.from_pretrained(folder, trust_remote_code=True)
    assert type(made) is OURS[auto]
    part = getattr(made, "image_processor", made)
    assert part.image_mean == HALVES["image_mean"]


@pytest.mark.usefixtures("enabled")
@pytest.mark.skipif(VERSION < (5, 5), reason="has no named backends")
def test_the_backend_by_name(folder):
    made = AutoImageProcessor.from_pretrained(folder, backend="rust")
    assert type(made) is OURS[AutoImageProcessor]
    if VERSION >= (5, 19):
        made = AutoVideoProcessor.from_pretrained(folder, backend="rust")
        assert type(made) is OURS[AutoVideoProcessor]


def test_taken_back(folder):
    modules = [importlib.import_module(name) for name in AUTO_MODULES]
    mappings = [
        getattr(module, name)._extra_content
        for module, name in zip(
            modules,
            ("PROCESSOR_MAPPING", "IMAGE_PROCESSOR_MAPPING", "VIDEO_PROCESSOR_MAPPING"),
            strict=True,
        )
    ]
    before = [dict(mapping) for mapping in mappings]
    keye_vl_rs.enable()
    assert [len(mapping) for mapping in mappings] == [len(one) + 1 for one in before]
    keye_vl_rs.enable()
    keye_vl_rs.disable()
    assert [dict(mapping) for mapping in mappings] == before


def test_a_release_with_other_auto_classes(monkeypatch, caplog):
    module = importlib.import_module(AUTO_MODULES[0])
    monkeypatch.setattr(module, "AutoProcessor", object())
    register(module)
    release = f"transformers {transformers.__version__}"
    assert f"cannot register the processors of keye-vl-rs with {release}" in caplog.text
    assert "tested releases are 4.52.4" in caplog.text
