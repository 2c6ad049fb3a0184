"""Test enable() with keye_vl_utils 1.0.0, the release of Keye-VL-8B-Preview."""

from __future__ import annotations

import sys

import keye_vl_utils
import pytest
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


def test_files_stay_within_the_allowed_folders(clips, tmp_path, monkeypatch):
    """Replaced readers are not carried over: theirs know neither limits nor allow-lists."""
    from keye_vl_rs.errors import LimitError, SourceNotAllowedError

    video = {"type": "video", "video": str(clips["short"]), "nframes": 2}
    messages = [{"role": "user", "content": [video]}]
    calls = {
        "fetch_video": lambda: keye_vl_utils.fetch_video(dict(video)),
        "process_vision_info": lambda: keye_vl_utils.process_vision_info(messages),
        "module": lambda: sys.modules["keye_vl_utils.vision_process"].fetch_video(dict(video)),
    }
    keye_vl_rs.enable()
    try:
        assert ours.VIDEO_READER_BACKENDS is not published.VIDEO_READER_BACKENDS
        for call in calls.values():
            monkeypatch.setenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH", str(tmp_path))
            with pytest.raises(SourceNotAllowedError, match="KEYE_VL_RS_ALLOWED_MEDIA_PATH"):
                call()
            monkeypatch.delenv("KEYE_VL_RS_ALLOWED_MEDIA_PATH")
            monkeypatch.setenv("KEYE_VL_RS_MAX_FRAMES", "1")
            with pytest.raises(LimitError, match="frames"):
                call()
            monkeypatch.delenv("KEYE_VL_RS_MAX_FRAMES")
            call()
    finally:
        keye_vl_rs.disable()
