"""Test the arguments of a batch: wrong ones, and that all reach the single calls."""

from __future__ import annotations

import inspect
import io

import pytest

from keye_vl_rs import Limits, VideoDataset, preprocess_video, preprocess_videos
from keye_vl_rs._preprocess import VideoCall
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
        ({"sources": io.BytesIO(b"abc")}, "sources is <_io.BytesIO object .*>: expected a list"),
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


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"fps": -1}, "fps is -1"),
        ({"num_frames": 0}, "num_frames is 0"),
        ({"num_frames": 2.0}, "num_frames is 2.0: expected a whole number"),
        ({"max_frames": 0}, "max_frames is 0"),
        ({"total_pixels": -5}, "total_pixels is -5"),
        ({"min_frame_similarity": "much"}, "min_frame_similarity is 'much'"),
        ({"video_start": 3, "video_end": 2}, "video_start is 3, which is after video_end"),
        ({"image_mean": (1, 2)}, "image_mean"),
        ({"dtype": "int8"}, "dtype"),
        ({"threads": -1}, "threads is -1"),
        ({"buffer_bytes": -1}, "buffer_bytes is -1"),
        ({"timeout": 0}, "timeout is 0"),
        ({"on_error": "ignore"}, "on_error is 'ignore'"),
        ({"timestamps": "real"}, "timestamps is 'real'"),
        ({"limits": 3}, "limits is of type int"),
    ],
)
@pytest.mark.parametrize("make", [preprocess_videos, VideoDataset])
def test_what_is_wrong_for_every_video_is_an_error_at_once(make, given, text, paths):
    with pytest.raises(InvalidArgumentError, match=text):
        make(paths, **given)


OTHER = {
    **{"fps": 5.0, "max_frames": 6, "num_frames": 4, "min_pixels": 40_000, "max_pixels": 90_000},
    **{"total_pixels": 300_000, "min_frame_similarity": 0.5, "video_start": 0.2, "video_end": 0.9},
    **{"image_mean": (0.1, 0.2, 0.3), "image_std": (0.4, 0.5, 0.6), "dtype": "bfloat16"},
    **{"threads": 3, "buffer_bytes": 1000, "timeout": 90.0, "on_error": "partial"},
    **{"timestamps": "presentation", "limits": Limits(frames=100)},
}


def calls_of(monkeypatch, function):
    """Return the checked arguments of the calls that ``function`` makes."""
    seen, run = [], VideoCall.run

    def spy(self, source, **options):
        seen.append(self)
        return run(self, source, **options)

    with monkeypatch.context() as patch:
        patch.setattr(VideoCall, "run", spy)
        function()
    return seen


@pytest.mark.parametrize("make", [preprocess_videos, VideoDataset])
def test_all_options_arrive(make, paths, monkeypatch):
    """Each option has the default of preprocess_video, and the same effect."""
    own = {"sources", "workers", "ordered", "errors"}
    given = inspect.signature(make).parameters
    plain = inspect.signature(preprocess_video).parameters
    assert {"cancel", "progress"} & given.keys() in (set(), {"cancel", "progress"})
    options = given.keys() - own - {"cancel", "progress"}
    assert options == plain.keys() - {"source", "cancel", "progress"}
    assert options == OTHER.keys()
    for name in options:
        assert given[name].default == plain[name].default, name
    for name, value in OTHER.items():
        (batch,) = calls_of(monkeypatch, lambda n=name, v=value: list(make(paths, **{n: v})))
        (single,) = calls_of(
            monkeypatch, lambda n=name, v=value: preprocess_video(paths[0], **{n: v})
        )
        assert batch == single, name
