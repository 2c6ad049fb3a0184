"""Test sources of videos: paths and bytes, and errors of bad ones."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from keye_vl_rs import preprocess_video, preview, process_vision_info
from keye_vl_rs._media.sources import describe_source
from keye_vl_rs._sampling.video import sample_video
from keye_vl_rs.errors import (
    EmptyMediaError,
    InvalidArgumentError,
    MediaError,
    MediaNotFoundError,
)
from support.clips import decode_all, every, pixels

pytestmark = pytest.mark.one_level


@pytest.mark.parametrize("kind", ["str", "path", "bytes", "memoryview", "url", "raw_url", "host"])
def test_sources(kind, h264, folder):
    odd = folder / "a:b c %41é.mp4"
    shutil.copy(h264, odd)
    source = {
        "str": str(odd),
        "path": odd,
        "bytes": h264.read_bytes(),
        "memoryview": memoryview(h264.read_bytes()),
        "url": odd.as_uri(),
        "raw_url": f"file://{odd}",
        "host": odd.as_uri().replace("file://", "file://localhost"),
    }[kind]
    np.testing.assert_array_equal(pixels(sample_video(source, every)), decode_all(h264))


def test_describe_source():
    assert describe_source("/a/b.mp4") == "/a/b.mp4"
    assert describe_source(Path("a.mp4")) == "a.mp4"
    assert describe_source("file:///a/b%20c.mp4") == "/a/b c.mp4"
    assert describe_source(b"1234") == "<4 bytes>"
    assert describe_source("https://u:p@[::1]:8/a/b.mp4?k=v#f") == "https://[::1]:8/a/b.mp4"
    assert describe_source("http://[::1/x") == "<malformed address>"


def test_missing_file(tmp_path, h264):
    for path in (tmp_path / "none.mp4", h264 / "below.mp4", f"file://{tmp_path}/none.mp4"):
        with pytest.raises(MediaNotFoundError, match="no such file") as caught:
            sample_video(path, every)
        assert isinstance(caught.value, FileNotFoundError)


def test_directory(tmp_path):
    with pytest.raises(MediaError, match="is a folder, not a file"):
        sample_video(tmp_path, every)


def test_device():
    with pytest.raises(MediaError, match="not a regular file"):
        sample_video(os.devnull, every)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_impossible_names(name):
    with pytest.raises(MediaError, match="cannot be read"):
        sample_video(name, every)


def test_empty(tmp_path):
    path = tmp_path / "empty.mp4"
    path.touch()
    for source in (path, b""):
        with pytest.raises(EmptyMediaError, match="empty"):
            sample_video(source, every)


@pytest.mark.parametrize("source", [None, 3, ["a.mp4"]])
def test_other_types(source):
    with pytest.raises(InvalidArgumentError, match=type(source).__name__):
        sample_video(source, every)


def test_decoded_frames_are_a_list():
    for frames in (np.zeros((2, 56, 56, 3), np.uint8), torch.zeros(2, 3, 56, 56)):
        for call in (
            lambda frames=frames: preprocess_video(frames),
            lambda frames=frames: process_vision_info([{"content": [{"video": frames}]}]),
            lambda frames=frames: preview.process_vision_info([{"content": [{"video": frames}]}]),
        ):
            with pytest.raises(
                InvalidArgumentError, match=r"shape \(2, .*as a list: list\(frames\)"
            ):
                call()
    with pytest.raises(InvalidArgumentError, match=r"not ndarray$"):
        preprocess_video(np.zeros((56, 56), np.uint8))
