"""Test the arguments of a batch: wrong ones, and that all reach the single calls."""

from __future__ import annotations

import inspect

import pytest

from keye_vl_rs import preprocess_video, preprocess_videos
from keye_vl_rs.batch import videos as batch_videos
from keye_vl_rs.errors import InvalidArgumentError

pytestmark = pytest.mark.one_level


@pytest.fixture
def paths(clip):
    return [clip]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"sources": "clip.mp4"}, "sources is 'clip.mp4': expected a list"),
        ({"sources": b"abc"}, "sources is b'abc': expected a list"),
        ({"sources": {"base64": "x"}}, "sources is {'base64': 'x'}: expected a list"),
        ({"sources": 3}, "sources is 3: expected a list"),
        ({"workers": 0}, "workers is 0: expected a positive number"),
        ({"workers": 1.5}, "workers is 1.5: expected a whole number"),
        ({"errors": "ignore"}, "errors is 'ignore': expected 'return' or 'raise'"),
        ({"errors": []}, "errors is \\[\\]: expected 'return' or 'raise'"),
        ({"progress": 1}, "progress is 1: expected a function"),
        ({"cancel": True}, "cancel is True: expected an object with is_set"),
        ({"timeout": -1}, "timeout is -1"),
    ],
)
def test_wrong_arguments_are_errors_at_once(given, text, paths):
    with pytest.raises(InvalidArgumentError, match=text):
        preprocess_videos(**{"sources": paths, **given})


def test_all_options_arrive(paths, monkeypatch):
    """Each argument is passed to preprocess_video under its name."""
    seen = []

    def preprocess(source, **options):
        seen.append(options)
        return preprocess_video(source, **options)

    monkeypatch.setattr(batch_videos, "preprocess_video", preprocess)
    own = {"sources", "workers", "ordered", "errors", "progress", "cancel"}
    given = inspect.signature(preprocess_videos).parameters
    names = set(inspect.signature(preprocess_video).parameters) - {"source"}
    list(preprocess_videos(paths[:1]))
    renamed = {"num_frames": "nframes", "total_pixels": "video_total_pixels"}
    assert {renamed.get(name, name) for name in given.keys() - own} | {"progress"} == set(seen[0])
    assert names - {"cancel"} == set(seen[0])
    defaults = inspect.signature(preprocess_video).parameters
    for name in given.keys() - own:
        assert given[name].default == defaults[renamed.get(name, name)].default, name
