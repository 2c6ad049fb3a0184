"""Provide a clip for messages, and warnings that appear in every test."""

from __future__ import annotations

import pytest

from keye_vl_rs._util.warn_once import reset_warnings
from support.clips import Clip


@pytest.fixture(scope="module")
def clip(folder):
    return str(Clip("options.mp4", count=60, width=84, height=56).write(folder))


@pytest.fixture
def warnings_anew():
    """Warnings appear once per process, in which other tests run too."""
    reset_warnings()
    yield
    reset_warnings()
