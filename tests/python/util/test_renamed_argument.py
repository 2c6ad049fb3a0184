"""Test that renamed arguments are accepted by their old names, with a warning."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

from keye_vl_rs import KeyeVL1_5ImageProcessor, VideoSettings
from keye_vl_rs._patches.pixel_config import PixelConfig

pytestmark = pytest.mark.one_level


def test_of_a_class_method():
    expected = VideoSettings.of(PixelConfig(resample=2))
    text = r"'recipe' of VideoSettings.of\(\) is now called 'config'"
    with pytest.warns(DeprecationWarning, match=text) as caught:
        assert VideoSettings.of(recipe=PixelConfig(resample=2)) == expected
    assert [one.filename for one in caught] == [__file__]


def test_of_a_method():
    processor = KeyeVL1_5ImageProcessor()
    frames, config = np.full((2, 3, 56, 56), 7, np.uint8), processor.pixel_config({})
    expected = processor.patches(frames, config=config)
    with pytest.warns(DeprecationWarning, match="'recipe' of .*patches"):
        assert processor.patches(frames, recipe=config).equal(expected)


def test_the_new_name_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert VideoSettings.of(config=PixelConfig()) == VideoSettings.of(PixelConfig())


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {"config": PixelConfig()}), ((PixelConfig(),), {})]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_both_names_are_an_error(args, kwargs):
    with pytest.raises(TypeError, match="'config'"):
        VideoSettings.of(*args, recipe=PixelConfig(), **kwargs)


def test_the_signature_has_the_new_name():
    assert list(inspect.signature(VideoSettings.of).parameters) == ["config"]
