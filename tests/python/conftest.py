"""Provide clips, folders and processes that several test files use, and mark groups of tests."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from keye_vl_rs import _core
from support.cli import copy_videos
from support.clips import Clip
from support.fresh_python import fresh_python

KERNELS = (
    *("frame_similarity", "hsv_from_rgb", "resize", "slow_fast", "write_patches"),
    *("FrameComparer", "ImageBands", "SlowFastSplitter"),
)


def pytest_collection_modifyitems(items):
    """Run tests that call no kernel only once."""
    for item in items:
        if item.get_closest_marker("without_pixels") is not None:
            item.add_marker(pytest.mark.one_level)


@pytest.fixture(autouse=True)
def _no_kernels(request, monkeypatch):
    """Make kernels raise in tests that claim to call none."""
    if request.node.get_closest_marker("without_pixels") is not None:
        for name in KERNELS:
            monkeypatch.setattr(_core, name, _refuse)


def _refuse(*args, **kwargs):
    raise AssertionError(
        "this test calls a kernel: mark its file one_level instead of without_pixels"
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="session")
def h264(folder):
    return Clip("plain.mp4", options={"x264-params": "keyint=15"}).write(folder)


@pytest.fixture(scope="session")
def short(tmp_path_factory):
    """Return a clip of two seconds at 25 frames per second."""
    return Clip("short.mp4", count=50).write(tmp_path_factory.mktemp("short"))


@pytest.fixture(scope="session")
def short_name(short):
    return str(short)


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    return Clip("clip.mp4", count=30).write(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def png(tmp_path):
    """Return an image of 60x50 pixels."""
    path = tmp_path / "image.png"
    Image.new("RGB", (60, 50)).save(path)
    return path


@pytest.fixture
def videos(tmp_path, clip, monkeypatch):
    """Return a working folder with a few videos in it."""
    copy_videos(clip, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def one_thread_of_torch():
    """Use one thread: on the published code's small tensors, threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def run_python():
    """Return a function that runs code in a process which has called no compiled function yet."""
    with fresh_python() as run:
        yield run
