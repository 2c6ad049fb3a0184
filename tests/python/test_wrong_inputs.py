"""Test that wrong inputs of public functions give errors of this package that say what to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import keye_vl_rs
from keye_vl_rs import errors, preview
from keye_vl_rs.errors import (
    InvalidArgumentError,
    MediaNotFoundError,
    SizeError,
    UnreadableMediaError,
)

MESSAGES = [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]
FRAMES = np.zeros((2, 3, 30, 30), np.uint8)
FACADES = [keye_vl_rs, preview]


@pytest.mark.parametrize("facade", FACADES)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("8", 30), "height is '8': expected a whole number of pixels, as an int"),
        ((30, 8.5), "width is 8.5: expected a whole number"),
        ((None, 30), "height is None: expected a whole number"),
        ((30, 30, "28"), "factor is '28': expected a whole number"),
        ((30, 30, 28, "x"), "min_pixels is 'x': expected a number of pixels"),
        ((30, 30, 28, 0, None), "max_pixels is None: expected a number of pixels"),
    ],
)
def test_sizes(facade, arguments, message):
    with pytest.raises(InvalidArgumentError, match=f"^{message}"):
        facade.smart_resize(*arguments)


@pytest.mark.parametrize(("size", "name"), [((0, 30), "height"), ((30, 0), "width")])
def test_a_side_of_zero(size, name):
    with pytest.raises(SizeError, match=f"^{name} is 0: expected at least 1 pixel"):
        keye_vl_rs.smart_resize(*size)


def test_sizes_as_numpy_and_torch_have_them():
    expected = keye_vl_rs.smart_resize(30, 60)
    assert keye_vl_rs.smart_resize(np.int64(30), np.int32(60)) == expected
    assert keye_vl_rs.smart_resize(torch.tensor(30), torch.tensor(60)) == expected


@pytest.mark.parametrize("facade", FACADES)
def test_counts_of_frames(facade):
    with pytest.raises(InvalidArgumentError, match=r"^ele is of type NoneType: expected a dict"):
        facade.smart_nframes(None, 10, 1.0)
    with pytest.raises(InvalidArgumentError, match=r"^total_frames is '10': expected a non-neg"):
        facade.smart_nframes({}, "10", 1.0)


def test_the_threshold_has_the_name_under_which_it_was_passed():
    with pytest.raises(InvalidArgumentError, match=r"^threshold is 'x': expected a number"):
        keye_vl_rs.extract_slow_fast_frames(FRAMES, "x")
    video = {"video": [Image.new("RGB", (30, 30))] * 2, "min_frame_similarity": "x"}
    with pytest.raises(InvalidArgumentError, match=r"^min_frame_similarity is 'x'"):
        keye_vl_rs.fetch_video(video)


@pytest.mark.parametrize("value", [5, {}, "clip.mp4"])
def test_images_and_videos_that_are_no_list(value):
    message = "^vision_infos is of type .*: expected a list of images and videos"
    with pytest.raises(InvalidArgumentError, match=message):
        keye_vl_rs.process_vision_info(vision_infos=value)


@pytest.mark.parametrize("processor", [None, "Kwai-Keye/Keye-VL-1_5-8B", object()])
def test_what_is_no_processor(processor):
    message = "^processor is .*: expected an object with apply_chat_template, such as Keye"
    with pytest.raises(InvalidArgumentError, match=message):
        keye_vl_rs.to_vllm_inputs(MESSAGES, processor)


def test_a_processor_class():
    class Processor:
        def apply_chat_template(self, messages, **kwargs):
            return ""

    with pytest.raises(InvalidArgumentError, match="processor is <class "):
        keye_vl_rs.to_vllm_inputs(MESSAGES, Processor)
    assert keye_vl_rs.to_vllm_inputs(MESSAGES, Processor()) == {"prompt": ""}


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ({"video": "clip.mp4"}, "; pass the value of its key 'video'"),
        (Image.new("RGB", (30, 30)), "; for an image, use fetch_image or KeyeVL1_5ImageProcessor"),
    ],
)
def test_sources_of_other_types(source, hint):
    with pytest.raises(InvalidArgumentError, match=f"not {type(source).__name__}{hint}"):
        keye_vl_rs.preprocess_video(source)


@pytest.mark.parametrize("path", ["missing.mp4\n", " missing.mp4"])
def test_paths_with_white_space(path):
    message = f"^{path!r}: no such file; the path starts or ends with white space".replace(
        "\\", r"\\"
    )
    with pytest.raises(MediaNotFoundError, match=message):
        keye_vl_rs.preprocess_video(path)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({}, "the image has no source: 'image' is None or missing, and there is no other key: exp"),
        (
            {"image": None, "x": 1},
            r"missing, beside the keys \['x'\]: expected one under 'image' or",
        ),
    ],
)
def test_a_part_without_a_source(part, message):
    with pytest.raises(InvalidArgumentError, match=message):
        keye_vl_rs.fetch_image(part)


def test_an_image_of_an_unknown_format():
    with pytest.raises(UnreadableMediaError) as caught:
        keye_vl_rs.fetch_image({"image": b"\1\2\3\4" * 10})
    assert str(caught.value).endswith("or is damaged: Pillow does not recognise its format")


def test_an_image_as_a_video_is_read_with_a_warning(tmp_path, caplog):
    path = tmp_path / "photo.png"
    Image.new("RGB", (60, 60)).save(path)
    assert len(keye_vl_rs.preprocess_video(path).frame_types) == 1
    keye_vl_rs.preprocess_video(path)
    (record,) = [one for one in caplog.records if "is read as a video" in one.getMessage()]
    assert record.getMessage() == (
        f"{path} is an image, and is read as a video; to read it as an image, use fetch_image or "
        "KeyeVL1_5ImageProcessor"
    )


def test_each_error_says_when_it_is_raised():
    for name in errors.__all__:
        error = getattr(errors, name)
        if isinstance(error, type) and error is not errors.KeyeVLError:
            assert error.__doc__.startswith(("Raised if ", "Issued if ")), name
            # What to do follows in a paragraph of its own.
            assert "\n\n" in error.__doc__, name
