"""Test how the cores are shared among videos in flight."""

from __future__ import annotations

import pytest

from keye_vl_rs.batch.threads import share_threads

pytestmark = pytest.mark.without_pixels


@pytest.fixture(autouse=True)
def two_threads(monkeypatch):
    monkeypatch.setenv("KEYE_VL_UTILS_PARALLEL_NUM", "2")


@pytest.mark.parametrize(
    ("threads", "jobs", "videos", "expected"),
    [
        (None, None, 1, (1, None)),
        (None, None, 9, (2, 1)),
        (None, 1, 9, (1, None)),
        (1, None, 9, (1, 1)),
        (3, None, 9, (3, 1)),
        (8, None, 9, (4, 2)),
        (9, None, 9, (4, 2)),
        (8, None, 3, (3, 2)),
        (8, None, 1, (1, 8)),
        (8, 2, 9, (2, 4)),
        (8, 8, 9, (8, 1)),
        (2, 6, 9, (6, 1)),
        (8, None, 0, (1, 8)),
        (8, None, None, (4, 2)),
        (1, None, None, (1, 1)),
        (2, 6, None, (6, 1)),
    ],
)
def test_threads_are_shared(threads, jobs, videos, expected):
    assert share_threads(threads, jobs, videos) == expected
