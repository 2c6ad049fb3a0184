"""Provide the published code of Keye-VL-8B-Preview, an older release of keye_vl_utils."""

from __future__ import annotations

import importlib.metadata

import pytest
import torch

from support.clips import Clip, decord

decord()


def pytest_configure(config):
    version = importlib.metadata.version("keye-vl-utils")
    if version != "1.0.0":
        raise pytest.UsageError(
            f"keye-vl-utils is {version}: these tests need 1.0.0 (see Makefile)"
        )


@pytest.fixture(scope="session", autouse=True)
def two_threads_of_torch():
    """Fix torch's threads: the order in which it adds float32 depends on their number."""
    torch.set_num_threads(2)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    return {
        "landscape": Clip("landscape.mp4", count=60, width=320, height=180).write(folder),
        "portrait": Clip("portrait.mkv", count=33, width=240, height=426).write(folder),
        "whole tokens": Clip("tokens.mp4", count=40, width=560, height=392).write(folder),
        "short": Clip("short.mp4", count=3, width=160, height=120).write(folder),
    }
