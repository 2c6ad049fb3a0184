"""Provide damaged clips."""

from __future__ import annotations

import pytest

from keye_vl_rs._sampling.video import sample_video
from support.clips import every, pixels
from support.damaged_clips import REPORTED, spoil


@pytest.fixture(scope="module", params=REPORTED, ids=lambda clip: clip.name)
def damaged(request, folder, tmp_path_factory):
    path = request.param.write(folder)
    target = tmp_path_factory.mktemp("damaged") / path.name
    place = spoil(path, target)
    return target, place, pixels(sample_video(path, every))
