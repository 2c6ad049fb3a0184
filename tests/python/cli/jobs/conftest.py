"""Provide videos that have been preprocessed."""

from __future__ import annotations

import pytest

from support.cli import call_before, leftovers, run


@pytest.fixture
def done(videos, monkeypatch):
    """Preprocess two videos; return a function that repeats it and returns the recomputed ones."""
    assert run("a.mp4", "deep/b.mp4", "-o", "out").exit_code == 0

    def again(*options, videos=("a.mp4", "deep/b.mp4")):
        names = []
        with monkeypatch.context() as patch:
            call_before(patch, lambda name, given: names.append(name))
            result = run(*videos, "-o", "out", *options)
        assert result.exit_code == 0, result.output
        assert leftovers() == []
        again.result = result
        return sorted(names)

    return again
