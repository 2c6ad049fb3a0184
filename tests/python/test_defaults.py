"""Test that all functions and commands have the defaults of the model, which are written there."""

from __future__ import annotations

import inspect

import pytest

import keye_vl_rs
from keye_vl_rs._sampling.rules import VideoRules
from keye_vl_rs.cli import commands, inspecting, probing

pytestmark = pytest.mark.one_level

PLACES = [
    keye_vl_rs.VideoDataset,
    keye_vl_rs.count_tokens,
    keye_vl_rs.inspect_video,
    keye_vl_rs.iter_frames,
    keye_vl_rs.preprocess_video,
    keye_vl_rs.preprocess_videos,
    keye_vl_rs.probe_video,
    commands.bench,
    commands.preprocess,
    inspecting.inspect,
    probing.probe,
]
WITHOUT_THRESHOLD = {keye_vl_rs.iter_frames, commands.bench}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__qualname__)
def test_defaults_are_those_of_the_model(place):
    parameters = inspect.signature(place).parameters
    rules = VideoRules()
    assert parameters["fps"].default == rules.fps
    assert ("min_frame_similarity" not in parameters) == (place in WITHOUT_THRESHOLD)
    if place not in WITHOUT_THRESHOLD:
        assert parameters["min_frame_similarity"].default == rules.min_frame_similarity


def test_no_place_is_missing():
    """Façades and processors have the constants of what they imitate instead."""
    public = [getattr(keye_vl_rs, name) for name in keye_vl_rs.__all__]
    functions = {one for one in public if inspect.isfunction(one)}
    functions |= {one.callback for one in commands.app.registered_commands}
    found = {one for one in functions if "fps" in inspect.signature(one).parameters}
    assert found == set(PLACES) - {keye_vl_rs.VideoDataset}
